"""Break the program's own source, one line at a time, and run the whole command: the claim that names it must fail.

`test_claims.py` breaks plans; here a copy of the project is patched, so that a rehearsal that no longer looks at what
the program really does is found out. A line that is not there any more is an error, never a pass.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from multiarch.core.verdict import Verdict
from multiarch.rehearse.control_plane.plane import ControlPlane
from multiarch.rehearse.install.chart import EMBEDDED

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("__main__.py", "Pulumi.yaml", "requirements.txt", "components", "multiarch", "stacks", "templates")
Claims = dict[str, tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """One line of the program, what it becomes, and the claims that must fail, with what their evidence must say."""

    stack: str
    file: str
    line: str
    broken: str
    fails: dict[str, str]


BREAKS = {
    "no arm64 taint on EKS": Break(
        stack="eks",
        file="components/clouds/contract.py",
        line="    return (ARM64_TAINT, *taints) if arch is Arch.ARM64 else tuple(taints)",
        broken="    return tuple(taints)",
        fails={"arm64-taint": "no arm64 taint"},
    ),
    "no arm64 taint on AKS": Break(
        stack="aks",
        file="components/clouds/contract.py",
        line="    return (ARM64_TAINT, *taints) if arch is Arch.ARM64 else tuple(taints)",
        broken="    return tuple(taints)",
        fails={"arm64-taint": "no arm64 taint"},
    ),
    "no toleration of the jobs": Break(
        stack="gke",
        file="components/runner/executor.py",
        line='        "node_tolerations": dict(job_tolerations(runner, pools)),',
        broken='        "node_tolerations": {},',
        fails={"arm64-job-on-arm64-node": "untolerated taint"},
    ),
    "a regex without anchors": Break(
        stack="local",
        file="components/runner/selectors.py",
        line='        return f"^{arch}$"',
        broken="        return arch",
        fails={"foreign-label-refused": "lets x.kubernetes.io/arch=arm64 through", "policy-kept": "not anchored"},
    ),
    "a regex for any architecture": Break(
        stack="local",
        file="components/runner/selectors.py",
        line='        return f"^{arch}$"',
        broken='        return "^kubernetes\\\\.io/arch=.*$"',
        fails={"forbidden-selector-refused": "lets kubernetes.io/arch=s390x through", "policy-kept": "also admits"},
    ),
    "a right of the runner missing": Break(
        stack="local",
        file="components/runner/permissions.py",
        line='    "pods/exec": ("create", "delete", "get", "patch"),',
        broken="",
        fails={"runner-has-its-rights": "create pods/exec"},
    ),
    "a template without its selector": Break(
        stack="local",
        file="templates/multi-arch.gitlab-ci.yml",
        line="    KUBERNETES_NODE_SELECTOR_ARCH: kubernetes.io/arch=arm64",
        broken="    ARCH_SELECTOR: kubernetes.io/arch=arm64",
        fails={"arm64-job-on-arm64-node": ".build-arm64 of templates/multi-arch.gitlab-ci.yml"},
    ),
    "a template for another tag": Break(
        stack="local",
        file="templates/multi-arch-image/template.yml",
        line="      default: multi-arch",
        broken="      default: docker",
        fails={"template-tags": "image-build: [amd64] of templates/multi-arch-image/template.yml asks for docker"},
    ),
    "a right of the runner too wide": Break(
        stack="local",
        file="components/runner/permissions.py",
        line='    "secrets": ("create", "delete", "get", "update"),',
        broken='    "secrets": ("*",),',
        fails={"runner-has-no-more": "* secrets in gitlab-runner-jobs", "policy-kept": "wildcard"},
    ),
}

BATCHES = (
    ("no arm64 taint on EKS",),
    ("no arm64 taint on AKS",),
    ("no toleration of the jobs",),
    (
        "a regex without anchors",
        "a right of the runner missing",
        "a template without its selector",
        "a template for another tag",
    ),
    ("a regex for any architecture", "a right of the runner too wide"),
)
"""Breaks that are rehearsed together: of one stack, and none can be taken for another, by claim or by evidence."""


def copy_of_the_project(target: Path) -> Path:
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, target / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / part)
    return target


def break_line(project: Path, broken: Break) -> None:
    path = project / broken.file
    lines = path.read_text(encoding="utf-8").split("\n")
    assert lines.count(broken.line) == 1, f"{broken.file} has the line {broken.line!r} {lines.count(broken.line)} times"
    path.write_text("\n".join(broken.broken if line == broken.line else line for line in lines), encoding="utf-8")


Rehearse = Callable[[Path, str], tuple[int, Claims]]


@pytest.fixture
def rehearse(control_plane: ControlPlane) -> Rehearse:
    """Run the copy's own command on the session's control plane, as on a cluster of the user's."""

    def run(project: Path, stack: str) -> tuple[int, Claims]:
        helm = control_plane.binary("helm").parent
        done = subprocess.run(
            [
                sys.executable, "-m", "multiarch.cli", "rehearse",
                "--project", str(project), "--stack", stack, "--json", "-",
                "--chart", str(EMBEDDED),
                "--kubeconfig", str(control_plane.kubeconfig), "--context", control_plane.context,
            ],
            cwd=project,
            env={**os.environ, "PATH": f"{helm}{os.pathsep}{os.environ['PATH']}"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )  # fmt: skip
        assert done.stdout.startswith("{"), done.stderr
        claims = json.loads(done.stdout)["sections"][0]["checks"]
        return done.returncode, {claim["id"]: (claim["verdict"], claim["evidence"]) for claim in claims}

    return run


@pytest.mark.parametrize("names", BATCHES, ids=" and ".join)
def test_each_broken_line_of_the_program_fails_the_claim_that_names_it(
    names: tuple[str, ...], rehearse: Rehearse, tmp_path: Path
) -> None:
    project = copy_of_the_project(tmp_path / "project")
    for name in names:
        break_line(project, BREAKS[name])
    (stack,) = {BREAKS[name].stack for name in names}
    code, claims = rehearse(project, stack)
    failed = {identity: evidence for identity, (verdict, evidence) in claims.items() if verdict == Verdict.NO}
    expected = [(identity, words) for name in names for identity, words in BREAKS[name].fails.items()]
    assert code == 1
    assert set(failed) == {identity for identity, _ in expected}
    assert [(identity, words) for identity, words in expected if words not in failed[identity]] == []
    assert {verdict for verdict, _ in claims.values()} == {Verdict.YES, Verdict.NO}


def test_every_break_is_rehearsed_and_none_behind_another() -> None:
    assert sorted(name for names in BATCHES for name in names) == sorted(BREAKS)
    for names in BATCHES:
        told = [pair for name in names for pair in BREAKS[name].fails.items()]
        assert len(set(told)) == len(told)


def test_the_copy_itself_is_good(rehearse: Rehearse, tmp_path: Path) -> None:
    code, claims = rehearse(copy_of_the_project(tmp_path / "project"), "local")
    assert (code, {verdict for verdict, _ in claims.values()}) == (0, {Verdict.YES})


def test_a_line_that_is_gone_is_an_error_and_not_a_pass(tmp_path: Path) -> None:
    project = copy_of_the_project(tmp_path / "project")
    gone = Break(stack="eks", file="__main__.py", line="no such line", broken="", fails={})
    with pytest.raises(AssertionError, match="0 times"):
        break_line(project, gone)
