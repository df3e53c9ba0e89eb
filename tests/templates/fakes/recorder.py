"""trivy, syft and cosign: write down what they were asked, and leave what they leave."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.templates.fakes import built, registry_client


def main(argv: list[str]) -> int:
    tool, asked = argv[0], argv[1:]
    host = (
        asked[-1].partition("/")[0].removeprefix("registry:")
        if tool != "syft"
        else asked[1].removeprefix("registry:").partition("/")[0]
    )
    built.record(tool, asked, knows_registry=registry_client.credentials(host) is not None)
    if tool == "syft":
        for word in asked:
            if word.startswith("spdx-json="):
                Path(word.partition("=")[2]).write_text("{}")
    return int(os.environ.get(f"LAB_{tool.upper()}_EXIT", "0"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
