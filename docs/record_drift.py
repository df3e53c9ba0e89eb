"""Record what docs/drift.md shows: the real command over a stub `pulumi` that replays the real CLI's recorded answers.

`python -m docs.record_drift` writes the page's parts anew; `page()` is what a test compares with it. `report()` is the
run that docs/pictures.py draws. Only times are changed, which differ from run to run, and the folder of the project.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from docs.steady import steady
from multiarch.core.ending import WRONG
from multiarch.core.environment import Child, environment
from multiarch.drift.ignore import BUILT_IN
from tests.recorded.answers import recorded
from tests.recorded.stub_pulumi import StubPulumi

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "drift.md"
ARGUMENTS = ("--only", "cloud-against-state", "--only", "cloud-against-code")
_ANSWERS = {
    "refresh aks": recorded("refresh-preview-clean"),
    "preview aks": recorded("preview-refresh-clean"),
    "refresh eks": recorded("refresh-preview-clean"),
    "preview eks": recorded("err-program"),
    "refresh gke": recorded("refresh-preview-drift"),
    "preview gke": recorded("preview-refresh-drift"),
}
_TIME = re.compile(r"\b\d+(\.\d+)? s\b")
_PICTURE = "![A terminal: two stacks that are not clean, each with its differences, and one that is](images/drift.svg)"


def page() -> str:
    """Return the whole page, its sample and its table of built-in rules made anew."""
    text = _between(PAGE.read_text(encoding="utf-8"), "sample", _sample())
    return _between(text, "ignored", _ignored())


def main() -> int:
    """Write the page; says whether that changed it."""
    text = page()
    if text != PAGE.read_text(encoding="utf-8"):
        PAGE.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{PAGE.name} written\n")
    return 0


def _between(text: str, name: str, new: str) -> str:
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    before, rest = text.split(begin, 1)
    return f"{before}{begin}{new}{end}{rest.split(end, 1)[1]}"


def report() -> str:
    """Return the run's JSON report."""
    return _run()[0]


def _sample() -> str:
    note = _TIME.sub("0.3 s", _run()[1])
    return (
        f"Recorded by `python -m docs.record_drift`: the real command, over answers recorded from the real CLI.\n\n"
        f"{_PICTURE}\n\n"
        f"With `--markdown`, as a merge request's note or an issue shows it:\n\n````markdown\n{note.strip()}\n````\n"
    )


def _run() -> tuple[str, str]:
    """Run the command, and return its JSON and its Markdown."""
    with tempfile.TemporaryDirectory(prefix="multiarch-docs-") as scratch:
        project = Path(scratch, "project")
        (project / "stacks").mkdir(parents=True)
        (project / "Pulumi.yaml").write_text("name: multiarch-runner\nruntime: python\nstackConfigDir: stacks\n")
        for stack in ("aks", "eks", "gke"):
            (project / "stacks" / f"Pulumi.{stack}.yaml").write_text("config: {}\n")
        stub = StubPulumi(Path(scratch, "bin"))
        stub.answers(_ANSWERS)
        found, note = project / "drift.json", project / "drift.md"
        done = _drift(project, stub.folder, *ARGUMENTS, "--json", str(found), "--markdown", str(note))
        if done.returncode != WRONG:  # one of the stacks drifted, and no doubt hides it
            raise RuntimeError(done.stdout + done.stderr)
        folders = {str(project): "PROJECT", str(stub.folder): "BIN"}
        return steady(found.read_text(encoding="utf-8"), folders), note.read_text(encoding="utf-8")


def _drift(project: Path, programs: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    own = {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "HOME": str(project)}
    return subprocess.run(
        [sys.executable, "-m", "multiarch.cli", "drift", "--project", str(project), *arguments],
        cwd=ROOT,
        env=environment(Child.OWN, {**own, "PYTHONUTF8": "1"}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def _ignored() -> str:
    rows = [
        f"| `{rule.id}` | `{rule.resource}` | `{rule.path}` | {rule.reason} ([source]({rule.source})) |"
        for rule in BUILT_IN
    ]
    return "".join(f"{row}\n" for row in ("| rule | resource | property | why |", "| --- | --- | --- | --- |", *rows))


if __name__ == "__main__":
    sys.exit(main())
