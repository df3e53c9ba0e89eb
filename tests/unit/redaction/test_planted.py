"""Every input of every command has secrets in it, and no output has one, while the words beside them arrive."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from multiarch import cli
from multiarch.core.render import FORMATS
from multiarch.core.verdict import Verdict
from multiarch.drift.gitlab.state import read_state
from multiarch.drift.live.request import LiveAnswer
from multiarch.drift.model import Change, CheckResult, Comparison, Difference, Finding
from multiarch.drift.model import Check as Live
from multiarch.drift.plain import to_plain
from multiarch.rehearse.install.helm import Helm, HelmError
from tests.recorded.answers import recorded
from tests.recorded.stub_pulumi import StubPulumi
from tests.unit.drift_gitlab.fake import PROJECT, TOKEN, FakeGitLab
from tests.unit.redaction.planted import (
    EVERY,
    KNOWN,
    SHAPED,
    Planted,
    api_server,
    chunks,
    leaks,
    marks,
    refusal,
    said,
    write_kubeconfig,
    write_program,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parents[3]
ENVIRONMENT, KUBECONFIG, TOKEN_FILE, STACK_FILE, STACK_NAME = KNOWN
BY_STACK = tuple(one for one in EVERY if one is not TOKEN_FILE)
WITHOUT_STACK = (*SHAPED, ENVIRONMENT, KUBECONFIG, TOKEN_FILE)
"""What a command can know that reads no stack file."""
PROGRAM = f"""\
import sys
sys.stderr.write({said("printed")!r} + "\\n")
raise RuntimeError({said("raised")!r})
"""
MARKED = "<!-- multiarch drift: abc -->\n"
NOW = dt.datetime.now(dt.UTC).isoformat()


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_PASSWORD", ENVIRONMENT.text)
    monkeypatch.setenv("COLUMNS", "70")  # so that secrets are wrapped
    for name in ("KUBECONFIG", "CI_API_V4_URL", "CI_PROJECT_ID"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose program fails with every secret, and whose stack file holds two."""
    folder = tmp_path / "project"
    (folder / "configs").mkdir(parents=True)
    (folder / "stacks").symlink_to("configs")
    (folder / "Pulumi.yaml").write_text("name: multiarch-runner\nruntime: python\nstackConfigDir: configs\n")
    (folder / "__main__.py").write_text(PROGRAM)
    stack = (ROOT / "stacks" / "Pulumi.local.yaml").read_text()
    secret = f"  acme:password: {STACK_NAME.text}\n  acme:key:\n    secure: {STACK_FILE.text}\n"
    (folder / "configs" / "Pulumi.it.yaml").write_text(stack.replace("config:\n", f"config:\n{secret}", 1))
    return folder


def run(*arguments: object) -> str:
    """Run the command in this process; give all that it wrote to both streams."""
    result = CliRunner().invoke(cli.multiarch, [str(one) for one in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.output


def in_formats(tmp_path: Path, formats: Sequence[str], *arguments: object) -> dict[str, str]:
    """Run the command with the terminal's report on standard output, and all its files."""
    files = {one: tmp_path / f"out{one}" for one in formats}
    outputs = {"terminal": run(*arguments, *(part for one, file in files.items() for part in (one, file)))}
    outputs |= {one: file.read_text() for one, file in files.items()}
    return outputs


def prove(outputs: dict[str, str], shown: dict[str, int], secrets: Sequence[Planted] = EVERY) -> None:
    """See that no output has a part of a secret, and that of each source so many marks came through each."""
    assert not {name: found for name, text in outputs.items() if (found := leaks(text, secrets))}
    few = {
        (name, source): len(marks(text, source))
        for name, text in outputs.items()
        for source, least in shown.items()
        # Markdown shortens each text, so there a source is shown, and no more is known.
        if len(marks(text, source)) < (min(least, 1) if name == "--markdown" else least)
    }
    assert not few


def _node(name: str, message: str) -> dict[str, Any]:
    taint = {"key": "acme.com/token", "value": message[:9], "effect": "NoSchedule"}
    return {
        "metadata": {"name": name, "labels": {"kubernetes.io/arch": "amd64"}, "annotations": {"a": message}},
        "spec": {"taints": [taint]},
        "status": {"conditions": [{"type": "Ready", "status": "False", "message": message}]},
    }


def _pod(number: int, message: str) -> dict[str, Any]:
    waits = {"waiting": {"reason": "CreateContainerConfigError", "message": message}}
    told = [{"name": "build", "image": f"app:{number}", "state": waits}] if message else []
    status = {"phase": "Pending", "containerStatuses": told}
    return {
        "metadata": {
            "name": f"runner-x-project-{number}-concurrent-0",
            "namespace": "jobs",
            "labels": {"job.runner.gitlab.com/pod": "x"},
            "creationTimestamp": NOW,
        },
        "spec": {"nodeName": "node-0", "containers": [{"name": "build", "image": f"app:{number}"}]},
        "status": status,
    }


def _event(number: int, message: str) -> dict[str, Any]:
    return {
        "metadata": {"name": f"e{number}", "namespace": "jobs"},
        "involvedObject": {"kind": "Pod", "namespace": "jobs", "name": f"runner-x-project-{number + 60}-concurrent-0"},
        "reason": "FailedScheduling",
        "message": message,
        "lastTimestamp": NOW,
    }


def _runner() -> dict[str, Any]:
    pod = {"containers": [{"name": "runner", "image": "gitlab-runner:alpine"}]}
    return {
        "metadata": {
            "name": "gitlab-runner",
            "namespace": "manager",
            "labels": {"chart": "gitlab-runner-0.90.1"},
            "annotations": {"meta.helm.sh/release-name": "gitlab-runner"},
        },
        "spec": {"selector": {"matchLabels": {"app": "r"}}, "template": {"spec": pod}},
        "status": {
            "conditions": [{"type": "ReplicaFailure", "status": "True", "message": said("deployment", SHAPED[:4])}]
        },
    }


def cluster(method: str, path: str) -> tuple[int, Any]:
    """Answer with secrets wherever a cluster may say something."""
    del method
    path, _, query = path.partition("?")
    lists: dict[str, list[Any]] = {
        "/api/v1/nodes": [_node(f"node-{n}", said("node", part)) for n, part in enumerate(chunks())],
        "/api/v1/pods": [_pod(n, said("pod", part)) for n, part in enumerate(chunks())]
        + [_pod(50, "")],  # nothing is wrong with it but its node
        "/apis/apps/v1/deployments": [_runner()],
        "/apis/apps/v1/namespaces/manager/deployments": [_runner()],
        "/api/v1/namespaces/jobs/pods": [],
        "/api/v1/namespaces/jobs/events": (
            [_event(n, said("event", part)) for n, part in enumerate(chunks())] if "Warning" in query else []
        ),
    }
    if path == "/version":
        return 200, {"gitVersion": "v1.34.0"}
    if path in lists:
        return 200, {"items": lists[path]}
    return refusal(said("refused"), reason=said("reason"))


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "token").write_text(f"{TOKEN_FILE.text}\n")
    with api_server(cluster) as server:
        yield write_kubeconfig(tmp_path, server, {"tokenFile": "token"})


def test_doctor(tmp_path: Path, kubeconfig: Path) -> None:
    given = ("doctor", "--kubeconfig", kubeconfig, "--context", "it")
    outputs = {**in_formats(tmp_path, list(FORMATS), *given), "--json -": run(*given, "--json", "-")}
    shown = {"node": 4, "deployment": 4, **dict.fromkeys(("pod", "event", "refused"), len(EVERY))}
    prove(outputs, shown, WITHOUT_STACK)


def test_onboard(tmp_path: Path, kubeconfig: Path) -> None:
    given = ("onboard", "--look-only", "--kubeconfig", kubeconfig, "--context", "it")
    outputs = {**in_formats(tmp_path, list(FORMATS), *given), "--json -": run(*given, "--json", "-")}
    prove(outputs, {"reason": len(EVERY)}, WITHOUT_STACK)


@pytest.mark.parametrize("stream", ["stderr", "stdout"])
def test_a_login_program(tmp_path: Path, stream: str) -> None:
    words = " ".join(said("login").split())
    login = write_program(tmp_path, "login", f"import sys\nsys.{stream}.write({words!r} + chr(10))\nsys.exit(1)")
    user = {
        "exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(login), "interactiveMode": "Never"}
    }
    place = ("--kubeconfig", write_kubeconfig(tmp_path, "https://127.0.0.1:9", user), "--context", "it")
    for command in (("doctor",), ("onboard", "--look-only")):
        outputs = in_formats(tmp_path, list(FORMATS), *command, *place)
        prove(outputs, {"login": 4} if stream == "stderr" else {}, (*SHAPED, ENVIRONMENT, KUBECONFIG))


def test_doctor_of_a_stack_whose_program_fails(tmp_path: Path, project: Path, kubeconfig: Path) -> None:
    place = ("--project", project, "--stack", "it", "--kubeconfig", kubeconfig, "--context", "it")
    prove(
        in_formats(tmp_path, list(FORMATS), "doctor", *place), {"raised": len(EVERY)}, BY_STACK
    )  # it stops before the token file is read


ERRORS = {
    "diagnostics": [
        {
            "severity": "error",
            "message": said("diagnosed", part),
            "urn": f"urn:pulumi:it::multiarch-runner::a:b:C::r{n}",
        }
        for n, part in enumerate(chunks())
    ]
}
FAILING: dict[str, dict[str, Any]] = {
    "refresh": {"exit": 1, "stdout": json.dumps(ERRORS), "stderr": said("stderr") + "\n"},
    "preview": {"exit": 255, "stderr": "error: " + " ".join(said("error").split()) + "\n"},
    "stack": {"exit": 0},
    "config": {"exit": 0},
}


@pytest.fixture
def gitlab(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGitLab]:
    fake = FakeGitLab()
    for name, value in (("CI_API_V4_URL", fake.api), ("CI_PROJECT_ID", PROJECT), ("DRIFT_TOKEN", TOKEN)):
        monkeypatch.setenv(name, value)
    yield fake
    fake.close()


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StubPulumi:
    stub = StubPulumi(tmp_path / "bin")
    stub.answers(FAILING)
    monkeypatch.setenv("PATH", f"{stub.folder}{os.pathsep}{os.environ['PATH']}")
    return stub


def test_drift(tmp_path: Path, project: Path, kubeconfig: Path, pulumi: StubPulumi, gitlab: FakeGitLab) -> None:
    gitlab.add(title="Drift: it", description=MARKED + said("before"), labels=["multiarch-drift"])
    place = ("--project", project, "--kubeconfig", kubeconfig, "--context", "it", "--pulumi", pulumi.program)
    (project / "configs" / "Pulumi.other.yaml").write_text("config: {}\n")  # so that the run is not a whole one
    history = tmp_path / "history"
    outputs = in_formats(
        tmp_path, list(FORMATS), "drift", "--stack", "it", *place, "--gitlab-issue", "--history", history
    )
    outputs["issue"] = gitlab.issues[0]["description"]
    state = read_state(outputs["issue"])
    assert state is not None
    outputs["issue's state"] = json.dumps(to_plain(Comparison, state.report)) + state.text
    prove(outputs, {"raised": 10, "diagnosed": 40, "error": 10}, BY_STACK)
    prove({"issue": outputs["issue"]}, {"before": len(EVERY)}, BY_STACK)


def _found_alive(check: Live, part: Sequence[Planted], number: int) -> Finding:
    """A living object that has secrets in every field that a check can fill from it."""
    differences = tuple(
        Difference(path=f"data.{source}", change=Change.CHANGED, wanted=said("wanted", part), found=said("found", part))
        for source in ("a", "b")
    )
    return Finding(
        check=check,
        resource=f"v1 ConfigMap ns/c{number}",
        title=said("title", part),
        verdict=Verdict.NO if number % 2 else Verdict.UNKNOWN,
        change=Change.CHANGED if number % 2 else None,
        differences=differences if number % 2 else (),
        reason=said("reason", part),
    )


def test_what_lives_in_the_cluster(
    tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch, gitlab: FakeGitLab
) -> None:
    """Values of live objects, a runner's config.toml, image names, notes: whatever the living checks may bring."""
    results = tuple(
        CheckResult(
            check=check,
            findings=tuple(_found_alive(check, part, number) for number, part in enumerate(chunks())),
            failure=said("failure"),
        )
        for check in (Live.OBJECTS, Live.RELEASE, Live.RUNNER_CONFIG, Live.WIDENED)
    )
    answer = LiveAnswer(cluster=said("cluster", SHAPED[:2]), results=results, notes=(said("note"),))
    monkeypatch.setattr("multiarch.drift.live.check.check_live", lambda *_: answer)
    only = [part for result in results for part in ("--only", result.check.value)]
    place = ("--project", project, "--stack", "it", *only, "--gitlab-issue", "--history", tmp_path / "history")
    outputs = in_formats(tmp_path, list(FORMATS), "drift", *place)
    outputs |= {"issue": gitlab.issues[0]["description"], "history": (tmp_path / "history" / "it.json").read_text()}
    known = tuple(one for one in BY_STACK if one is not KUBECONFIG)  # nobody reads it here
    shown = {"wanted": 20, "found": 20, "reason": 20, "title": 20}
    prove({name: outputs[name] for name in ("--json", "--junit", "--html")}, shown, known)
    prove(outputs, {}, known)


def test_the_history_of_drift(tmp_path: Path, project: Path, pulumi: StubPulumi) -> None:
    """It keeps names of resources and properties, and nothing else of what was found."""
    name = said("named", (*SHAPED[:3], ENVIRONMENT, STACK_FILE))
    drifted = recorded("refresh-preview-drift")
    drifted["stdout"] = drifted["stdout"].replace("ConfigMap::settings", f"ConfigMap::{name}")
    pulumi.answers({"refresh": drifted})
    (project / "configs" / "Pulumi.it.yaml").rename(project / "configs" / "Pulumi.gke.yaml")
    given = ("drift", "--project", project, "--only", "cloud-against-state", "--history", tmp_path / "history")
    outputs = in_formats(tmp_path, list(FORMATS), *given)
    kept = tmp_path / "history" / "gke.json"
    outputs["history"] = kept.read_text()
    prove(outputs, {"named": 5}, BY_STACK)
    run(*given)
    drifts = [json.loads(text)["drifts"] for text in (outputs["history"], kept.read_text())]
    assert drifts[0][0]["paths"] == drifts[1][0]["paths"], "the date of the first time is lost"


def test_rehearse_under_the_engine(tmp_path: Path, project: Path, pulumi: StubPulumi) -> None:
    tail = {"exit": 1, "stderr": said("tail")}
    for source, answers in (("error", {}), ("tail", {"stack": tail}), ("tail", {"preview": tail})):
        pulumi.answers({**FAILING, **answers})
        given = ("rehearse", "--project", project, "--engine", "--stack", "it")
        outputs = {**in_formats(tmp_path, list(FORMATS), *given), "--json -": run(*given, "--json", "-")}
        least = len(EVERY) if source == "error" else 4
        prove(outputs, {source: least}, tuple(one for one in BY_STACK if one is not KUBECONFIG))


def test_rehearse_of_a_program_that_fails(tmp_path: Path, project: Path, kubeconfig: Path) -> None:
    place = ("--project", project, "--kubeconfig", kubeconfig, "--context", "it")
    outputs = in_formats(tmp_path, list(FORMATS), "rehearse", *place)
    prove(outputs, {"raised": len(EVERY)}, BY_STACK)


CRASHING = f"""\
import click
@click.command()
def command():
    raise RuntimeError({said("crash")!r})
"""


def test_an_unforeseen_error_of_the_real_process(tmp_path: Path) -> None:
    (tmp_path / "crashing.py").write_text(CRASHING)
    source = "from multiarch import cli; cli.COMMANDS['doctor'] = 'crashing'; cli.main()"
    done = subprocess.run(
        [sys.executable, "-c", source, "doctor"],
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (3, "")
    prove({"traceback": done.stderr}, {"crash": len(EVERY)}, (*SHAPED, ENVIRONMENT))


@pytest.mark.parametrize(
    "arguments",
    [("multiarch.model.plan", "--project", ".", "--stack", "it"), ("multiarch.model.pulumi_cli", "up", "it")],
)
def test_the_other_programs_of_the_project(project: Path, pulumi: StubPulumi, arguments: tuple[str, ...]) -> None:
    pulumi.answers({"stack": {"exit": 0}, "up": {"exit": 1, "stderr": said("up")}})
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    outputs = {"both streams": done.stdout + done.stderr}
    if arguments[0] == "multiarch.model.pulumi_cli":
        # Pulumi writes to the terminal itself, and masks its own secrets: nothing of it passes through this process.
        assert done.returncode == 1
    else:
        prove(outputs, {"raised": len(EVERY), "printed": len(EVERY)}, (*SHAPED, ENVIRONMENT, STACK_FILE, STACK_NAME))


def test_the_last_words_of_helm(tmp_path: Path) -> None:
    helm = write_program(tmp_path, "helm", f"import sys\nsys.stderr.write({said('helm')!r})\nsys.exit(1)")
    with Helm(helm, tmp_path / "config", "it") as started, pytest.raises(HelmError) as error:
        started.run(["install"])
    prove({"error": str(error.value)}, {"helm": 4}, SHAPED)
