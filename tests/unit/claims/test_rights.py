"""The runner may do exactly what its executor needs, and a job what everybody may: any right beyond is named."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiarch.cluster.api import Api, ApiRefused
from multiarch.core.verdict import Verdict
from multiarch.model.executor.rights import warranted
from multiarch.rehearse.claims.power import BASIC_USER, Right, Rule, beyond, rights_of, rights_words
from multiarch.rehearse.claims.scene import Proof, Scene
from tests.unit.claims.test_claims import prove, scene

RBAC = "rbac.authorization.k8s.io"
Rules = Mapping[str, Sequence[Rule]]


def rule(group: str, resource: str, *verbs: str, names: Sequence[str] = ()) -> Rule:
    named = {"resourceNames": list(names)} if names else {}
    return {"apiGroups": [group], "resources": [resource], "verbs": list(verbs), **named}


class Reviewed(Api):
    """An API server that answers access reviews from rules by namespace (`*` for all of them), and nothing else."""

    def __init__(self, rules: Rules, *, incomplete: bool = False, everybody: "Api | None" = None) -> None:
        self.rules, self.incomplete, self.everybody = rules, incomplete, everybody

    def acting_as(self, headers: Any) -> Api:
        del headers
        return self.everybody or Reviewed({})

    def with_token(self, token: str) -> Api:
        del token
        return self

    def close(self) -> None:
        """Has no socket."""

    def create(self, path: str, body: Mapping[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        del path, body, dry_run
        return {"status": {"token": "t"}}

    def review(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        del path
        spec = body["spec"]
        if body["kind"] == "SelfSubjectRulesReview":
            listed = [] if self.incomplete else self._of(spec["namespace"])
            return {"status": {"resourceRules": [*BASIC_USER, *listed], "incomplete": self.incomplete}}
        asked = spec["resourceAttributes"]
        kind = "/".join(filter(None, (asked["resource"], asked.get("subresource"))))
        wanted = Right(asked.get("group", ""), kind, asked["verb"])
        return {"status": {"allowed": wanted in set(rights_of(self._of(asked["namespace"])))}}

    def _of(self, namespace: str) -> list[Rule]:
        return [*self.rules.get(namespace, ()), *self.rules.get("*", ())]


class Refusing(Reviewed):
    """One that lets nobody be impersonated."""

    def review(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        del path, body
        raise ApiRefused(403, "Forbidden", "cannot impersonate")


def executors() -> list[Rule]:
    return [rule(group, resource, verb) for group, resource, verb in warranted(scene().installed.config)]


def runner_proof(rules: Rules, **given: Any) -> Proof:
    everybody = given.pop("everybody", None)
    where = dataclasses.replace(
        scene(), runner=Reviewed(rules, **given), admin=Reviewed({}, everybody=everybody or Reviewed({}))
    )
    return prove("runner-has-no-more", where)


def job_scene(rules: Rules, *, mounted: bool = False, **given: Any) -> Scene:
    installed = scene().installed
    config = installed.config
    settings = {**config.kubernetes.values, "automount_service_account_token": mounted}
    config = dataclasses.replace(config, kubernetes=dataclasses.replace(config.kubernetes, values=settings))
    installed = dataclasses.replace(installed, config=config)
    return dataclasses.replace(scene(), admin=Reviewed(rules, **given), installed=installed)


def test_exactly_what_the_executor_needs_is_proved() -> None:
    assert runner_proof({"jobs": executors()}).verdict is Verdict.YES


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (rule(RBAC, "roles", "escalate"), f"escalate roles.{RBAC}"),
        (rule(RBAC, "clusterroles", "bind"), f"bind clusterroles.{RBAC}"),
        (rule("", "secrets", "list"), "list secrets"),
        (rule("apps", "daemonsets", "create"), "create daemonsets.apps"),
        (rule("", "serviceaccounts/token", "create"), "create serviceaccounts/token"),
        (rule("", "secrets", "*"), "* secrets"),
        (rule("*", "*", "*"), "* *.*"),
        (rule("", "secrets", "patch", names=["ca"]), "patch secrets named ca"),
    ],
)
def test_each_right_beyond_the_executors_fails_and_is_named(extra: Rule, words: str) -> None:
    proof = runner_proof({"jobs": [*executors(), extra]})
    assert proof.verdict is Verdict.NO
    assert words in proof.evidence


@pytest.mark.parametrize("place", ["manager", "kube-system", "default"])
def test_what_it_may_in_the_jobs_namespace_it_may_not_elsewhere(place: str) -> None:
    proof = runner_proof({"jobs": executors(), place: [rule("", "secrets", "get")]})
    assert (proof.verdict, f"get secrets in {place}" in proof.evidence) == (Verdict.NO, True)


def test_a_right_in_every_namespace_is_said_once() -> None:
    proof = runner_proof({"jobs": executors(), "*": [rule("", "nodes", "list")]})
    assert proof.verdict is Verdict.NO
    assert proof.evidence.count("list nodes") == 1
    assert "in every namespace asked" in proof.evidence


def test_what_everybody_may_is_not_the_runners_own() -> None:
    shared = [rule("metrics.k8s.io", "pods", "get")]
    both = {"jobs": executors(), "*": shared}
    assert runner_proof(both, everybody=Reviewed({"*": shared})).verdict is Verdict.YES
    assert runner_proof(both).verdict is Verdict.NO


def test_a_right_to_certain_objects_does_not_cover_the_right_to_all() -> None:
    named = {"jobs": [*executors(), rule("", "secrets", "list", names=["ca"])]}
    everybody = Reviewed({"jobs": [rule("", "secrets", "list", names=["ca", "other"])]})
    assert runner_proof(named, everybody=everybody).verdict is Verdict.YES
    wide = {"jobs": [*executors(), rule("", "secrets", "list")]}
    assert runner_proof(wide, everybody=everybody).verdict is Verdict.NO


def test_where_nobody_may_be_impersonated_basic_rights_are_still_everybodys() -> None:
    assert runner_proof({"jobs": executors()}, everybody=Refusing({})).verdict is Verdict.YES


def test_a_list_that_is_not_whole_proves_nothing() -> None:
    assert runner_proof({"jobs": executors()}, incomplete=True).verdict is Verdict.UNKNOWN


def test_what_a_list_that_is_not_whole_leaves_out_is_asked_by_name() -> None:
    proof = runner_proof({"jobs": [*executors(), rule("", "secrets", "list")]}, incomplete=True)
    assert (proof.verdict, "list secrets in jobs" in proof.evidence) == (Verdict.NO, True)


def test_a_job_that_may_what_everybody_may_has_no_rights() -> None:
    assert prove("jobs-have-no-rights", job_scene({})).verdict is Verdict.YES


@pytest.mark.parametrize("place", ["jobs", "manager", "kube-system"])
def test_every_right_of_a_job_is_named_and_not_secrets_alone(place: str) -> None:
    proof = prove("jobs-have-no-rights", job_scene({place: [rule("", "pods", "create")]}))
    assert (proof.verdict, f"create pods in {place}" in proof.evidence) == (Verdict.NO, True)


def test_a_jobs_list_that_is_not_whole_proves_nothing() -> None:
    assert prove("jobs-have-no-rights", job_scene({}, incomplete=True)).verdict is Verdict.UNKNOWN


def test_a_mounted_token_fails_whatever_it_may() -> None:
    assert prove("jobs-have-no-rights", job_scene({}, mounted=True)).verdict is Verdict.NO
    assert prove("jobs-have-no-rights", job_scene({}, mounted=True, incomplete=True)).verdict is Verdict.NO


def test_long_lists_are_counted_and_not_cut_silently() -> None:
    rights = [Right("", "pods", f"verb{number}") for number in range(10)]
    assert rights_words(rights).endswith("verb7 pods and 2 more")


_WORDS = st.sampled_from(["", "a", "b", "*"])
_RULES = st.lists(
    st.builds(
        lambda group, kind, verb, names: rule(group, kind or "k", verb or "v", names=names),
        _WORDS,
        st.sampled_from(["a", "a/x", "b/x", "*", "*/x"]),
        _WORDS,
        st.lists(st.sampled_from(["n", "m"]), max_size=2),
    ),
    max_size=4,
)


@given(rules=_RULES, meant=_RULES, everybodys=_RULES)
def test_nothing_is_left_out_and_nothing_covered_is_blamed(
    rules: list[Rule], meant: list[Rule], everybodys: list[Rule]
) -> None:
    """Every right is within what is meant or everybody's, or is named; and giving the named ones to all clears them."""
    over = beyond(rules, rights_of(meant), everybodys)
    assert set(over) <= set(rights_of(rules))
    assert beyond(rules, [*rights_of(meant), *over], everybodys) == []
    assert beyond(rules, rights_of(rules), []) == []
    if not meant and not everybodys:
        assert set(over) == set(rights_of(rules))
