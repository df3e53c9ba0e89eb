"""Whom a kubeconfig acts as is told to the API server with every request, in every command: never left out unsaid."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from kubernetes import client

from multiarch import cli
from multiarch.cluster.api import Api
from multiarch.cluster.connection import Connection
from multiarch.cluster.impersonation import headers_of
from multiarch.drift.live import check as drift_check
from multiarch.model.plan.model import Plan
from tests.unit.cluster.stubs import arguments, kubeconfig, says, server

ROOT = Path(__file__).resolve().parents[3]
AS = {
    "token": "t",
    "as": "ann",
    "as-uid": "7",
    "as-groups": ["builders", "system:authenticated"],
    "as-user-extra": {"example.org/Scopes%": ["one", "two"]},
}
LIST = {"gitVersion": "v1.36.3", "kind": "NodeList", "apiVersion": "v1", "items": [], "resources": [], "groups": []}
REQUESTS: dict[str, Callable[[Connection], object]] = {
    "version": lambda it: it.version(),
    "typed": lambda it: client.CoreV1Api(it.api).list_node(),
    "typed, with a body": lambda it: client.AuthenticationV1Api(it.api).create_self_subject_review(
        client.V1SelfSubjectReview()
    ),
    "dynamic": lambda it: it.dynamic.version,
    "json": lambda it: Api.of(it).get("/api/v1/nodes", {"limit": "5"}),
    "json, with a body": lambda it: Api.of(it).create("/api/v1/namespaces", {"kind": "Namespace"}, dry_run=True),
}


@pytest.mark.parametrize("kind", REQUESTS)
def test_every_kind_of_request_says_whom_it_acts_as(kind: str, tmp_path: Path) -> None:
    with (
        server(says(LIST)) as heard,
        Connection(kubeconfig(tmp_path, AS, heard.url), "x") as connection,
    ):
        REQUESTS[kind](connection)
        assert heard.values("Authorization") == ["Bearer t"]
        assert heard.values("Impersonate-User") == ["ann"]
        assert heard.values("Impersonate-Uid") == ["7"]
        assert heard.values("Impersonate-Group") == ["builders", "system:authenticated"]
        assert heard.values("Impersonate-Extra-example.org%2FScopes%25") == ["one", "two"]


@pytest.mark.parametrize("command", ["doctor", "onboard", "rehearse", "drift"])
def test_no_request_of_any_command_is_sent_as_oneself(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drift_check, "plan_stack", lambda _, stack: Plan(stack=stack))
    monkeypatch.setattr("multiarch.rehearse.run._rehearse", lambda *_: (_ for _ in ()).throw(SystemExit(0)))
    with server(says(LIST)) as heard:
        path = kubeconfig(tmp_path, AS, heard.url)
        CliRunner().invoke(cli.multiarch, list(arguments(command, path, ROOT)))
    assert heard.requests
    for line, headers in heard.requests:
        assert ("Impersonate-User", "ann") in headers, line


@pytest.mark.parametrize("user", [{}, {"token": "t"}, {"as": ""}, {"as": None, "as-groups": None}])
def test_who_acts_as_itself_sends_no_such_header(user: dict[str, Any]) -> None:
    assert headers_of(user) == ()


def test_the_bearer_of_another_token_acts_as_nobody_else(tmp_path: Path) -> None:
    """The rehearsal asks as a service account: by its own token, and then as itself."""
    with (
        server(says(LIST)) as heard,
        Connection(kubeconfig(tmp_path, AS, heard.url), "x") as connection,
    ):
        Api.of(connection).with_token("other").get("/api/v1/nodes")
        assert (heard.values("Authorization"), heard.values("Impersonate-User")) == (["Bearer other"], [])


def test_a_single_dry_run_as_another_user_says_so_and_the_next_request_does_not(tmp_path: Path) -> None:
    user = "system:serviceaccount:manager:gitlab-runner"
    with server(says(LIST)) as heard, Connection(kubeconfig(tmp_path, {"token": "t"}, heard.url), "x") as connection:
        api = Api.of(connection)
        assert not api.impersonates
        api.try_create("/api/v1/namespaces/jobs/pods", {"kind": "Pod"}, user)
        assert heard.values("Impersonate-User") == [user]
        assert heard.requests[-1][0].startswith("POST /api/v1/namespaces/jobs/pods?dryRun=All")
        api.get("/api/v1/nodes")
        assert [name for name, _ in heard.requests[-1][1] if name.startswith("Impersonate")] == []


def test_a_kubeconfig_that_acts_as_another_user_is_known_to(tmp_path: Path) -> None:
    with server(says(LIST)) as heard, Connection(kubeconfig(tmp_path, AS, heard.url), "x") as connection:
        assert Api.of(connection).impersonates
