"""The whole command as a user starts it: its own process, its own control plane."""

import json
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from multiarch.rehearse.clean import WHOLE
from multiarch.rehearse.control_plane.plane import ControlPlane
from multiarch.rehearse.control_plane.sources import Binaries

ROOT = Path(__file__).resolve().parents[2]
PROMISED = {
    "plan-accepted",
    "policy-kept",
    "nodes-join",
    "runner-installed",
    "manager-on-demand",
    "manager-mounts",
    "amd64-job-on-amd64-node",
    "arm64-job-on-arm64-node",
    "default-job",
    "merge-job",
    "template-tags",
    "helper-image-amd64",
    "helper-image-arm64",
    "arm64-taint",
    "forbidden-selector-refused",
    "foreign-label-refused",
    "tolerations-closed",
    "overwrites-closed",
    "privileged-pod-refused",
    "other-namespace-refused",
    "default-namespace-refused",
    "runner-has-its-rights",
    "runner-has-no-more",
    "jobs-have-no-rights",
}


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "multiarch.cli", "rehearse", *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=interruptible,  # noqa: PLW1509 - no thread of this process holds a lock that the child would need
    )


def interruptible() -> None:
    """Undo what a shell does to programs in its background: they ignore SIGINT, and so would their children."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def run(*arguments: str, seconds: float = 240) -> tuple[int, str, str]:
    process = start(*arguments)
    out, err = process.communicate(timeout=seconds)
    return process.returncode, out, err


@pytest.fixture(scope="module")
def rehearsed(binaries: Binaries, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    assert binaries
    folder = tmp_path_factory.mktemp("reports")
    code, out, err = run(
        "--stack", "gke", "--stack", "eks", "--json", "-", "--junit", f"{folder}/r.xml", "--html", f"{folder}/r.html"
    )
    assert code == 0, err
    return json.loads(out), folder


@pytest.mark.parametrize("stack", ["gke", "eks"])
def test_every_claim_of_a_good_stack_is_proved(rehearsed: tuple[dict[str, Any], Path], stack: str) -> None:
    found = next(item for item in rehearsed[0]["sections"] if item["name"] == stack)
    verdicts = {claim["id"]: claim["verdict"] for claim in found["checks"]}
    assert set(verdicts) >= PROMISED
    assert set(verdicts.values()) == {"yes"}


def test_the_other_reports_say_the_same(rehearsed: tuple[dict[str, Any], Path]) -> None:
    document, folder = rehearsed
    cases = ET.parse(folder / "r.xml").getroot().findall(".//testcase")  # noqa: S314 - written by ourselves a moment ago
    assert len(cases) == document["counts"]["yes"]
    assert "arm64" in (folder / "r.html").read_text()


def test_a_context_that_is_not_there_is_exit_2_and_lists_those_that_are(control_plane: ControlPlane) -> None:
    code, out, err = run("--stack", "local", "--kubeconfig", str(control_plane.kubeconfig), "--context", "kind-ci")
    assert (code, out) == (2, "")
    assert "kind-ci" in err
    assert control_plane.context in err
    assert "Traceback" not in err


def test_a_running_cluster_is_rehearsed_on_and_left_as_it_was(control_plane: ControlPlane) -> None:
    before = kubectl(control_plane, "get", "namespaces,nodes,clusterroles,priorityclasses", "-o", "name")
    code, out, err = run(
        "--stack", "local", "--kubeconfig", str(control_plane.kubeconfig), "--context", control_plane.context,
        "--json", "-",
    )  # fmt: skip
    assert code in {0, 3}, err  # without a kubelet of its own it may say that it could not tell; never that it failed
    assert json.loads(out)["counts"]["no"] == 0
    assert kubectl(control_plane, "get", "namespaces,nodes,clusterroles,priorityclasses", "-o", "name") == before


def test_what_a_killed_rehearsal_left_is_told_to_the_next_and_taken_off_by_clean(
    control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{control_plane.binary('helm').parent}:{os.environ['PATH']}")
    kinds = "namespaces,nodes,clusterroles,clusterrolebindings,priorityclasses"
    before = kubectl(control_plane, "get", kinds, "-o", "name")
    target = ("--kubeconfig", str(control_plane.kubeconfig), "--context", control_plane.context)
    process = start("--stack", "local", *target)
    assert process.stdout is not None
    for line in process.stdout:
        if "giving jobs to the runner" in line:
            break
    process.kill()
    process.communicate(timeout=60)
    assert kubectl(control_plane, "get", "nodes", "-o", "name") - before

    code, out, err = run("--stack", "local", *target)
    assert code == 2, err
    assert f"multiarch rehearse --clean {' '.join(target)}" in " ".join(err.split())

    code, out, err = run("--clean", *target, "--json", "-")
    assert code == 0, err
    (section,) = json.loads(out)["sections"]
    assert section["checks"][0]["title"].startswith("nodes ")
    assert {check["evidence"] for check in section["checks"]} == {"taken off"}
    assert kubectl(control_plane, "get", kinds, "-o", "name") == before

    code, out, _ = run("--clean", *target, "--json", "-")
    (section,) = json.loads(out)["sections"]
    assert (code, [check["title"] for check in section["checks"]]) == (0, [WHOLE])


def test_clean_of_a_cluster_that_is_gone_or_unknown_is_usage(control_plane: ControlPlane) -> None:
    for arguments in (["--clean"], ["--clean", "--kubeconfig", str(control_plane.kubeconfig), "--context", "none"]):
        code, out, err = run(*arguments)
        assert (code, out) == (2, ""), err
        assert "Traceback" not in err


def kubectl(plane: ControlPlane, *arguments: str) -> set[str]:
    command = [str(plane.binary("kubectl")), "--kubeconfig", str(plane.kubeconfig), "--context", plane.context]
    answer = subprocess.run([*command, *arguments], capture_output=True, text=True, check=True)
    return set(answer.stdout.split())


def children(pid: int) -> set[int]:
    found = set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            child = int(status.parent.name)
            found |= {child} | children(child)
    return found


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_rehearsal_leaves_no_process_behind(binaries: Binaries, number: int, code: int) -> None:
    assert binaries
    process = start("--stack", "gke")
    assert process.stdout is not None
    for line in process.stdout:
        if "installing the runner" in line:
            break
    offspring = children(process.pid)
    assert len(offspring) > 3
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == code
    deadline = time.monotonic() + 10
    while (alive := [pid for pid in offspring if running(pid)]) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert alive == []


def running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
