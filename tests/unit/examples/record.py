"""Run a Python example and write, as JSON, what it passes to the components: `python record.py PROGRAM < CONFIG`.

Its SDK is what `pulumi package add` generates. Here a module of the same names stands in, made from the schema as well:
it spells the keys as the schema does and hands them to the SDK, which sends them to a mock of the engine.
"""

import json
import re
import runpy
import sys
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Any

import pulumi
from pulumi.runtime import rpc

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests.unit.examples import schema

MODULE = f"pulumi_{schema.SCHEMA['name'].replace('-', '_')}"


def snake(name: str) -> str:
    return re.sub("([A-Z])", lambda found: f"_{found[1].lower()}", name)


def spelled(known: Mapping[str, Any], value: Mapping[str, Any]) -> dict[str, Any]:
    """Give an object with the schema's keys. A key that it does not have stays as it is."""
    names = {snake(name): name for name in known}
    found = {names.get(key, key): item for key, item in value.items()}
    return {key: respelled(known.get(key, {}), item) for key, item in found.items()}


def respelled(one: Mapping[str, Any], value: Any) -> Any:
    inner = schema.named(one)
    if isinstance(value, Enum):
        return value.value
    if inner is not None and isinstance(value, Mapping):
        return spelled(inner["properties"], value)
    if isinstance(value, list):
        return [respelled(one.get("items", {}), item) for item in value]
    return value


def component(name: str) -> type[pulumi.ComponentResource]:
    entry = schema.component(name)

    def start(self: Any, resource: str, opts: pulumi.ResourceOptions | None = None, **inputs: Any) -> None:
        outputs = dict.fromkeys(entry["properties"])
        props = {**spelled(entry["inputProperties"], inputs), **outputs}
        pulumi.ComponentResource.__init__(self, f"{schema.PREFIX}{name}", resource, props, opts, remote=True)

    def output(key: str) -> property:
        return property(lambda self: self.__dict__[key])

    read = {snake(key): output(key) for key in entry["properties"]}
    return type(name, (pulumi.ComponentResource,), {"__init__": start, **read})


def module() -> ModuleType:
    made = ModuleType(MODULE)
    for token, entry in schema.SCHEMA["types"].items():
        if "enum" in entry:
            name = token.removeprefix(schema.PREFIX)
            values = {choice["name"]: choice["value"] for choice in entry["enum"]}
            setattr(made, name, Enum(name, values))
    for token in schema.SCHEMA["resources"]:
        name = token.removeprefix(schema.PREFIX)
        setattr(made, name, component(name))
    return made


def plain(value: Any) -> Any:
    """Give what came over the wire: its whole numbers are floats, its secrets are marked."""
    if isinstance(value, Mapping) and rpc._special_sig_key in value:
        return plain(value["value"])
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


class Engine(pulumi.runtime.Mocks):
    def __init__(self) -> None:
        self.seen: dict[str, dict[str, Any]] = {}

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        known = schema.SCHEMA["resources"].get(args.typ, {"properties": {}})["properties"]
        given = {key: value for key, value in args.inputs.items() if key not in known or value is not None}
        secret = [key for key, value in given.items() if isinstance(value, dict) and rpc._special_sig_key in value]
        self.seen[args.name] = {"type": args.typ, "properties": plain(given), "secret": secret}
        return f"{args.name}-id", {**given, **{key: schema.sample(one) for key, one in known.items()}}

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[str, Any], None]:
        raise AssertionError(f"the example looks up {args.token}, which nobody answers here")


def main() -> None:
    program, config = sys.argv[1], json.load(sys.stdin)
    sys.modules[MODULE] = module()
    engine = Engine()
    pulumi.runtime.set_mocks(engine, project="example", stack="test")
    pulumi.runtime.set_all_config(config["values"], config["secrets"])
    run = pulumi.runtime.test(lambda: runpy.run_path(program, run_name="__main__"))  # type: ignore[no-untyped-call]  # the SDK's own
    run()
    json.dump(engine.seen, sys.stdout)


if __name__ == "__main__":
    main()
