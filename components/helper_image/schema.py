"""The provider's package schema: what other languages, `pulumi import` and `pulumi package` read. Pure."""

import json
from typing import Any, Final

VERSION: Final = "0.1.0"
PACKAGE: Final = "multiarch"
TYPE: Final = "multiarch:index:MultiArchImage"
_LOGIN: Final = "multiarch:index:Login"

_STRING: Final = {"type": "string"}
_STRINGS: Final = {"type": "object", "additionalProperties": _STRING}
_LIST: Final = {"type": "array", "items": _STRING}

INPUTS: Final[dict[str, dict[str, Any]]] = {
    "target": {
        **_STRING,
        "description": "Where to publish: `host/repository:tag`. Another target is another resource.",
        "willReplaceOnChanges": True,
    },
    "sources": {
        **_STRINGS,
        "description": "One image for each platform, by tag or digest: `{linux/amd64: host/repository@sha256:...}`. "
        "An index is taken apart: its image for that platform is used.",
    },
    "tags": {**_LIST, "description": "More tags for the same image, written after the target's own."},
    "credentials": {
        "type": "object",
        "additionalProperties": {"$ref": f"#/types/{_LOGIN}"},
        "description": "User name and password by registry host. A host left out is looked up in the environment's "
        "docker config. Never compared: new ones take effect at the next operation.",
        "secret": True,
    },
    "plainHttp": {**_LIST, "description": "Registry hosts that are spoken to without TLS."},
    "deleteRemote": {
        "type": "boolean",
        "description": "Remove the tags from the registry when this resource is deleted. By default the image stays.",
        "default": False,
    },
}
REQUIRED: Final = ("target", "sources")
OUTPUTS: Final[dict[str, dict[str, Any]]] = {
    "digest": {**_STRING, "description": "What the target's tag points to, as last seen in the registry."},
    "publishedDigest": {**_STRING, "description": "What this resource published. Unlike `digest`: somebody moved it."},
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
            "version": VERSION,
            "description": "Container images of several architectures as resources",
            "types": {_LOGIN: login},
            "resources": {TYPE: resource},
            "language": {"python": {"respectSchemaVersion": True}},
        },
        indent=2,
    )
