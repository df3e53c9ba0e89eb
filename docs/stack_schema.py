"""The JSON Schema of a whole stack file, for editors: draft-07, which they all read."""

from typing import Any, Final

from pydantic import TypeAdapter

from components.clouds import CLOUDS
from components.runner.cache import AzureCache, GcsCache, S3Cache
from components.runner.settings import RunnerConfig
from components.stack_keys import BUILDKIT_TOKEN, KEYS, MIRROR_PASSWORD, NAMESPACE, RUNNER_TOKEN

Schema = dict[str, Any]

# Classes that are told from their siblings by `type`, which then has to be written.
_TAGGED: Final = (*(cloud.cluster for cloud in CLOUDS.values()), GcsCache, S3Cache, AzureCache)


def _secret(what: str, key: str) -> Schema:
    return {
        "title": "encrypted secret",
        "description": f"{what}: pulumi config set --secret multiarch-runner:{key}. Never in plain text.",
        "type": "object",
        "properties": {"secure": {"type": "string", "description": "Ciphertext, written by Pulumi."}},
        "required": ["secure"],
        "additionalProperties": False,
    }


def stack_schema() -> Schema:
    """Return the schema. Shapes only: what it lets pass, `load_config` still checks as a whole."""
    clouds = CLOUDS.values()
    classes = [*(cloud.cluster for cloud in clouds), *(cloud.pool for cloud in clouds), RunnerConfig]
    _, made = TypeAdapter.json_schemas(
        [(cls.__name__, "validation", TypeAdapter(cls)) for cls in classes], ref_template="#/definitions/{model}"
    )
    definitions = {name: _tidied(schema) for name, schema in made["$defs"].items()}
    for schema in definitions.values():
        if "enum" in schema:
            schema.pop("description", None)  # editors would show it in place of the key's own
    for cls in _TAGGED:
        definitions[cls.__name__].setdefault("required", []).insert(0, "type")
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Stack file of multiarch-runner",
        "type": "object",
        "properties": {
            "config": _config(),
            "secretsprovider": {"type": "string", "description": "Who encrypts the stack's secrets."},
            "encryptedkey": {"type": "string"},
            "encryptionsalt": {"type": "string"},
            "environment": {"description": "Pulumi ESC environments."},
        },
        "required": ["config"],
        "additionalProperties": False,
        "definitions": definitions,
    }


def _config() -> Schema:
    """Describe `config:`. Each of our keys may be written with its namespace or bare."""
    parts: dict[str, Schema] = {
        "cluster": _cluster(),
        "pools": {"description": "The node pools, of the cluster's own type.", "type": "array", "minItems": 1},
        "runner": _reference(RunnerConfig),
        RUNNER_TOKEN: _secret("The runner's token", RUNNER_TOKEN),
        BUILDKIT_TOKEN: _secret("The BuildKit runner's token", BUILDKIT_TOKEN),
        MIRROR_PASSWORD: _secret("The helper mirror's password", MIRROR_PASSWORD),
    }
    return {
        "type": "object",
        "properties": {spelling: parts[key] for key in KEYS for spelling in _spellings(key)},
        "patternProperties": {f"^(?!{NAMESPACE}:)[^:]+:.": {"description": "A setting of a Pulumi provider."}},
        "additionalProperties": False,
        "allOf": [
            *({"anyOf": [{"required": [name]} for name in _spellings(key)]} for key in ("cluster", "pools", "runner")),
            *(_pools_follow(spelling, kind) for kind in CLOUDS for spelling in _spellings("cluster")),
        ],
    }


def _spellings(key: str) -> tuple[str, str]:
    return f"{NAMESPACE}:{key}", key


def _reference(cls: type) -> Schema:
    return {"$ref": f"#/definitions/{cls.__name__}"}


def _cluster() -> Schema:
    return {
        "type": "object",
        "properties": {"type": {"enum": list(CLOUDS), "description": "Decides which other keys there are."}},
        "required": ["type"],
        "allOf": [_if_type(kind, _reference(cloud.cluster)) for kind, cloud in CLOUDS.items()],
    }


def _if_type(kind: str, then: Schema) -> Schema:
    return {"if": {"properties": {"type": {"const": kind}}, "required": ["type"]}, "then": then}


def _pools_follow(cluster_key: str, kind: str) -> Schema:
    pools = {"items": _reference(CLOUDS[kind].pool)}
    of_kind = {"properties": {"type": {"const": kind}}, "required": ["type"]}
    return {
        "if": {"properties": {cluster_key: of_kind}, "required": [cluster_key]},
        "then": {"properties": dict.fromkeys(_spellings("pools"), pools)},
    }


def _tidied(schema: Any) -> Any:
    """Drop what pydantic adds for OpenAPI, and keep descriptions beside a `$ref`, which draft-07 would ignore."""
    if isinstance(schema, list):
        return [_tidied(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    tidy = {
        key: _named(value) if key == "properties" else _tidied(value)
        for key, value in schema.items()
        if key not in {"title", "discriminator"}
    }
    if isinstance(description := tidy.get("description"), str):
        tidy["description"] = " ".join(description.split())
    if "patternProperties" in tidy:
        tidy["additionalProperties"] = False
    if "$ref" in tidy and len(tidy) > 1:
        tidy["allOf"] = [{"$ref": tidy.pop("$ref")}]
    return tidy


def _named(properties: dict[str, Any]) -> dict[str, Any]:
    """Tidy the values of `properties`, whose own keys are names (one may be called `title`)."""
    return {name: _tidied(schema) for name, schema in properties.items()}
