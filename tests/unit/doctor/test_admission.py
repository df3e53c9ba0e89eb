"""Asking for the jobs' pods: as whom, what is an answer, and what is none."""

from collections.abc import Mapping
from typing import Any, cast

import pytest

from multiarch.cluster.api import Api, ApiRefused
from multiarch.cluster.errors import UnreachableError
from multiarch.cluster.readonly import ReadOnlyApi
from multiarch.doctor.admission import admissions_of
from multiarch.doctor.facts import Admission
from multiarch.doctor.probe import probes
from tests.unit.doctor.made import facts, runner, with_config

MANAGER = "system:serviceaccount:manager:gitlab-runner"
BOTH = ("amd64", "arm64")
NO_IMPERSONATION = ApiRefused(
    403, "Forbidden", 'serviceaccounts "gitlab-runner" is forbidden: User "ann" cannot impersonate resource "x"'
)
NO_PODS = ApiRefused(403, "Forbidden", 'pods is forbidden: User "ann" cannot create resource "pods" in API group ""')


class Server:
    """Answers dry runs by who asks, and remembers them."""

    def __init__(
        self, *, manager: Exception | None = None, user: Exception | None = None, as_other: bool = False
    ) -> None:
        self.answers, self.impersonates = {MANAGER: manager, "": user}, as_other
        self.asked: list[tuple[str, str]] = []

    def try_create(self, path: str, body: Mapping[str, Any], acting_as: str) -> dict[str, Any]:
        self.asked.append((path, acting_as))
        refusal = self.answers[acting_as]
        if refusal is not None:
            raise refusal
        return {"metadata": body["metadata"], "spec": {**body["spec"], "schedulerName": "added"}, "status": {}}


def ask(server: Server, config: str = with_config()) -> list[Admission]:
    return admissions_of(ReadOnlyApi(cast("Api", server)), runner(config), BOTH)


def test_each_architecture_is_asked_as_the_managers_account() -> None:
    server = Server()
    answers = ask(server)
    assert server.asked == [("/api/v1/namespaces/jobs/pods", MANAGER)] * 2
    assert [(one.arch, one.asker) for one in answers] == [
        (arch, "the manager's account manager/gitlab-runner") for arch in BOTH
    ]


def test_what_admission_added_is_kept_and_the_jobs_variables_are_not() -> None:
    pod = ask(Server())[0].pod
    assert pod is not None
    assert pod["spec"]["schedulerName"] == "added"
    assert "env" not in pod["spec"]["containers"][0]


def test_who_may_not_impersonate_asks_as_himself_and_says_so() -> None:
    server = Server(manager=NO_IMPERSONATION)
    answers = ask(server)
    assert [who for _, who in server.asked] == [MANAGER, "", ""]
    assert {one.asker for one in answers} == {"the context's own user"}
    assert all(one.pod is not None for one in answers)


def test_a_kubeconfig_that_impersonates_does_not_do_it_twice() -> None:
    server = Server(as_other=True)
    assert ask(server)[0].asker == "the context's own user"
    assert {who for _, who in server.asked} == {""}


def test_who_may_do_neither_could_not_tell() -> None:
    answers = ask(Server(manager=NO_IMPERSONATION, user=NO_PODS))
    assert all(one.doubt and one.pod is None and not one.refusal for one in answers)


def test_that_the_manager_may_not_is_a_refusal() -> None:
    said = f'pods is forbidden: User "{MANAGER}" cannot create resource "pods" in API group ""'
    assert ask(Server(manager=ApiRefused(403, "Forbidden", said)))[0].refusal == said


@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        (ApiRefused(400, "BadRequest", 'admission webhook "a" does not support dry run'), False),
        (ApiRefused(403, "Forbidden", 'pods "r" is forbidden: status unknown for quota: q, resources: pods'), False),
        (ApiRefused(403, "Forbidden", 'pods "r" is forbidden: not yet ready to handle request'), False),
        (ApiRefused(500, "InternalError", "etcdserver: request timed out"), False),
        (ApiRefused(429, "TooManyRequests", "slow down"), False),
        (ApiRefused(504, "Timeout", "Timeout: request did not complete within requested timeout"), False),
        (ApiRefused(409, "AlreadyExists", 'pods "r" already exists'), False),
        (UnreachableError("did not answer in time"), False),
        (ApiRefused(500, "InternalError", 'Internal error occurred: failed calling webhook "a": x'), True),
        (ApiRefused(503, "x", 'admission webhook "a" denied the request: x'), True),
        (ApiRefused(422, "Invalid", 'Pod "r" is invalid: x'), True),
        (ApiRefused(403, "Forbidden", "words that nobody knows"), True),
    ],
)
def test_only_words_about_the_pod_are_an_answer(refusal: Exception, told: bool) -> None:  # noqa: FBT001 - a table
    one = ask(Server(manager=refusal))[0]
    assert bool(one.refusal) is told
    assert bool(one.doubt) is not told
    assert one.pod is None


def test_a_job_that_the_runner_refuses_itself_is_not_sent() -> None:
    server = Server()
    one = ask(server, with_config(pull_policy='"sometimes"'))[0]
    assert "unsupported pull policy" in one.doubt
    assert server.asked == []


def test_a_namespace_for_each_job_is_not_asked_for() -> None:
    server = Server()
    assert ask(server, with_config(namespace_per_job="true")) == []
    assert server.asked == []


@pytest.mark.parametrize(
    ("changes", "arches"),
    [
        ({}, ["amd64", "arm64"]),
        ({"node_selector_overwrite_allowed": ""}, [""]),
        ({"node_selector_overwrite_allowed": r"'^kubernetes\.io/arch=arm64$'"}, ["arm64", ""]),
        ({"node_selector_overwrite_allowed": r"'^kubernetes\.io/arch=amd64$'"}, ["amd64"]),
    ],
)
def test_what_jobs_may_not_select_is_not_asked_for(changes: dict[str, str], arches: list[str]) -> None:
    assert list(probes(runner(with_config(**changes)), BOTH)) == arches


def test_a_pod_is_found_by_the_architecture_of_its_job() -> None:
    answers = tuple(ask(Server()))
    found = facts(admissions=answers).admitted(runner(), "arm64")
    assert found is not None
    assert found["spec"]["nodeSelector"] == {"kubernetes.io/arch": "arm64"}
