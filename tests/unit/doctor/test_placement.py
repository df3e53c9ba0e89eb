"""Pods without a node: the filter that fails is recomputed, the scheduler's words are evidence."""

import dataclasses
import datetime as dt
from typing import Any

from multiarch.doctor import scaling
from multiarch.doctor.advice import Advice
from multiarch.doctor.facts import Facts, Node, Taint
from multiarch.doctor.model import Cause
from multiarch.doctor.scaling import Scaling
from multiarch.doctor.scheduling.message import parse
from multiarch.doctor.scheduling.placement import placement_causes
from multiarch.doctor.scheduling.question import Question
from tests.unit.doctor.made import ARM_TAINT, NOW, event, facts, kinds, look, node, pod, pool

GPU = Taint(key="dedicated", value="gpu", effect="NoSchedule")
NOT_READY = Taint(key="node.kubernetes.io/not-ready", effect="NoSchedule")


def ask(
    wants: dict[str, Any], *nodes: Node, said: str = "", of: Facts | None = None, scaling: Scaling | None = None
) -> list[Cause]:
    question = Question(
        pod=wants,
        nodes=nodes,
        message=parse(said),
        scaling=scaling or Scaling(),
        advice=Advice(of or facts()),
    )
    return placement_causes(question)


def lines(found: Cause) -> str:
    return "\n".join(line for fix in found.fixes for line in (fix.text, *fix.lines))


class TestNothingMatches:
    def test_a_known_architecture_without_a_node_is_that(self) -> None:
        found = ask(pod(), node())
        assert kinds(found) == ["no-node-of-arch"]
        assert found[0].subject == "arm64"
        assert "1 amd64" in found[0].evidence[0]

    def test_an_architecture_of_nobodys_is_a_wrong_selector(self) -> None:
        assert kinds(ask(pod(arch="s390x"), node())) == ["selector-matches-no-node"]

    def test_a_stack_with_s390x_nodes_promises_them(self) -> None:
        planned = facts(pools=(pool("z", "s390x"),), stack="z")
        assert kinds(ask(pod(arch="s390x"), node(), of=planned)) == ["no-node-of-arch"]

    def test_labels_that_no_node_has_together_are_named_together(self) -> None:
        wants = pod(nodeSelector={"kubernetes.io/arch": "arm64", "disk": "ssd"})
        found = ask(wants, node(arch="arm64"), node("b", labels={"disk": "ssd"}))
        assert kinds(found) == ["selector-matches-no-node"]
        assert "together" in found[0].headline

    def test_a_misspelt_key_is_pointed_at(self) -> None:
        found = ask(pod(nodeSelector={"node-pol": "x"}), node(labels={"node-pool": "y"}))
        assert "did you mean node-pool?" in " ".join(found[0].evidence)

    def test_a_wrong_value_shows_those_that_there_are(self) -> None:
        found = ask(pod(nodeSelector={"node-pool": "x"}), node(labels={"node-pool": "y"}))
        assert "nodes have node-pool with: y" in found[0].evidence

    def test_an_empty_pool_of_the_stack_gets_a_line_of_its_stack_file(self) -> None:
        planned = facts(pools=(pool(min_nodes=0),), stack="prod", look=look("aks"))
        found = ask(pod(), node(), of=planned)
        assert "stacks/Pulumi.prod.yaml" in lines(found[0])
        assert "minNodes: 1" in lines(found[0])
        assert "kubernetes/autoscaler#9322" in lines(found[0])

    def test_scale_from_zero_is_not_blamed_where_no_pool_is_known(self) -> None:
        scaling = Scaling(said="x", refused=("1 node(s) didn't match Pod's node affinity/selector",))
        assert kinds(ask(pod(), node(), scaling=scaling)) == ["no-node-of-arch"]


UNFIT = "1 node(s) didn't match Pod's node affinity/selector"
FULL = "1 max node group size reached"
BACKOFF = "1 in backoff after failed scale-up"


def says(*reasons: str, earlier: str = "") -> Scaling:
    """Return what Cluster Autoscaler's NotTriggerScaleUp comes to, after an earlier event of the same pod.

    Its order of evaluation (cluster-autoscaler core/scaleup/orchestrator/orchestrator.go, ScaleUp): first
    `filterValidScaleUpNodeGroups` leaves out each group that is in backoff or not ready (`IsNodeGroupReadyToScaleUp`),
    at its maximum (`TargetSize() >= MaxSize()`), or outside the cluster's limits, whatever the pod; only the others are
    tried by `SchedulablePodGroups`. The event adds up both (processors/status/eventing_scale_up_processor.go,
    `ReasonsMessage`: RejectedNodeGroups, then SkippedNodeGroups), in no order.
    """
    events = [event("NotTriggerScaleUp", f"pod didn't trigger scale-up: {', '.join(reasons)}")]
    if earlier:
        before = event(earlier, "pod triggered scale-up: [{ci-arm64 0->1 (max: 5)}]")
        events.insert(0, dataclasses.replace(before, last=NOW - dt.timedelta(minutes=20)))
    return scaling.of(reversed(events))  # by their time, however they are listed


class TestNoNodeAndAnAutoscaler:
    """An arm64 job, and no arm64 node at all."""

    def kind(self, said: Scaling, **given: Any) -> str:
        planned = facts(pools=(pool("arm64", **{"min_nodes": 0, **given}), pool("amd64", "amd64")), stack="prod")
        return kinds(ask(pod(), node(), of=planned, scaling=said))[0]

    def test_an_empty_pool_beside_a_full_one_of_the_other_architecture_does_not_scale_from_zero(self) -> None:
        assert self.kind(says(UNFIT, FULL)) == "scale-from-zero"
        assert self.kind(says(FULL, UNFIT)) == "scale-from-zero"
        assert self.kind(says(UNFIT)) == "scale-from-zero"

    def test_nor_does_one_beside_a_pool_in_backoff(self) -> None:
        assert self.kind(says(UNFIT, BACKOFF)) == "scale-from-zero"

    def test_a_reason_that_is_of_another_pool_is_said_to_be(self) -> None:
        planned = facts(pools=(pool(min_nodes=0),), stack="prod")
        found = ask(pod(), node(), of=planned, scaling=says(UNFIT, FULL))[0]
        assert "it need not be said of the arm64 pool" in " ".join(found.evidence)
        assert "maxNodes" not in lines(found)
        assert "minNodes: 1" in lines(found)

    def test_a_pool_that_once_took_the_pod_is_the_one_in_backoff(self) -> None:
        assert self.kind(says(UNFIT, BACKOFF, earlier="TriggeredScaleUp")) == "scale-up-fails"

    def test_where_all_groups_are_in_backoff_that_pool_is_too(self) -> None:
        assert self.kind(says("2 in backoff after failed scale-up")) == "scale-up-fails"
        assert self.kind(says(FULL, BACKOFF)) == "scale-up-fails"

    def test_a_full_pool_without_a_node_has_machines_that_do_not_join(self) -> None:
        assert self.kind(says("2 max node group size reached")) == "scale-up-fails"

    def test_a_pool_of_none_is_at_its_maximum(self) -> None:
        assert self.kind(says(UNFIT, FULL), max_nodes=0) == "pool-at-maximum"

    def test_a_full_cluster_takes_no_node_of_any_pool(self) -> None:
        assert self.kind(says("max total nodes in cluster reached")) == "pool-at-maximum"

    def test_without_a_stack_no_pool_is_blamed(self) -> None:
        assert kinds(ask(pod(), node(), scaling=says(UNFIT, FULL))) == ["no-node-of-arch"]
        assert kinds(ask(pod(), node(), scaling=says(UNFIT, BACKOFF))) == ["no-node-of-arch"]

    def test_karpenter_has_no_group_that_may(self) -> None:
        assert self.kind(Scaling(said="x", excluded=True)) == "node-pool-excludes"


class TestFullNodesAndAnAutoscaler:
    """An arm64 job, and arm64 nodes without room."""

    def kind(self, said: Scaling, **given: Any) -> str:
        pools = (pool("arm64", **given), pool("amd64", "amd64", max_nodes=1)) if given else ()
        planned = facts(pools=pools, stack="prod" if given else "")
        nodes = node(), node("b", "arm64", used={"cpu": "8"}), node("c", "arm64", used={"cpu": "8"})
        return kinds(ask(pod(requests={"cpu": "4"}), *nodes, of=planned, scaling=said))[0]

    def test_the_number_of_nodes_tells_whose_maximum_it_is(self) -> None:
        assert self.kind(says(FULL, BACKOFF), max_nodes=2) == "pool-at-maximum"
        assert self.kind(says(FULL, BACKOFF), max_nodes=5) == "scale-up-fails"
        assert self.kind(says(UNFIT, FULL), max_nodes=2) == "pool-at-maximum"

    def test_a_maximum_of_somebody_elses_is_not_raised_here(self) -> None:
        assert self.kind(says(FULL, "1 Insufficient cpu"), max_nodes=5) == "nodes-full"

    def test_the_bounds_of_an_existing_clusters_pool_are_not_known(self) -> None:
        assert self.kind(says(UNFIT, FULL), max_nodes=20, cloud="existing") == "pool-at-maximum"

    def test_without_a_stack_only_a_single_reason_is_believed(self) -> None:
        assert self.kind(says(UNFIT, FULL)) == "pool-at-maximum"
        assert self.kind(says(UNFIT, BACKOFF)) == "scale-up-fails"
        assert self.kind(says(FULL, BACKOFF)) == "nodes-full"
        assert self.kind(says(FULL, BACKOFF, earlier="TriggeredScaleUp")) == "scale-up-fails"


class TestTaints:
    def test_the_taint_is_named_though_the_scheduler_no_longer_does(self) -> None:
        found = ask(
            pod(),
            node(arch="arm64", taints=(GPU,)),
            said="0/1 nodes are available: 1 node(s) had untolerated taint(s).",
        )
        assert kinds(found) == ["taint-not-tolerated"]
        assert found[0].subject == "dedicated=gpu:NoSchedule"
        assert '"dedicated=gpu" = "NoSchedule"' in lines(found[0])

    def test_trouble_of_the_jobs_own_nodes_comes_before_taints_of_other_pools(self) -> None:
        others = node("gpu", "arm64", taints=(GPU,))
        own = node("own", "arm64", taints=(NOT_READY,), ready=False, trouble="container runtime is down")
        found = ask(pod(), others, own)
        assert kinds(found) == ["nodes-not-ready", "taint-not-tolerated"]
        assert "container runtime is down" in " ".join(found[0].evidence)

    def test_a_chosen_taint_decides_on_a_node_that_is_cordoned_too(self) -> None:
        assert kinds(ask(pod(), node(arch="arm64", taints=(GPU,), cordoned=True))) == ["taint-not-tolerated"]

    def test_all_the_taints_of_a_node_are_named_that_the_pod_does_not_tolerate(self) -> None:
        other = Taint(key="team", value="a", effect="NoSchedule")
        found = ask(pod(), node("a", "arm64", taints=(ARM_TAINT, GPU, other)), node("b", "arm64", taints=(GPU,)))
        assert kinds(found) == ["taint-not-tolerated"]
        assert found[0].headline.startswith("2 of 2 arm64 nodes carry dedicated=gpu:NoSchedule, team=a:NoSchedule")
        assert '"team=a" = "NoSchedule"' in lines(found[0])
        assert "kubernetes.io/arch=arm64" not in found[0].headline

    def test_one_open_node_with_room_is_no_cause(self) -> None:
        assert ask(pod(), node("a", "arm64", taints=(GPU,)), node("b", "arm64")) == []


class TestRoom:
    def test_too_large_is_told_from_full(self) -> None:
        assert kinds(ask(pod(requests={"cpu": "9"}), node(arch="arm64"))) == ["job-too-large"]
        assert kinds(ask(pod(requests={"cpu": "4"}), node(arch="arm64", used={"cpu": "6"}))) == ["nodes-full"]

    def test_full_nodes_of_a_pool_at_its_maximum_are_that(self) -> None:
        scaling = Scaling(said="x", refused=("1 max node group size reached",))
        found = ask(pod(requests={"cpu": "4"}), node(arch="arm64", used={"cpu": "6"}), scaling=scaling)
        assert kinds(found) == ["pool-at-maximum"]

    def test_a_job_that_a_busy_node_could_hold_is_not_too_large_for_small_ones_beside_it(self) -> None:
        small = node("small", "arm64", allocatable={"cpu": "2", "pods": "10"})
        busy = node("busy", "arm64", used={"cpu": "6"})
        assert kinds(ask(pod(requests={"cpu": "4"}), small, busy)) == ["nodes-full"]

    def test_a_pod_that_daemon_sets_leave_no_room_for_is_not_told_to_wait(self) -> None:
        said = "0/1 nodes are available: 1 Insufficient cpu."
        busy = node(arch="arm64", used={"cpu": "8"}, daemons={"cpu": "5"})
        found = ask(pod(requests={"cpu": "4"}), busy, said=said)
        assert kinds(found) == ["job-too-large"]
        assert "beside its DaemonSets" in found[0].headline
        assert kinds(ask(pod(requests={"cpu": "3"}), busy, said=said)) == ["nodes-full"]

    def test_pods_may_be_what_is_missing(self) -> None:
        found = ask(pod(), node(arch="arm64", used={"pods": "110"}))
        assert kinds(found) == ["nodes-full"]
        assert "pods" in found[0].subject


class TestWords:
    VOLUME = "0/1 nodes are available: 1 node(s) had volume node affinity conflict. preemption: not helpful"

    def test_filters_that_are_not_recomputed_are_taken_from_the_message(self) -> None:
        assert kinds(ask(pod(), node(arch="arm64"), said=self.VOLUME)) == ["volume-elsewhere"]

    def test_an_unknown_reason_is_shown_as_it_is(self) -> None:
        found = ask(pod(), node(arch="arm64"), said="0/1 nodes are available: 1 node(s) are sulking.")
        assert kinds(found) == ["scheduler-says"]
        assert "node(s) are sulking" in found[0].evidence[0]

    def test_an_old_message_about_a_filter_that_passes_by_now_is_no_cause(self) -> None:
        said = "0/1 nodes are available: 1 node(s) were unschedulable."
        assert ask(pod(), node(arch="arm64"), said=said) == []

    def test_without_nodes_a_named_taint_of_a_node_in_trouble_is_no_choice_of_anybodys(self) -> None:
        text = "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/disk-pressure: }."
        question = Question(pod=pod(), nodes=None, message=parse(text), advice=Advice(facts()))
        assert kinds(placement_causes(question)) == ["nodes-under-pressure"]
