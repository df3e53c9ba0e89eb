"""One object against its manifest: with the API server's help nothing is guessed, and without it nothing is made up."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from multiarch.cluster.api import ApiRefused
from multiarch.drift.live.compare import STAND_IN_NAME, Comparison, compare
from multiarch.drift.live.difference import SECRET
from multiarch.drift.live.paths import text
from multiarch.model.providers.values import UNKNOWN
from tests.unit.drift_live.stubs import Cluster, managed

Object = dict[str, Any]


def deployment(**container: Any) -> Object:
    """A manifest as a chart writes it."""
    run = {"name": "runner", "image": "runner:1", "securityContext": {"privileged": False}, **container}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "runner", "namespace": "ci"},
        "spec": {"replicas": 1, "template": {"spec": {"containers": [run]}}},
    }


def with_defaults(manifest: Any) -> Object:
    """What the API server makes of it."""
    made: Object = copy.deepcopy(manifest)
    made["metadata"]["uid"] = "1"
    made["status"] = {"replicas": 0}
    made["spec"].setdefault("strategy", {"type": "RollingUpdate"})
    for container in made["spec"]["template"]["spec"]["containers"]:
        container.setdefault("imagePullPolicy", "IfNotPresent")
    return made


FIELDS: Object = {
    "f:spec": {
        "f:replicas": {},
        "f:strategy": {"f:type": {}},
        "f:template": {"f:spec": {"f:containers": {'k:{"name":"runner"}': {".": {}, "f:imagePullPolicy": {}}}}},
    }
}


def live(change: Callable[[Object], None] = lambda _: None, *entries: Object, **container: Any) -> Object:
    """What is there: made by Helm, then changed."""
    made = with_defaults(deployment(**container))
    made["metadata"]["managedFields"] = [managed("helm", FIELDS), *entries]
    change(made)
    return made


def container_of(item: Object) -> Object:
    found: Object = item["spec"]["template"]["spec"]["containers"][0]
    return found


def told(compared: Comparison) -> list[str]:
    return [f"{delta.change} {text(delta.path)}" for delta in compared.deltas]


def helped(wanted: Object, found: Object) -> Comparison:
    return compare(wanted, found, Cluster(create=with_defaults).api)


def alone(wanted: Object, found: Object) -> Comparison:
    return compare(wanted, found, Cluster().api)


POD = "spec.template.spec"
RUN = f"{POD}.containers[runner]"


def test_defaults_are_no_difference_with_help_and_without() -> None:
    for way in (helped, alone):
        compared = way(deployment(), live())
        assert (told(compared), compared.doubts) == ([], [])


def test_the_dry_run_never_uses_the_objects_own_name() -> None:
    names = []

    def create(manifest: Any) -> Object:
        names.append(manifest["metadata"]["name"])
        return with_defaults(manifest)

    compare(deployment(), live(), Cluster(create=create).api)
    assert names == [STAND_IN_NAME]


@pytest.mark.parametrize("way", [helped, alone])
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            lambda item: container_of(item)["securityContext"].update(privileged=True),
            f"changed {RUN}.securityContext.privileged",
        ),
        (lambda item: container_of(item)["securityContext"].clear(), f"gone {RUN}.securityContext.privileged"),
        (lambda item: container_of(item)["env"][0].update(value="evil"), f"changed {RUN}.env[EMPTY].value"),
        (lambda item: container_of(item)["env"].append({"name": "X"}), f"added {RUN}.env[X]"),
        (lambda item: item["spec"].update(replicas=0), "changed spec.replicas"),
    ],
)
def test_an_empty_value_is_a_value(way: Any, change: Callable[[Object], None], expected: str) -> None:
    env = {"env": [{"name": "EMPTY", "value": ""}]}
    found = told(way(deployment(**env), live(change, **env)))
    # Without help, a false that is gone may never have been kept.
    assert found == ([] if way is alone and expected.startswith("gone") else [expected])


def test_a_changed_default_is_found_by_its_owner_where_nobody_says_what_the_default_is() -> None:
    person = managed("kubectl-edit", {"f:spec": {"f:strategy": {"f:type": {}}}})
    found = live(lambda item: item["spec"]["strategy"].update(type="Recreate"), person)
    assert told(helped(deployment(), found)) == ["changed spec.strategy.type"]
    assert told(alone(deployment(), found)) == ["added spec.strategy.type"]


def test_what_admission_gave_when_it_was_made_is_a_doubt_and_no_drift() -> None:
    fields: Object = {"f:spec": {"f:template": {"f:spec": {"f:priority": {}}}}}
    found = live(lambda item: item["spec"]["template"]["spec"].update(priority=7), managed("helm", fields))
    compared = helped(deployment(), found)
    assert told(compared) == []
    assert [str(doubt).partition(" ")[0] for doubt in compared.doubts] == [f"{POD}.priority"]


def test_without_managed_fields_an_addition_is_a_doubt_and_never_clean() -> None:
    found = live(lambda item: item["spec"]["template"]["spec"].update(hostNetwork=True))
    del found["metadata"]["managedFields"]
    compared = alone(deployment(), found)
    assert told(compared) == []
    assert any("hostNetwork" in str(doubt) for doubt in compared.doubts)


def test_a_field_that_a_server_may_drop_is_a_doubt_without_help() -> None:
    young = {"securityContext": {"privileged": False, "procMount": "Unmasked"}}
    compared = alone(
        deployment(**young), live(lambda item: container_of(item)["securityContext"].pop("procMount"), **young)
    )
    assert told(compared) == []
    assert [str(doubt).partition(" ")[0] for doubt in compared.doubts] == [f"{RUN}.securityContext.procMount"]


def test_a_dry_run_apply_settles_what_may_be_another_spelling() -> None:
    wanted = {
        "apiVersion": "example.org/v1",
        "kind": "Thing",
        "metadata": {"name": "x", "namespace": "ci"},
        "spec": {"a": "One", "b": "Two"},
    }
    found = {**wanted, "spec": {"a": "one", "b": "else"}}
    compared = alone(wanted, found)
    assert (told(compared), len(compared.doubts)) == ([], 2)
    applied = {**wanted, "spec": {"a": "one", "b": "two"}}
    compared = compare(wanted, found, Cluster(apply=lambda _: applied).api)
    assert (told(compared), compared.doubts) == (["changed spec.b"], [])


@pytest.mark.parametrize("status", [400, 403, 422, 429, 500])
def test_a_refused_dry_run_costs_the_help_and_tells_why(status: int) -> None:
    def create(_: Any) -> Object:
        raise ApiRefused(status, "No", "webhook says no")

    compared = compare(
        deployment(), live(lambda item: container_of(item).update(image="evil")), Cluster(create=create).api
    )
    assert told(compared) == [f"changed {RUN}.image"]
    assert compared.unhelped == "webhook says no"


def secret(**fields: Any) -> Object:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "token", "namespace": "ci"}, **fields}


def test_of_a_secret_keys_are_compared_and_nothing_is_sent() -> None:
    def create(_: Any) -> Object:
        raise AssertionError("a Secret was sent")

    wanted = secret(stringData={"a": SECRET, "b": SECRET})
    found = secret(data={"a": "b3RoZXI=", "c": "eA=="}, type="Opaque")
    compared = compare(wanted, found, Cluster(create=create, apply=create).api)
    assert told(compared) == ["gone data.b", "added data.c"]
    assert "eA==" not in repr(compared)


def test_what_is_not_compared_takes_what_is_there_to_the_dry_run() -> None:
    sent = []

    def create(manifest: Any) -> Object:
        sent.append(manifest["data"])
        return dict(manifest)

    wanted: Object = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "ci"}}
    wanted["data"] = {"known": "1", "later": UNKNOWN, "hidden": SECRET}
    found = {**wanted, "data": {"known": "1", "later": "x", "hidden": "y"}}
    assert told(compare(wanted, found, Cluster(create=create).api)) == []
    assert sent == [{"known": "1", "later": "x", "hidden": "y"}]
    assert told(compare(wanted, {**found, "data": {"known": "1"}}, Cluster(create=create).api)) == ["gone data.hidden"]


def test_a_stated_label_counts_and_one_that_somebody_added_does_not() -> None:
    wanted: Object = {**deployment(), "metadata": {"name": "runner", "namespace": "ci", "labels": {"app": "runner"}}}
    found = live(lambda item: item["metadata"].update(labels={"app": "other", "team": "ci"}))
    for way in (helped, alone):
        assert told(way(wanted, found)) == ["changed metadata.labels.app"]


def test_an_allocated_address_is_no_drift_unless_the_manifest_states_it() -> None:
    wanted: Object = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x", "namespace": "ci"}, "spec": {}}
    found = {**wanted, "spec": {"clusterIP": "10.0.0.2"}}
    fresh = Cluster(create=lambda item: {**item, "spec": {"clusterIP": "10.0.0.9", **item["spec"]}})
    assert told(compare(wanted, found, fresh.api)) == []
    stated = {**wanted, "spec": {"clusterIP": "10.0.0.1"}}
    assert told(compare(stated, found, fresh.api)) == ["changed spec.clusterIP"]


def test_a_namespaces_own_name_is_no_difference() -> None:
    def create(manifest: Any) -> Object:
        metadata = {**manifest["metadata"], "labels": {"kubernetes.io/metadata.name": manifest["metadata"]["name"]}}
        return {**manifest, "metadata": metadata, "spec": {}}

    wanted: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ci"}}
    found: Object = {**wanted, "metadata": {"name": "ci", "labels": {"kubernetes.io/metadata.name": "ci"}}}
    found["spec"] = {"finalizers": ["kubernetes"]}
    compared = compare(wanted, found, Cluster(create=create).api)
    assert told(compared) == []
    assert compared.ignored == ["the namespace controller's own"]
