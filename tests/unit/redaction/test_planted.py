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

from ops import cli
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
WITHOUT_STACK = (*SHAPED, ENVIRONMENT, KUBECONFIG, TOKEN_FILE)
"""What a command can know that reads no stack file."""
PROGRAM = f"""\
import sys
sys.stderr.write({said("printed")!r} + "\\n")
raise RuntimeError({said("raised")!r})
"""
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
    """Run the command with all its files, and once more with JSON on standard output."""
    files = {one: tmp_path / f"out{one}" for one in formats}
    outputs = {"terminal": run(*arguments, *(part for one, file in files.items() for part in (one, file)))}
    outputs |= {one: file.read_text() for one, file in files.items()}
    return {**outputs, "--json -": run(*arguments, "--json", "-")}


def prove(outputs: dict[str, str], shown: dict[str, int], secrets: Sequence[Planted] = EVERY) -> None:
    """See that no output has a part of a secret, and that of each source so many marks came through each."""
    assert not {name: found for name, text in outputs.items() if (found := leaks(text, secrets))}
    few = {
        (name, source): len(marks(text, source))
        for name, text in outputs.items()
        for source, least in shown.items()
        if len(marks(text, source)) < least
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
    outputs = in_formats(tmp_path, ["--json"], "doctor", "--kubeconfig", kubeconfig, "--context", "it")
    shown = {"node": 4, "deployment": 4, **dict.fromkeys(("pod", "event", "refused"), len(EVERY))}
    prove(outputs, shown, WITHOUT_STACK)


def test_onboard(tmp_path: Path, kubeconfig: Path) -> None:
    outputs = in_formats(tmp_path, ["--json"], "onboard", "--look-only", "--kubeconfig", kubeconfig, "--context", "it")
    prove(outputs, {"reason": len(EVERY)}, WITHOUT_STACK)
