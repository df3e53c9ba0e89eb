"""Who set a field is read from managedFields, and from nothing that is not understood."""

from typing import Any

from multiarch.drift.live.exempt import exemption
from multiarch.drift.live.ownership import Ownership
from multiarch.drift.live.paths import Item, Path
from tests.unit.drift_live.stubs import managed

ENV: Path = ("spec", "containers", Item("runner", (("name", "runner"),)), "env", Item("A", (("name", "A"),)), "value")
FIELDS: dict[str, Any] = {
    "f:spec": {
        "f:containers": {'k:{"name":"runner"}': {".": {}, "f:env": {'k:{"name":"A"}': {".": {}, "f:value": {}}}}},
        "f:selector": {},
    }
}


def of(*entries: dict[str, Any]) -> Ownership:
    return Ownership.of({"metadata": {"managedFields": list(entries)}})


def who(ownership: Ownership, path: Path) -> list[str]:
    return [owner.manager for owner in ownership.owners(path)]


def test_an_element_is_found_by_its_keys() -> None:
    ownership = of(managed("kubectl-edit", FIELDS), managed("helm", {"f:spec": {"f:replicas": {}}}))
    assert who(ownership, ENV) == ["kubectl-edit"]
    assert who(ownership, ENV[:3]) == ["kubectl-edit"]
    assert who(ownership, ("spec", "replicas")) == ["helm"]
    assert who(ownership, ("spec", "containers", Item("other", (("name", "other"),)))) == []


def test_what_is_set_as_a_whole_is_owned_as_a_whole() -> None:
    (owner,) = of(managed("pulumi-x", FIELDS, "Apply")).owners(("spec", "selector", "matchLabels", "app"))
    assert owner.whole
    assert owner.deploys
    (owner,) = of(managed("pulumi-x", FIELDS, "Apply")).owners(("spec", "selector"))
    assert not owner.deploys  # it stated it, and no longer wants it


def test_elements_are_found_by_value_and_by_index() -> None:
    fields: dict[str, Any] = {"f:metadata": {"f:finalizers": {".": {}, 'v:"example.org/x"': {}}, "f:list": {"i:2": {}}}}
    assert who(of(managed("m", fields)), ("metadata", "finalizers", Item("example.org/x", value="example.org/x"))) == [
        "m"
    ]
    assert who(of(managed("m", fields)), ("metadata", "list", Item("2"))) == ["m"]
    assert who(of(managed("m", fields)), ("metadata", "list", Item("1"))) == []


def test_what_is_not_understood_owns_nothing() -> None:
    broken: list[dict[str, Any]] = [
        {},
        {"fieldsV1": None},
        {"manager": "x", "fieldsV1": "text"},
        managed("x", {"f:spec": {"k:{no json": {}}}),
    ]
    ownership = of(*broken)
    assert who(ownership, ENV) == []
    assert not of().known
    assert not of({}).known


def test_replicas_are_the_autoscalers_only_where_it_alone_scaled() -> None:
    path: Path = ("spec", "replicas")
    fields: dict[str, Any] = {"f:spec": {"f:replicas": {}}}
    scaled = managed("kube-controller-manager", fields, subresource="scale")
    assert exemption("Deployment", path, of(scaled), stated=True)
    assert not exemption("Deployment", path, of(scaled, managed("kubectl", fields)), stated=True)
    assert not exemption("Deployment", path, of(managed("kube-controller-manager", fields)), stated=True)
    assert not exemption("Deployment", path, of(), stated=True)


def test_a_controllers_name_is_believed_for_the_named_fields_only() -> None:
    ownership = of(managed("kube-controller-manager", FIELDS))
    assert not exemption("Deployment", ENV, ownership, stated=True)
    assert not exemption("Deployment", ENV, ownership, stated=False)
