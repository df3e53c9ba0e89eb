"""What `pulumi new` takes: each starter is its example, without what names this repository's own folders."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.starters import EXAMPLES, STARTERS, starters

WRITTEN = starters()
PROJECTS = sorted(path.name for path in EXAMPLES.iterdir() if (path / "Pulumi.yaml").is_file())


def test_every_file_is_current_and_no_other_is_there() -> None:
    there = {path: path.read_text(encoding="utf-8") for path in STARTERS.rglob("*") if path.is_file()}
    assert there == WRITTEN, "run: python -m docs.starters"


@pytest.mark.parametrize("name", PROJECTS)
def test_a_starter_asks_for_all_texts_that_the_project_needs_and_names_no_folder_of_ours(name: str) -> None:
    text = WRITTEN[STARTERS / name / "Pulumi.yaml"]
    document: Any = yaml.safe_load(text)
    needed = {key: one for key, one in document["config"].items() if one["type"] == "string"}
    asked = document["template"]["config"]
    assert needed.keys() <= asked.keys()
    assert [key for key, one in needed.items() if asked[key].get("secret") != one.get("secret")] == []
    assert [key for key, one in needed.items() if asked[key].get("default") != one.get("default")] == []
    assert (document["name"], document["description"]) == ("${PROJECT}", "${DESCRIPTION}")
    assert "pulumi package add" in document["template"]["quickstart"]
    whole = "".join(content for place, content in WRITTEN.items() if place.parent.name == name)
    assert "../" not in whole
    assert "sdks/" not in whole


@pytest.mark.parametrize("name", PROJECTS)
def test_a_starter_s_program_is_the_example_s(name: str) -> None:
    programs = [Path(name, one) for one in ("__main__.py", "index.ts") if (EXAMPLES / name / one).is_file()]
    assert len(programs) == (0 if name.endswith("yaml") else 1)
    assert [one for one in programs if WRITTEN[STARTERS / one] != (EXAMPLES / one).read_text(encoding="utf-8")] == []
