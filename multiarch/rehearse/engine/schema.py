"""The least schema that the engine takes from a plugin."""

import json


def minimal_schema(package: str, version: str) -> str:
    """Give a package schema (JSON) with a name and a version."""
    return json.dumps({"name": package, "version": version, "provider": {}, "resources": {}, "functions": {}})
