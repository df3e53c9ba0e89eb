"""The multiarch package: MultiArchImage. Its rules are the provider's own Check; its images are stand-ins.

A plan reaches no registry. What it says of digests is what a merge of the stand-ins gives, and the rehearsal on the
cluster does that merge for real (multiarch/rehearse/mirror).
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from archmerge import __version__
from components.helper_image.inputs import check_inputs
from components.helper_image.properties import UNKNOWN as IMAGE_UNKNOWN
from components.helper_image.schema import PACKAGE, TYPE
from components.helper_image.state import Found, differences, identity, published
from multiarch.model.providers.base import Created, Diff, LookupRefusedError, Refusal
from multiarch.model.providers.kinds import Inputs, refusal
from multiarch.model.providers.stand_in_image import image_for, index_of
from multiarch.model.providers.values import UNKNOWN

SOURCE = "components/helper_image: the provider's own Check"


def _translated(value: Any) -> Any:
    """Spell the unknown as the provider does."""
    if value is UNKNOWN:
        return IMAGE_UNKNOWN
    if isinstance(value, Mapping):
        return {key: _translated(item) for key, item in value.items()}
    return [_translated(item) for item in value] if isinstance(value, list) else value


class MultiArchProvider:
    """Our own provider, without a registry."""

    package: ClassVar[str] = PACKAGE
    version: ClassVar[str] = __version__

    def judges_schema(self, token: str) -> bool:
        """Judge it here: no SDK brings the provider."""
        del token
        return True

    def check_config(self, inputs: Inputs) -> list[Refusal]:
        """Accept any configuration: the provider has none."""
        del inputs
        return []

    def check(self, token: str, name: str, inputs: Inputs) -> list[Refusal]:
        """Put the provider's own Check to the inputs."""
        del name
        if token != TYPE:
            return [refusal("", f"the package {PACKAGE} has no {token}", SOURCE)]
        problems = check_inputs(_translated(inputs))
        return [refusal(one.path, one.text, SOURCE) for one in problems]

    def create(self, token: str, name: str, inputs: Inputs) -> Created:
        """Answer with the digests of the stand-ins; with the inputs alone, where `check` has refused them."""
        if self.check(token, name, inputs) or not all(isinstance(inputs.get(key), str) for key in ("target",)):
            return Created(id=f"{name}-id", outputs=dict(inputs))
        images = {platform: image_for(platform) for platform in inputs["sources"]}
        digest = index_of(images.values()).digest
        platforms = {platform: str(image.manifest.digest) for platform, image in images.items()}
        tags = dict.fromkeys(inputs.get("tags") or (), str(digest))
        found = Found(digest=str(digest), platforms=platforms, tags=tags)
        return Created(id=identity(inputs["target"]), outputs=published(inputs, found))

    def update(self, token: str, name: str, state: Inputs, inputs: Inputs) -> Inputs:
        """Answer as to a creation: a merge knows nothing of the one before it."""
        del state
        return self.create(token, name, inputs).outputs

    def diff(self, token: str, olds: Inputs, news: Inputs) -> Diff:
        """Compare as the provider does; what is in the registry is not looked at."""
        found = [one for one in differences(_translated(olds), _translated(news)) if not one.drift and token == TYPE]
        return Diff(
            updates=tuple(one.path for one in found if not one.replace),
            replaces=tuple(one.path for one in found if one.replace),
            delete_before_replace=bool(olds.get("deleteRemote")),
        )

    def invoke(self, token: str, args: Inputs) -> Mapping[str, Any]:
        """Refuse: the package has no lookups."""
        del args
        raise LookupRefusedError(f"the package {PACKAGE} has no function {token}", SOURCE)
