"""buildctl-daemonless.sh, as far as a template can tell. Pushes an index with an attestation, as BuildKit does."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from tests.registry.lab.images import attested
from tests.templates.fakes import built, registry_client


def main(argv: list[str]) -> int:
    options = argparse.ArgumentParser("buildctl", allow_abbrev=False)
    options.add_argument("command", choices=["build"])
    for name in ("frontend", "progress", "metadata-file", "output"):
        options.add_argument(f"--{name}", required=True)
    for name in ("local", "opt", "import-cache", "export-cache"):
        options.add_argument(f"--{name}", action="append", default=[])
    asked = options.parse_args(argv)
    built.record("buildkit", argv, flags=os.environ.get("BUILDKITD_FLAGS", ""))
    local = dict(pair.split("=", 1) for pair in asked.local)
    opts = dict(pair.split("=", 1) for pair in asked.opt)
    dockerfile = Path(local["dockerfile"]) / opts["filename"]
    assert dockerfile.is_file(), dockerfile
    assert Path(local["context"]).is_dir()
    output = dict(pair.split("=", 1) for pair in asked.output.split(","))
    assert (output["type"], output["push"]) == ("image", "true")
    digest = registry_client.push(output["name"], attested(built.node(), seed=opts.get("build-arg:GREETING", "")))
    # As BuildKit writes it: pretty-printed, and with the config's digest under a similar key.
    metadata = {
        "containerimage.config.digest": "sha256:" + "0" * 64,
        "containerimage.digest": digest,
        "image.name": output["name"],
    }
    Path(asked.metadata_file).write_text(json.dumps(metadata, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
