"""The provider's package schema: what other languages, `pulumi import` and `pulumi package` read. Pure."""

import json
from typing import Any, Final

from pydantic import TypeAdapter

from archmerge import __version__
from components.helper_image.inputs import Asked

PACKAGE: Final = "multiarch"
TYPE: Final = "multiarch:index:MultiArchImage"
_LOGIN: Final = "multiarch:index:Login"

_STRING: Final = {"type": "string"}
_STRINGS: Final = {"type": "object", "additionalProperties": _STRING}

_KEPT: Final = ("type", "items", "additionalProperties", "default", "description")
"""What Pulumi's schemas have in common with JSON Schema, as far as it is used here."""


def _as_pulumi(entry: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in entry:
        return {"$ref": f"#/types/{_LOGIN}"}
    found = ((key, entry[key]) for key in _KEPT if key in entry)
    kept: dict[str, Any] = {key: _as_pulumi(one) if isinstance(one, dict) else one for key, one in found}
    if "description" in kept:
        kept["description"] = " ".join(kept["description"].split())
    return kept


_ASKED: Final = TypeAdapter(Asked).json_schema()
INPUTS: Final[dict[str, dict[str, Any]]] = {name: _as_pulumi(entry) for name, entry in _ASKED["properties"].items()}
INPUTS["target"]["willReplaceOnChanges"] = True
INPUTS["credentials"]["secret"] = True
REQUIRED: Final = tuple(_ASKED["required"])
OUTPUTS: Final[dict[str, dict[str, Any]]] = {
    "digest": {**_STRING, "description": "What the target's tag points to, as last seen in the registry."},
    "publishedDigest": {
        **_STRING,
        "description": "What this resource published. Unlike `digest` if someone moved the tag.",
    },
    "reference": {**_STRING, "description": "The published image by digest, `host/repository@sha256:...`."},
    "platforms": {**_STRINGS, "description": "Digest of each platform's image, as last seen in the registry."},
    "tagDigests": {**_STRINGS, "description": "What each of `tags` points to, as last seen in the registry."},
}


def package_schema() -> str:
    """Return the schema as JSON."""
    echoed = {key: INPUTS[key] for key in INPUTS if key != "credentials"}
    login = {
        "type": "object",
        "properties": {"username": _STRING, "password": {**_STRING, "secret": True}},
        "required": ["username", "password"],
    }
    resource = {
        "description": "An image of several architectures, merged from one image each and verified; its drift shows.",
        "inputProperties": INPUTS,
        "requiredInputs": list(REQUIRED),
        "properties": {**echoed, **OUTPUTS},
        "required": [*REQUIRED, *OUTPUTS],
    }
    return json.dumps(
        {
            "name": PACKAGE,
            "version": __version__,
            "description": "Container images of several architectures as resources",
            "types": {_LOGIN: login},
            "resources": {TYPE: resource},
            "language": {"python": {"respectSchemaVersion": True}},
        },
        indent=2,
    )
