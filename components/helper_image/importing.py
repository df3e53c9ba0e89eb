"""Taking over an image that is in a registry already: its inputs are read off the index itself."""

from dataclasses import dataclass
from typing import Any

from archmerge import MismatchError
from archmerge.reference import parse_target
from components.helper_image.inputs import ImageInputs
from components.helper_image.remote import look
from components.helper_image.state import Found


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundImage:
    """An index, and inputs that would publish it again: its own children are its sources."""

    inputs: dict[str, Any]
    found: Found


def find_image(identity: str) -> FoundImage | None:
    """Return what is under `host/repository:tag`, None if there is no such tag. Raises ArchmergeError.

    An import knows no inputs: `http://` before the id says that its host is spoken to without TLS, and credentials
    come from the environment.
    """
    scheme, _, reference = identity.rpartition("://")
    target = parse_target(reference)
    plain = frozenset({target.host} if scheme == "http" else ())
    found = look(ImageInputs(target=target, sources={}, plain_http=plain))
    if found is None:
        return None
    if not found.platforms:
        raise MismatchError(
            f"{target} is not an index, or none of its images exists",
            fix="only an image of several platforms can be imported; publish it as a new MultiArchImage instead",
        )
    sources = {platform: f"{target.name}@{digest}" for platform, digest in found.platforms.items()}
    inputs = {"target": str(target), "sources": sources, **({"plainHttp": sorted(plain)} if plain else {})}
    return FoundImage(inputs=inputs, found=found)
