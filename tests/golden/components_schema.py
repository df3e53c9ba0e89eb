"""`python -m tests.golden.components_schema [FILE]`: write the components' schema anew. Read the diff first.

With FILE it is written there, for a release, and nothing else is changed.
"""

import difflib
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]  # grpcio ships no types
from pulumi.runtime.proto import provider_pb2 as messages
from pulumi.runtime.proto import provider_pb2_grpc

HOST = Path(__file__).resolve().parents[2] / "components"
GOLDEN = Path(__file__).with_name("components.schema.json")


@contextmanager
def component_host(engine: str = "127.0.0.1:1", folder: Path = HOST) -> Iterator[Any]:
    """The component provider host, started as Pulumi starts it: by its folder, the port on stdout."""
    process = subprocess.Popen(
        [sys.executable, str(folder), engine], stdout=subprocess.PIPE, text=True, cwd=folder.parent.parent
    )
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield provider_pb2_grpc.ResourceProviderStub(channel)
    finally:
        process.kill()
        process.communicate()


def schema_text(folder: Path = HOST) -> str:
    """The schema that the host gives out, in a stable order."""
    with component_host(folder=folder) as host:
        schema = json.loads(host.GetSchema(messages.GetSchemaRequest()).schema)
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


def difference(text: str) -> str:
    """The diff to the golden schema; empty when nothing changed."""
    golden = GOLDEN.read_text(encoding="utf-8") if GOLDEN.exists() else ""
    lines = difflib.unified_diff(golden.splitlines(), text.splitlines(), GOLDEN.name, "now", lineterm="", n=2)
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    """Write it, and say whether it changed."""
    text = schema_text()
    if arguments:
        Path(arguments[0]).write_text(text, encoding="utf-8")
        return 0
    sys.stdout.write(f"{GOLDEN.name}: {'changed' if difference(text) else 'unchanged'}\n")
    GOLDEN.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
