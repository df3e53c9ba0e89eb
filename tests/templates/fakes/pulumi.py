"""A stand-in of `pulumi package gen-sdk`: an SDK of one file, the schema's name. The real one is not had."""

from __future__ import annotations

import json
import sys
from pathlib import Path

if __name__ == "__main__":
    schema, language, out = sys.argv[3], sys.argv[5], sys.argv[7]
    assert sys.argv[1:3] == ["package", "gen-sdk"]
    assert (sys.argv[4], sys.argv[6]) == ("--language", "--out")
    folder = Path(out, language)
    folder.mkdir(parents=True)
    (folder / "README").write_text(json.loads(Path(schema).read_text())["name"])
