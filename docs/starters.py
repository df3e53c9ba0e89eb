"""Write starters/ from examples/: `python -m docs.starters`. What `pulumi new` takes; a test fails when one is stale.

A starter is its example without what names this repository's folders: `pulumi package add` writes that, from wherever a
copy of the repository is.
"""

import json
import re
import shutil
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).resolve().parent.parent
EXAMPLES: Final = ROOT / "examples"
STARTERS: Final = ROOT / "starters"
_PACKAGES: Final = re.compile(r"^packages:\n(?: .*\n)+", re.MULTILINE)
_PROJECT: Final = "${PROJECT}"
_SDK: Final = "@pulumi/multiarch-runner"
_QUICKSTART: Final = """\
Add the components, from a clone of their repository or its git URL, set what is still to be set, and look at the plan:

  pulumi package add <URL or path of the repository>/components
  pulumi config set <key> <value>
  pulumi preview
"""
_IGNORED: Final = {"python": "venv/\n__pycache__/\n", "typescript": "node_modules/\n"}
_PROVIDERS: Final = {"eks": {"aws:region": {"description": "Region of the cluster, for the AWS provider"}}}


def starters() -> dict[Path, str]:
    """Return each file's place and text."""
    found = {}
    for project in sorted(EXAMPLES.glob("*/Pulumi.yaml")):
        for source in sorted(project.parent.iterdir()):
            if source.suffix in {".yaml", ".py", ".ts", ".txt", ".json"} and source.name != "package-lock.json":
                text = source.read_text(encoding="utf-8")
                found[STARTERS / project.parent.name / source.name] = _starter(source, text)
        if ignored := _IGNORED.get(project.parent.name.rpartition("-")[2]):
            found[STARTERS / project.parent.name / ".gitignore"] = ignored
    return found


def _starter(source: Path, text: str) -> str:
    if source.name == "Pulumi.yaml":
        return _project(text, source.parent.name.partition("-")[0])
    if source.name == "requirements.txt":
        return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("sdks/"))
    if source.name == "package.json":
        document = {**json.loads(text), "name": _PROJECT}
        del document["dependencies"][_SDK]
        return json.dumps(document, indent=4) + "\n"
    return text


def _project(text: str, cloud: str) -> str:
    document = yaml.safe_load(text)
    template = {
        "template": {
            "description": document["description"],
            "config": {**_asked(cloud), **_PROVIDERS.get(cloud, {})},
            "quickstart": _Text(_QUICKSTART),
        }
    }
    text = _PACKAGES.sub("", text)
    text = re.sub(r"^name: .*$", f"name: {_PROJECT}", text, count=1, flags=re.MULTILINE)
    text = re.sub(r"^description: .*$", "description: ${DESCRIPTION}", text, count=1, flags=re.MULTILINE)
    return text.replace("config:\n", yaml.dump(template, Dumper=_Dumper, sort_keys=False, width=120) + "config:\n", 1)


def _asked(cloud: str) -> dict[str, dict[str, Any]]:
    """Return what `pulumi new` asks for: texts alone; a list is set afterwards, by its path.

    It is the same in every language, but YAML's runtime allows no descriptions there.
    """
    config = yaml.safe_load((EXAMPLES / f"{cloud}-python" / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
    told = ("description", "default", "secret")
    return {
        key: {name: declared[name] for name in told if name in declared}
        for key, declared in config.items()
        if declared["type"] == "string"
    }


class _Text(str):
    """A text of several lines, to be written as such."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Writes it."""


_Dumper.add_representer(_Text, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|"))


def main() -> None:
    """Write all of them anew; nothing else stays in the folder."""
    shutil.rmtree(STARTERS, ignore_errors=True)
    for place, text in starters().items():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
