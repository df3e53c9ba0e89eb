"""Write templates/ anew from what is in this folder: `python -m ci.render` (or `make docs`).

GitLab templates can't share a script: a catalog component has to stand alone. So the scripts are files of their own
(shellcheck reads them, tests run them in busybox), and are put into each template that needs them; so is archmerge. The
images' versions come from ci/versions.py, the runner's from components/versions.py, our own from archmerge.
"""

from __future__ import annotations

import base64
import bz2
import hashlib
import json
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import jinja2
import yaml

from archmerge import __version__
from archmerge.packaging import make_zipapp
from ci import versions
from components import versions as runner_versions
from components.ci_jobs import RETRIES

if TYPE_CHECKING:
    from collections.abc import Mapping

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parent
COMPONENTS: Final = ("multi-arch-image", "build", "merge", "mirror-helper", "drift")
CLASSIC: Final = "multi-arch.gitlab-ci.yml"
INPUTS_IN: Final = ("docs/ci.md", "inputs")
COMPONENTS_IN: Final = ("README.md", "components")
"""A document, and the word of the marks between which it is written anew."""
_COLUMNS: Final = 152
"""Of base64 in a line: a multiple of four."""
_NOTICE: Final = "Made by `python -m ci.render` from ci/: change it there."


def script(title: str, *names: str) -> str:
    """Return scripts of ci/scripts, one after the other, as a block of a `script:` list; job logs show the title."""
    text = f"# {title}\n" + "\n".join((HERE / "scripts" / f"{name}.sh").read_text("utf-8").strip() for name in names)
    if "archmerge" in names:
        for mark, value in carried().items():
            text = text.replace(mark, value)
    # Directives for shellcheck say nothing to the reader of a template.
    lines = [line for line in text.splitlines() if not line.startswith("# shellcheck ")]
    return "\n".join(f"      {line}" if line else "" for line in lines)


@cache
def carried() -> dict[str, str]:
    """Return what ci/scripts/archmerge.sh has marks for: archmerge as text, and by what to know it.

    A template can't know which project it is included from, and so not where to fetch archmerge: it has it along.
    bzip2's output is the same everywhere, unlike zlib's and xz's.
    """
    file = make_zipapp.content(with_yaml=False)
    text = base64.b64encode(bz2.compress(file, 9)).decode()
    lines = "\n".join(text[start : start + _COLUMNS] for start in range(0, len(text), _COLUMNS))
    return {"@VERSION@": __version__, "@SHA256@": hashlib.sha256(file).hexdigest(), "@ARCHMERGE@": lines}


def pinned() -> dict[str, str]:
    """Every version that a template may name, by the name of its constant."""
    found = {**vars(runner_versions), **vars(versions)}
    named = {name: value for name, value in found.items() if name.isupper() and isinstance(value, str)}
    return {
        **named,
        "VERSION": __version__,
        "RUNNER_VERSION": runner_versions.RUNNER_OF_CHART[runner_versions.CHART_VERSION],
    }


def input_of(name: str) -> tuple[str, dict[str, Any]]:
    """Return the key and the specification of one entry of ci/inputs.yml, its default resolved."""
    spec = dict(_inputs()[name])
    key = str(spec.pop("name", name))
    default = spec.get("default")
    if isinstance(default, str) and default.startswith("@"):
        spec["default"] = pinned()[default[1:]]
    return key, spec


def inputs(*names: str) -> str:
    """Return the block under `spec: inputs:` for these entries."""
    listed = dict(input_of(name) for name in names)
    text = yaml.safe_dump(listed, sort_keys=False, allow_unicode=True, width=10_000, default_flow_style=False)
    return "\n".join(f"    {line}" for line in text.splitlines())


def render() -> dict[str, str]:
    """Return every generated file: its path from the root of the repository, and its text."""
    loader = jinja2.FileSystemLoader(HERE / "layout")
    engine = jinja2.Environment(  # noqa: S701 - writes YAML, not HTML
        loader=loader,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
        undefined=jinja2.StrictUndefined,
    )
    given: Mapping[str, Any] = {
        "script": script,
        "inputs": inputs,
        "versions": pinned(),
        "notice": _NOTICE,
        "retries": RETRIES,
    }
    files = {f"templates/{name}/template.yml": f"{name}.yml.j2" for name in COMPONENTS}
    files[f"templates/{CLASSIC}"] = f"{CLASSIC}.j2"
    # The project's own pipeline pins the same versions; the policy pack's file is one that can't read ours.
    files[".gitlab-ci.yml"] = "project.yml.j2"
    files["components/policy/PulumiPolicy.yaml"] = "PulumiPolicy.yaml.j2"
    made = {path: _tidy(engine.get_template(layout).render(given)) for path, layout in files.items()}
    tables = "\n".join(_table(name, made[f"templates/{name}/template.yml"]) for name in COMPONENTS)
    listed = "\n".join(_introduced(name, made[f"templates/{name}/template.yml"]) for name in COMPONENTS)
    return {**made, INPUTS_IN[0]: document(*INPUTS_IN, tables), COMPONENTS_IN[0]: document(*COMPONENTS_IN, listed)}


def document(path: str, word: str, written: str) -> str:
    """Return a document with what is between its marks written anew."""
    begin, end = f"<!-- {word} -->", f"<!-- /{word} -->"
    before, _, rest = (ROOT / path).read_text("utf-8").partition(begin)
    after = rest.partition(end)[2]
    return f"{before}{begin}\n{written}{end}{after}"


def main() -> int:
    """Write all of them; says which changed."""
    for path, text in render().items():
        file = ROOT / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists() or file.read_text("utf-8") != text:
            file.write_text(text, "utf-8")
            sys.stdout.write(f"{path} written\n")
    return 0


def _introduced(component: str, template: str) -> str:
    """Return what the catalog wants of the root README: a summary and an example. It lists the inputs itself."""
    text = (ROOT / "templates" / component / "README.md").read_text("utf-8")
    summary = text.split("\n\n")[1]
    example = text.partition("```yaml\n")[2].partition("```")[0]
    listed = yaml.safe_load(template.partition("\n---\n")[0])["spec"]["inputs"]
    required = ", ".join(f"`{name}`" for name, spec in listed.items() if "default" not in spec) or "none"
    more = f"Required inputs: {required}. [All {len(listed)}](docs/ci.md#{component})."
    summary = summary.replace("](../../", "](")
    return f"### `{component}`\n\n{summary}\n\n{more}\n\n```yaml\n{example}```\n"


def _table(component: str, template: str) -> str:
    listed = yaml.safe_load(template.partition("\n---\n")[0])["spec"]["inputs"]
    rows = [f"### `{component}`", "", "| input | default | |", "| --- | --- | --- |"]
    for name, spec in listed.items():
        default = spec.get("default")
        text = default if isinstance(default, str) else json.dumps(default)
        shown = "**required**" if default is None else f"`{text}`" if text else "empty"
        shown = shown.replace("|", r"\|")  # a bar ends a cell, even in code
        rows.append(f"| `{name}` | {shown} | {spec['description']} |")
    return "\n".join(rows) + "\n"


def _inputs() -> dict[str, dict[str, Any]]:
    loaded: dict[str, dict[str, Any]] = yaml.safe_load((HERE / "inputs.yml").read_text("utf-8"))
    return loaded


def _tidy(text: str) -> str:
    lines = [line.rstrip() for line in text.splitlines()]
    kept = [line for number, line in enumerate(lines) if line or (number and lines[number - 1])]
    return "\n".join(kept).strip() + "\n"


if __name__ == "__main__":
    sys.exit(main())
