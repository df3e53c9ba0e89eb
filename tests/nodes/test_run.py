"""`multiarch rehearse --run`, whole: a stack's own jobs build an image on two real nodes, and it runs on both.

One run is in every test of this tier; what is broken on purpose has to fail on the claim that names it.
"""

import html
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from archmerge import parse_reference
from components.versions import CHART_VERSION, RUNNER_OF_CHART
from multiarch.core.progress import ProgressDisplay
from multiarch.core.report import Check
from multiarch.core.verdict import Verdict
from multiarch.model.executor.helper_image import REGISTRY
from multiarch.model.plan import launch
from multiarch.model.plan.model import Plan
from multiarch.rehearse.live import look, nothing_left, rehearsal
from multiarch.rehearse.live.gitlab.program import find_runner
from multiarch.rehearse.live.project import BASE
from multiarch.rehearse.live.rehearsal import Options, rehearse_run
from multiarch.rehearse.live.supply import SHORT, supply, why_not_reached
from multiarch.rehearse.mirror.registry import LocalRegistry
from multiarch.rehearse.nodes import journal, run_folder
from multiarch.rehearse.nodes.real import RealNodes
from multiarch.rehearse.report.model import RehearsalReport
from tests.repository import ROOT

NAMED = "MULTIARCH_GITLAB_RUNNER"
VERSION = RUNNER_OF_CHART[CHART_VERSION]
RUN = [sys.executable, "-m", "multiarch.cli", "rehearse", "--run", "--stack", "local"]


@pytest.fixture
def untouched(turn: None) -> Iterator[None]:
    """Nothing of this machine is changed by the test, whatever it does."""
    del turn
    before = nothing_left.picture()
    yield
    answer = nothing_left.nothing_left(before)
    assert answer.verdict is Verdict.YES, answer.because


@pytest.mark.always
def test_a_stacks_jobs_build_an_image_on_both_nodes_and_it_runs_on_both(untouched: None, tmp_path: Path) -> None:
    del untouched
    page = tmp_path / "run.html"
    section = proved(tmp_path, "--html", str(page))
    runs = section["detail"]["runs"]
    shown = html.unescape(re.sub(r"<[^>]+>", "", page.read_text()))
    assert [run["name"] for run in runs if not run["log"] or run["log"] not in shown] == []


@pytest.mark.gitlab_runner
def test_the_real_gitlab_runner_proves_the_same(untouched: None, tmp_path: Path, path_with_runner: str) -> None:
    """In the stack's own version, with its own configs and accounts, its own helper, and the same claims."""
    del untouched
    section = proved(tmp_path, "--runner", "gitlab-runner", PATH=path_with_runner)
    assert section["detail"]["real"]["runner"].startswith(f"gitlab-runner {VERSION} (")


@pytest.fixture
def path_with_runner(tmp_path: Path) -> str:
    """A PATH with gitlab-runner in the version that stack `local` installs. A skip says what is not had here."""
    named = os.environ.get(NAMED)
    found, reason = find_runner(VERSION, program=Path(named) if named else None)
    if found is None:
        pytest.skip(f"no real gitlab-runner {VERSION} here: {reason}; set {NAMED}, or put it on PATH")
    if why := why_not_reached(parse_reference(REGISTRY).host, SHORT):
        pytest.skip(f"no helper image for the real gitlab-runner: {why}")
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "gitlab-runner").symlink_to(found.path)
    return f"{folder}:{os.environ['PATH']}"


def proved(folder: Path, *options: str, **environment: str) -> dict[str, Any]:
    """Run the command; return its report's section once it has proved all that is promised of a run."""
    document = folder / "run.json"
    done = subprocess.run(
        [*RUN, "--json", str(document), *options],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=900, env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    section: dict[str, Any]
    (section,) = json.loads(document.read_text())["sections"]
    claims = {check["id"]: check["verdict"] for check in section["checks"]}
    assert set(claims.values()) == {"yes"}, claims
    wanted = {
        "run-merge",
        "run-merge-confined",
        "run-index",
        "run-registry",
        "run-reach",
        "run-pods-end",
        "run-nothing-left",
    }
    for arch in ("amd64", "arm64"):
        wanted |= {f"run-build-{arch}", f"run-build-{arch}-confined", f"run-image-{arch}"}
    assert wanted <= set(claims)
    assert "privileged-pod-refused" in claims
    runs = {run["name"]: run for run in section["detail"]["runs"]}
    assert {run["arch"] for run in runs.values()} == {"amd64", "arm64"}
    assert runs["image-build: [arm64]"]["node"] == "real-arm64"
    assert "building" in runs["image-build: [arm64]"]["log"]
    assert section["detail"]["reach"]["tries"]
    assert "runner" in section["detail"]["real"]
    return section


@pytest.fixture
def run(untouched: None) -> Callable[..., RehearsalReport]:
    """Run it in this process, quietly."""
    del untouched

    def rehearse(**options: Any) -> RehearsalReport:
        with ProgressDisplay(Console(quiet=True)) as display:
            return rehearse_run(Options(project=ROOT, stack="local", **options), display)

    return rehearse


def claims_of(report: RehearsalReport) -> dict[str, Check]:
    return {check.id: check for section in report.sections for check in section.checks}


def wrong(report: RehearsalReport) -> set[str]:
    return {name for name, check in claims_of(report).items() if check.verdict is Verdict.NO}


def test_an_arm64_image_with_programs_of_another_architecture_fails_where_it_runs(
    run: Callable[..., RehearsalReport], tmp_path: Path
) -> None:
    """BuildKit calls it arm64, since its last stage has no base; only running it tells."""
    lines = [f"FROM --platform=linux/amd64 {BASE} AS other", "FROM scratch", "COPY --from=other / /", 'CMD ["cat"]']
    (tmp_path / "Dockerfile").write_text("\n".join(lines))
    report = run(dockerfile=tmp_path)
    assert wrong(report) == {"run-image-arm64"}
    assert "amd64" in claims_of(report)["run-image-arm64"].evidence


def test_an_image_that_says_itself_that_it_is_for_another_architecture_is_not_merged(
    run: Callable[..., RehearsalReport], tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text(f'FROM --platform=linux/amd64 {BASE}\nCMD ["cat"]\n')
    report = run(dockerfile=tmp_path)
    assert wrong(report) == {"run-merge"}
    assert claims_of(report)["run-index"].verdict is Verdict.UNKNOWN


def test_a_build_without_a_capability_that_it_needs_fails_by_name(
    run: Callable[..., RehearsalReport], monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(*given: Any, **more: Any) -> Plan:
        plan = launch.plan_stack(*given, **more)
        return replace(plan, resources=tuple(map(_without_setuid, plan.resources)))

    monkeypatch.setattr(rehearsal, "plan_stack", without)
    report = run()
    assert {"run-build-amd64", "run-build-arm64"} <= wrong(report)
    run_view = next(one for one in report.sections[0].detail.runs if one.name == "image-build: [amd64]")
    assert "map" in run_view.log, "newuidmap says what it lacks"
    found = claims_of(report)
    assert found["run-build-amd64-confined"].verdict is Verdict.YES, "it has exactly what that stack grants"
    assert found["run-merge"].verdict is Verdict.UNKNOWN, "nobody came to it"


def _without_setuid(resource: Any) -> Any:
    """The plan's releases with a runner that grants one capability less."""
    text = json.dumps(resource.inputs, default=str)
    if '\\"SETUID\\"' not in text and "SETUID" not in text:
        return resource
    return replace(resource, inputs=_dropped(resource.inputs))


def _dropped(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _dropped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_dropped(item) for item in value]
    return value.replace('"SETUID"', '"KILL"') if isinstance(value, str) else value


def test_a_registry_that_is_lost_has_a_claim_of_its_own_and_the_stack_is_not_blamed(
    run: Callable[..., RehearsalReport], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(wanted: Any, registry: LocalRegistry, *given: Any, **more: Any) -> Any:
        found = supply(wanted, registry, *given, **more)
        monkeypatch.setattr(look, "answers", _once_then(look.answers, registry))
        return found

    monkeypatch.setattr(rehearsal, "supply", lost)
    assert wrong(run()) == {"run-registry"}


def test_a_node_whose_kubelet_dies_is_told_and_the_stack_is_not_blamed(
    run: Callable[..., RehearsalReport], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It dies while the stack's build job runs its script on that node."""
    nodes: list[RealNodes] = []
    killed: list[str] = []

    def kept(*given: Any, **more: Any) -> RealNodes:
        nodes.append(RealNodes(*given, **more))
        return nodes[-1]

    def update(_: ProgressDisplay, name: str, what: str, **__: Any) -> None:
        if what == "its script" and name == "image-build: [arm64]":
            killed.append(name)
            _kill(nodes[-1].pids["real-arm64"], "kubelet")

    monkeypatch.setattr(rehearsal, "RealNodes", kept)
    monkeypatch.setattr(ProgressDisplay, "update", update)
    (tmp_path / "Dockerfile").write_text(f"FROM {BASE}\nRUN sleep 5\n")
    report = run(dockerfile=tmp_path, runner="model")
    assert killed
    assert wrong(report) == set()
    found = claims_of(report)
    assert found["run-programs"].verdict is Verdict.UNKNOWN
    assert found["run-programs"].evidence.startswith("real-arm64 ended with")
    assert "kubelet ended with -9" in found["run-programs"].evidence
    assert found["run-build-arm64"].verdict is Verdict.UNKNOWN


def _kill(pid: int, program: str) -> None:
    """Kill a program by its name among a process and its descendants, and no other."""
    here = Path("/proc", str(pid))
    if (here / "comm").read_text().strip() == program:
        os.kill(pid, signal.SIGKILL)
        return
    for child in (here / "task" / str(pid) / "children").read_text().split():
        _kill(int(child), program)


def _once_then(answers: Callable[[LocalRegistry], bool], registry: LocalRegistry) -> Callable[[LocalRegistry], bool]:
    """Let the registry answer once, and then die of a SIGKILL."""

    def ask(local: LocalRegistry) -> bool:
        found = answers(local)
        process = registry._process
        assert process is not None
        process.kill()
        process.wait()
        return found

    return ask


def test_a_dockerfile_that_cannot_be_built_shows_its_log(run: Callable[..., RehearsalReport], tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(f"FROM {BASE}\nRUN echo this one fails >&2 && false\n")
    report = run(dockerfile=tmp_path / "Dockerfile")
    assert wrong(report) == {"run-build-amd64", "run-build-arm64"}
    assert any("this one fails" in one.log for one in report.sections[0].detail.runs)


@pytest.fixture
def place() -> Iterator[Path]:
    """Where a run's temporary files are, and nobody else's. Its path is short: there are sockets in it."""
    with tempfile.TemporaryDirectory(prefix="m-") as folder:
        yield Path(folder)


def elsewhere() -> set[Path]:
    """What is in the machine's own place for temporary files, and looks like a run's."""
    return set(Path(tempfile.gettempdir()).glob(f"{run_folder.PREFIX}*"))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_whenever_it_is_ended_nothing_is_left_that_the_next_start_does_not_undo(
    untouched: None, place: Path, tmp_path: Path, how: int
) -> None:
    """In the middle of a build that would take ten minutes: nobody waits for it."""
    del untouched
    (tmp_path / "Dockerfile").write_text(f"FROM {BASE}\nRUN sleep 600\n")
    before, own = elsewhere(), {**os.environ, "TMPDIR": str(place)}
    command = [*RUN, "--dockerfile", str(tmp_path)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=own
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "its script" in line:
                break
        assert [path.name for path in place.iterdir() if not path.name.startswith(run_folder.PREFIX)] == []
        made = {path.name.split("-")[1] for path in place.glob(f"{run_folder.PREFIX}*/multiarch-*")}
        assert {"nodes", "plane", "registry"} <= made
        time.sleep(5)  # it builds
        os.kill(process.pid, how)
        process.communicate(timeout=90)
    if how != signal.SIGKILL:
        assert process.returncode == 128 + how
        assert list(place.iterdir()) == []
        return
    cleaned = subprocess.run(
        [sys.executable, "-m", "multiarch.cli", "rehearse", "--run", "--clean"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert cleaned.returncode == 0, cleaned.stderr
    assert not journal.FOLDER.exists()
    assert list(place.iterdir()) == []
    assert elsewhere() == before
    assert not run_folder.processes()
