"""What a stack file holds that only Pulumi can make: encrypted secrets and their key. A new file keeps it."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import yaml

from components.stack_keys import NAMESPACE
from multiarch.onboard.write.render import scalar

_OF_PULUMI: Final = ("secretsprovider", "encryptedkey", "encryptionsalt")
"""Top-level keys by which Pulumi decrypts a stack's secrets (sdk/go/common/workspace, ProjectStack)."""


def with_kept(text: str, before: str | None) -> str:
    """Put the secrets of the file that is replaced into the new text; the new text alone where there are none."""
    document = _document(before)
    config = document.get("config")
    secrets = [] if not isinstance(config, dict) else list(_secrets(config))
    keys = [f"{key}: {scalar(str(document[key]))}" for key in _OF_PULUMI if isinstance(document.get(key), str)]
    lines = [*secrets, *([""] if keys else []), *keys]
    return text + "".join(f"{line}\n" for line in lines)


def _document(before: str | None) -> Mapping[str, Any]:
    try:
        document = yaml.safe_load(before or "")
    except yaml.YAMLError:
        return {}
    return document if isinstance(document, dict) else {}


def _secrets(config: Mapping[Any, Any]) -> Iterator[str]:
    """Yield the lines of each setting that is a secret as a whole; ours has no others (components/stack_checks.py)."""
    for key, value in config.items():
        if isinstance(key, str) and isinstance(value, dict) and set(value) == {"secure"}:
            full = key if ":" in key else f"{NAMESPACE}:{key}"
            yield f"  {scalar(full)}:"
            yield f"    secure: {scalar(str(value['secure']))}"
