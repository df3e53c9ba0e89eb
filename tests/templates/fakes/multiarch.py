"""`multiarch drift`: writes down what it was asked, leaves the reports, and ends as the lab wants for the stack.

LAB_DRIFT holds STACK=CODE pairs; a stack without one is clean. `--merge` folds the codes that the reports hold.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from tests.templates.fakes import built

_CREDENTIALS = ("GOOGLE_APPLICATION_CREDENTIALS", "AWS_WEB_IDENTITY_TOKEN_FILE", "AZURE_FEDERATED_TOKEN_FILE")
_UNKNOWN = 3


def main(argv: list[str]) -> int:
    given: dict[str, list[str]] = {}
    for option, value in zip(argv, [*argv[1:], ""], strict=True):
        if option.startswith("--"):
            given.setdefault(option, []).append(value)
    files = {name: Path(os.environ[name]).read_text() for name in _CREDENTIALS if name in os.environ}
    history = Path(given["--history"][0]) if "--history" in given else None
    runs = _remember(history) if history else 0
    built.record("multiarch", argv, files=files, runs=runs)
    if "--merge" in given:
        return _merged(given)
    (stack,) = given["--stack"]
    code = int(dict(pair.split("=") for pair in os.environ.get("LAB_DRIFT", "").split()).get(stack, "0"))
    for option in ("--json", "--markdown", "--junit"):
        (path,) = given[option]
        Path(path).write_text("<testsuites/>" if option == "--junit" else json.dumps({"stack": stack, "code": code}))
    return code


def _merged(given: dict[str, list[str]]) -> int:
    found: list[dict[str, Any]] = [
        json.loads(Path(file).read_text()) for file in given["--merge"] if Path(file).exists()
    ]
    codes = {one["code"] for one in found}
    missing = set(given["--stack"]) - {one["stack"] for one in found}
    code = 1 if 1 in codes else _UNKNOWN if missing else max(codes)
    for option in ("--json", "--markdown"):
        Path(given[option][0]).write_text(json.dumps({"code": code, "missing": sorted(missing)}))
    return code


def _remember(folder: Path) -> int:
    """Count the runs that this folder has seen."""
    folder.mkdir(exist_ok=True)
    (folder / f"{len(list(folder.iterdir()))}").touch()
    return len(list(folder.iterdir()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
