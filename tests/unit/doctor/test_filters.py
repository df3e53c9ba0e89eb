"""The scheduler's filters, recomputed."""

from decimal import Decimal
from typing import Any

import pytest

from multiarch.cluster.selectors import label_selector
from multiarch.doctor.facts import Taint
from multiarch.doctor.scheduling.filters import (
    lacking,
    requests,
    selects,
    tolerates,
    untolerated,
)
from tests.unit.doctor.made import node, pod

GI = Decimal(1 << 30)


def affinity(*terms: dict[str, Any]) -> dict[str, Any]:
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": list(terms)}}}


def expression(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


class TestSelectors:
    def test_every_selected_label_must_match(self) -> None:
        wants = pod(nodeSelector={"kubernetes.io/arch": "arm64", "team": "a"})
        assert selects(wants, node(arch="arm64", labels={"team": "a"}))
        assert not selects(wants, node(arch="arm64"))

    def test_terms_are_alternatives_and_expressions_are_not(self) -> None:
        both = {
            "matchExpressions": [
                *expression("a", "Exists")["matchExpressions"],
                *expression("b", "Exists")["matchExpressions"],
            ]
        }
        wants = pod(nodeSelector={}, affinity=affinity(both, expression("c", "Exists")))
        assert selects(wants, node(labels={"c": "1"}))
        assert selects(wants, node(labels={"a": "1", "b": "1"}))
        assert not selects(wants, node(labels={"a": "1"}))

    @pytest.mark.parametrize(
        ("term", "matches"),
        [
            (expression("cpus", "Gt", "4"), True),
            (expression("cpus", "Gt", "8"), False),
            (expression("cpus", "Lt", "9"), True),
            (expression("cpus", "In", "8", "16"), True),
            (expression("cpus", "NotIn", "8"), False),
            (expression("other", "NotIn", "8"), True),
            (expression("other", "DoesNotExist"), True),
            (expression("other", "Gt", "1"), False),
            ({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}]}, True),
            ({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["m"]}]}, False),
            ({}, False),
        ],
    )
    def test_operators_are_the_schedulers(self, term: dict[str, Any], matches: bool) -> None:  # noqa: FBT001 - a table
        assert selects(pod(nodeSelector={}, affinity=affinity(term)), node(labels={"cpus": "8"})) is matches

    def test_an_empty_label_selector_matches_everything_and_a_rule_does_not(self) -> None:
        assert label_selector({}, {"a": "1"})
        assert not label_selector({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, {"a": "1"})


class TestTaints:
    TAINT = Taint(key="dedicated", value="gpu", effect="NoSchedule")

    @pytest.mark.parametrize(
        ("toleration", "covers"),
        [
            ({"key": "dedicated", "operator": "Exists"}, True),
            ({"key": "dedicated", "value": "gpu"}, True),
            ({"key": "dedicated", "value": "gpu", "effect": "NoExecute"}, False),
            ({"key": "dedicated", "value": "other"}, False),
            ({"operator": "Exists"}, True),
            ({"operator": "Exists", "effect": "NoSchedule"}, True),
            ({}, False),
            ({"key": "cpus", "operator": "Gt", "value": "1"}, False),
        ],
    )
    def test_tolerations_cover_what_they_say(self, toleration: dict[str, str], covers: bool) -> None:  # noqa: FBT001 - a table
        assert tolerates(toleration, self.TAINT) is covers

    @pytest.mark.parametrize(
        ("operator", "value", "covers"),
        [("Gt", "4", True), ("Gt", "5", False), ("Lt", "6", True), ("Lt", "5", False), ("Gt", "x", False)],
    )
    def test_tolerations_that_compare_do_so_by_number(self, operator: str, value: str, covers: bool) -> None:  # noqa: FBT001 - a table
        taint = Taint(key="grade", value="5", effect="NoSchedule")
        assert tolerates({"key": "grade", "operator": operator, "value": value}, taint) is covers
        assert not tolerates(
            {"key": "grade", "operator": operator, "value": "4"}, Taint(key="grade", effect="NoExecute")
        )

    def test_a_preference_keeps_nobody_off(self) -> None:
        soft = Taint(key="soft", effect="PreferNoSchedule")
        assert untolerated(pod(), node(taints=(soft,))) == []

    def test_a_cordon_counts_before_its_taint_is_there(self) -> None:
        assert [taint.key for taint in untolerated(pod(), node(cordoned=True))] == ["node.kubernetes.io/unschedulable"]


class TestRoom:
    def test_containers_add_up_and_init_containers_do_not(self) -> None:
        def container(cpu: str, **given: Any) -> dict[str, Any]:
            return {"name": "c", "resources": {"requests": {"cpu": cpu}}, **given}

        wants = pod(
            containers=[container("1"), container("500m")],
            initContainers=[container("4"), container("250m", restartPolicy="Always"), container("1")],
            overhead={"cpu": "100m"},
        )
        assert requests(wants)["cpu"] == Decimal("4.1")

    def test_a_limit_without_a_request_counts_as_one(self) -> None:
        wants = pod(containers=[{"name": "c", "resources": {"limits": {"memory": "2Gi"}}}])
        assert requests(wants)["memory"] == 2 * GI

    def test_what_other_pods_took_is_not_there(self) -> None:
        asked = requests(pod(requests={"cpu": "4"}))
        assert list(lacking(asked, node(used={"cpu": "3"}))) == []
        assert list(lacking(asked, node(used={"cpu": "5"}))) == ["cpu"]
        assert list(lacking(asked, node(used={"cpu": "5"}), empty=True)) == []

    def test_a_resource_that_the_node_does_not_have_is_lacking(self) -> None:
        assert list(lacking({"nvidia.com/gpu": Decimal(1)}, node())) == ["nvidia.com/gpu"]
