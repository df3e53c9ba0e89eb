"""Pods that are gone: their events tell."""

import dataclasses
import datetime as dt

from multiarch.doctor.facts import Event
from multiarch.doctor.gone import explain_gone
from tests.unit.doctor.made import NOW, event, facts, kinds, node, pool

POD = "runner-abc-project-1-concurrent-0-xyz"
NO_MATCH = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."


def told(*events: Event, **given: object) -> list[str]:
    return kinds(explain_gone(facts(events=events, **given)))


def test_the_only_architecture_without_a_node_is_the_cause() -> None:
    found = explain_gone(facts(nodes=(node(),), events=[event("FailedScheduling", NO_MATCH, POD)]))
    assert kinds(found) == ["no-node-of-arch"]
    assert found[0].gone == (f"jobs/{POD}",)
    assert "poll_timeout: 600 s" in found[0].evidence[-1]


def test_a_selector_alone_is_no_architecture_where_all_have_nodes() -> None:
    assert told(event("FailedScheduling", NO_MATCH, POD)) == ["selector-matches-no-node"]


def test_two_architectures_without_a_node_leave_it_open_which_one_was_asked_for() -> None:
    assert told(event("FailedScheduling", NO_MATCH, POD), nodes=(node(arch="s390x"),)) == ["selector-matches-no-node"]


def test_a_pull_that_failed_names_its_image() -> None:
    message = 'Failed to pull image "app:1": no match for platform in manifest sha256:a: not found'
    found = explain_gone(facts(events=[event("Failed", message, POD)]))
    assert kinds(found) == ["image-lacks-arch"]
    assert found[0].subject == "app:1"


def test_a_node_that_came_too_late_is_told_as_that() -> None:
    said = event("TriggeredScaleUp", "pod triggered scale-up: [{g 0->1 (max: 5)}]", POD)
    assert told(event("FailedScheduling", NO_MATCH, POD), said) == ["gave-up-waiting"]


def test_pods_that_are_there_are_not_told_twice() -> None:
    assert told(event("FailedScheduling", NO_MATCH, POD), present=frozenset({f"jobs/{POD}"})) == []


def test_pods_of_others_are_not_the_runners() -> None:
    assert told(event("FailedScheduling", NO_MATCH, "web-1")) == []


def test_a_pool_at_its_maximum_that_could_never_take_the_pod_is_not_blamed() -> None:
    """Cluster Autoscaler counts such groups for every pod; where it says so: tests/unit/doctor/test_placement.py."""
    words = "pod didn't trigger scale-up: 1 node(s) didn't match Pod's node affinity/selector, 1 max node group size"
    said = event("FailedScheduling", NO_MATCH, POD), event("NotTriggerScaleUp", f"{words} reached", POD)
    assert told(*said, nodes=(node(),), pools=(pool(min_nodes=0),), stack="s") == ["scale-from-zero"]
    assert told(*said, nodes=(node(arch="s390x"),)) == ["selector-matches-no-node"]  # of which one is not known
    full = event("FailedScheduling", "0/1 nodes are available: 1 Insufficient cpu.", POD)
    assert told(full, said[1]) == ["pool-at-maximum"]


def test_the_newest_of_the_schedulers_words_counts_however_they_are_listed() -> None:
    old = event("FailedScheduling", "0/1 nodes are available: 1 node(s) are sulking.", POD)
    old = dataclasses.replace(old, last=NOW - dt.timedelta(minutes=9))
    new = event("FailedScheduling", "0/1 nodes are available: 1 Insufficient cpu.", POD)
    placed = event("Scheduled", "Successfully assigned", POD)
    found = explain_gone(facts(events=[new, old, placed]))
    assert kinds(found) == ["gave-up-waiting"]
    assert "Insufficient cpu" in found[0].evidence[0]
