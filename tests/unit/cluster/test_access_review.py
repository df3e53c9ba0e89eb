"""An access review has three answers, and an authorizer that failed has not said no."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from multiarch.cluster.access_review import Action, may, rules, service_account
from multiarch.core.verdict import Verdict

GET_PODS = Action(verb="get", resource="pods", namespace="ci")


@dataclass
class Answering:
    """An API server that answers every review with one status, and keeps what it was sent."""

    status: Mapping[str, Any]
    sent: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def review(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        self.sent.append((path, body))
        return {"status": dict(self.status)}


@pytest.mark.parametrize(
    ("status", "verdict", "words"),
    [
        ({"allowed": True, "reason": "RBAC: allowed by RoleBinding"}, Verdict.YES, "RBAC: allowed by RoleBinding"),
        # One authorizer failed, another allowed.
        ({"allowed": True, "evaluationError": "webhook timed out"}, Verdict.YES, "the API server says so"),
        ({"allowed": False}, Verdict.NO, "no rule allows it"),
        ({"allowed": False, "denied": True, "evaluationError": "webhook timed out"}, Verdict.NO, "no rule allows it"),
        ({"allowed": False, "evaluationError": "webhook timed out"}, Verdict.UNKNOWN, "webhook timed out"),
    ],
)
def test_an_authorizer_that_failed_has_not_said_no(status: dict[str, Any], verdict: Verdict, words: str) -> None:
    answer = may(Answering(status), GET_PODS)
    assert answer.verdict is verdict
    assert answer.because == words


def test_a_right_is_asked_for_the_identity_that_is_meant() -> None:
    api = Answering({"allowed": True})
    may(api, GET_PODS)
    may(api, GET_PODS, service_account("ci", "runner"))
    (own_path, own), (path, other) = api.sent
    assert own_path.endswith("/selfsubjectaccessreviews")
    assert "user" not in own["spec"]
    assert path.endswith("/subjectaccessreviews")
    assert other["spec"]["user"] == "system:serviceaccount:ci:runner"
    assert "system:serviceaccounts:ci" in other["spec"]["groups"]


@pytest.mark.parametrize(
    ("status", "incomplete"),
    [
        ({"resourceRules": [], "incomplete": False}, ""),
        ({"resourceRules": [], "incomplete": True, "evaluationError": "no list"}, "no list"),
        ({"resourceRules": [], "incomplete": True}, "an authorizer does not list its rules"),
    ],
)
def test_a_list_of_rights_that_is_not_whole_says_so(status: dict[str, Any], incomplete: str) -> None:
    assert rules(Answering(status), "ci").incomplete == incomplete
