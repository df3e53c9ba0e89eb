"""Pods of jobs: which are explained, how twins merge, what comes first."""

import dataclasses
import datetime as dt
from typing import ClassVar

import pytest

from multiarch.doctor.advice import cause
from multiarch.doctor.catalogue import CATALOGUE
from multiarch.doctor.facts import Facts
from multiarch.doctor.jobs import EVIDENCE, explain_jobs, merged, stuck
from tests.unit.doctor.made import NOW, event, facts, kinds, node, pod, unschedulable, waiting

NO_ARM = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."


def only_amd64(**given: object) -> Facts:
    return facts(nodes=(node(),), **given)


class TestTwins:
    def test_twenty_pods_of_one_cause_are_one_entry(self) -> None:
        pods = [pod(f"runner-a-project-1-concurrent-{number}", status=unschedulable(NO_ARM)) for number in range(20)]
        causes = explain_jobs(only_amd64(pods=pods)).causes
        assert kinds(causes) == ["no-node-of-arch"]
        assert len(causes[0].pods) == 20
        assert len(causes[0].evidence) == 2

    def test_pods_that_differ_in_what_places_them_are_judged_apart(self) -> None:
        one, other = pod("runner-a-project-1-concurrent-0"), pod("runner-a-project-1-concurrent-1", arch="s390x")
        for each in (one, other):
            each["status"] = unschedulable(NO_ARM)
        found = explain_jobs(only_amd64(pods=[one, other])).causes
        assert kinds(found) == ["no-node-of-arch", "selector-matches-no-node"]

    def test_evidence_is_bounded_however_many_twins_differ(self) -> None:
        twins = [cause("nodes-full", "x", "h", [f"seen {number}"]) for number in range(500)]
        assert len(merged(twins)[0].evidence) == EVIDENCE

    def test_the_order_does_not_depend_on_how_causes_were_found(self) -> None:
        found = [cause(kind.id, "x", "h") for kind in CATALOGUE]
        assert merged(found) == merged(reversed(found))

    def test_what_stops_every_job_comes_first_and_what_may_happen_some_day_last(self) -> None:
        found = merged(
            [cause("taint-lost", "p", "h"), cause("nodes-full", "x", "h"), cause("manager-secret", "s", "h")]
        )
        assert kinds(found) == ["manager-secret", "nodes-full", "taint-lost"]
        held = dataclasses.replace(cause("image-not-found", "x", "h"), pods=("jobs/a",))
        assert kinds(merged([held, cause("dns-blocked", "jobs", "h")])) == ["dns-blocked", "image-not-found"]

    def test_what_holds_up_pods_now_comes_before_what_a_check_foresees(self) -> None:
        foreseen = cause("no-node-of-arch", "arm64", "h")
        real = dataclasses.replace(cause("image-not-found", "app:1", "h"), pods=("jobs/a",))
        assert kinds(merged([foreseen, real])) == ["image-not-found", "no-node-of-arch"]

    def test_an_autoscalers_closer_word_takes_the_general_ones_place(self) -> None:
        found = [cause("no-node-of-arch", "arm64", "h"), cause("pool-at-maximum", "arm64", "h")]
        assert kinds(merged(found)) == ["pool-at-maximum"]
        other = [cause("no-node-of-arch", "arm64", "h"), cause("pool-at-maximum", "amd64", "h")]
        assert len(merged(other)) == 2


class TestPatience:
    def test_a_node_on_its_way_is_no_cause_until_it_is_late(self) -> None:
        young = pod(status=unschedulable(NO_ARM), created="2026-11-25T11:58:00+00:00")
        said = event("TriggeredScaleUp", "pod triggered scale-up: [{g 0->1 (max: 5)}]", young)
        explained = explain_jobs(only_amd64(pods=[young], events=[said]))
        assert explained.causes == ()
        assert "on its way" in explained.waiting[0]
        old = pod(status=unschedulable(NO_ARM), created="2026-11-25T11:30:00+00:00")
        assert kinds(explain_jobs(only_amd64(pods=[old], events=[said])).causes) == ["no-node-of-arch"]

    def test_an_event_of_an_earlier_pod_of_that_name_says_nothing(self) -> None:
        one = pod(status=unschedulable(NO_ARM))
        old = event(
            "NotTriggerScaleUp", "pod didn't trigger scale-up: 1 max node group size reached", one, uid="another"
        )
        assert kinds(explain_jobs(only_amd64(pods=[one], events=[old])).causes) == ["no-node-of-arch"]

    def test_a_silent_pod_is_young_first_and_forgotten_later(self) -> None:
        young = pod(created="2026-11-25T11:59:30+00:00")
        assert explain_jobs(facts(pods=[young])).causes == ()
        assert kinds(explain_jobs(facts(pods=[pod(schedulerName="volcano")])).causes) == ["scheduler-silent"]

    def test_a_scheduler_that_has_judged_others_is_busy_and_not_silent(self) -> None:
        judged = pod("runner-a-project-1-concurrent-0", status=unschedulable(NO_ARM))
        waits = pod("runner-a-project-1-concurrent-1")
        explained = explain_jobs(only_amd64(pods=[judged, waits]))
        assert kinds(explained.causes) == ["no-node-of-arch"]
        assert len(explained.causes[0].pods) == 1
        assert "has tried others" in explained.waiting[0]
        for_ages = pod("runner-a-project-1-concurrent-1", created="2026-11-25T11:30:00+00:00")
        assert explain_jobs(only_amd64(pods=[judged, for_ages])).doubts

    def test_a_pod_that_would_fit_by_now_is_a_doubt_and_not_good_health(self) -> None:
        old = pod(status=unschedulable("0/1 nodes are available: 1 node(s) were unschedulable."))
        explained = explain_jobs(facts(pods=[old]))
        assert explained.causes == ()
        assert "node(s) were unschedulable" in explained.doubts[0]

    def test_an_old_failure_is_history(self) -> None:
        evicted = {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory. "}
        assert explain_jobs(facts(pods=[pod(status=evicted, created="2026-11-25T09:00:00+00:00")])).causes == ()
        assert kinds(explain_jobs(facts(pods=[pod(status=evicted)])).causes) == ["pod-evicted"]

    LONG_AGO = "2026-11-25T10:44:00+00:00"
    EVICTED: ClassVar = {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory. "}

    @pytest.mark.parametrize(
        "ended",
        [
            {
                "containerStatuses": [
                    {"name": "b", "state": {"terminated": {"finishedAt": "2026-11-25T11:59:00+00:00"}}}
                ]
            },
            {"conditions": [{"type": "DisruptionTarget", "lastTransitionTime": "2026-11-25T11:59:00+00:00"}]},
            {},
        ],
        ids=["a container's end", "a condition", "an event"],
    )
    def test_a_job_that_ran_for_75_minutes_and_was_evicted_a_minute_ago_is_told(self, ended: dict[str, object]) -> None:
        one = pod(status={**self.EVICTED, **ended}, created=self.LONG_AGO, nodeName="b")
        events = [] if ended else [event("Evicted", "The node was low on resource: memory.", one)]
        assert kinds(explain_jobs(facts(pods=[one], events=events)).causes) == ["pod-evicted"]

    def test_one_that_was_evicted_more_than_an_hour_ago_is_history(self) -> None:
        turned = [{"type": "DisruptionTarget", "lastTransitionTime": "2026-11-25T10:59:00+00:00"}]
        one = pod(status={**self.EVICTED, "conditions": turned}, created="2026-11-25T08:00:00+00:00")
        assert explain_jobs(facts(pods=[one])).causes == ()

    @pytest.mark.parametrize("newest_first", [True, False])
    def test_the_newest_word_of_the_scheduler_counts_however_they_are_listed(self, newest_first: bool) -> None:  # noqa: FBT001 - a table
        one = pod()
        old = event("FailedScheduling", "0/1 nodes are available: 1 node(s) are sulking.", one)
        old = dataclasses.replace(old, last=NOW - dt.timedelta(minutes=9))
        new = event("FailedScheduling", "0/1 nodes are available: 1 node(s) had volume node affinity conflict.", one)
        events = [new, old] if newest_first else [old, new]
        assert kinds(explain_jobs(facts(pods=[one], events=events)).causes) == ["volume-elsewhere"]


class TestTerminating:
    def deleted(self, **given: object) -> dict[str, object]:
        return pod(metadata={"deletionTimestamp": "2026-11-25T11:50:00+00:00", **given}, nodeName="gone")

    def test_a_finalizer_holds_it(self) -> None:
        found = explain_jobs(facts(pods=[self.deleted(finalizers=["a.example/b"])])).causes
        assert kinds(found) == ["stuck-terminating"]
        assert found[0].subject == "a.example/b"

    def test_a_node_that_is_gone_holds_it(self) -> None:
        found = explain_jobs(facts(pods=[self.deleted()])).causes
        assert "is gone" in found[0].headline

    def test_a_pending_pod_that_is_just_being_deleted_is_explained_as_pending(self) -> None:
        fresh = pod(metadata={"deletionTimestamp": "2026-11-25T12:00:00+00:00"}, status=unschedulable(NO_ARM))
        assert kinds(explain_jobs(only_amd64(pods=[fresh])).causes) == ["no-node-of-arch"]

    def test_the_grace_period_is_no_trouble(self) -> None:
        fresh = pod(metadata={"deletionTimestamp": "2026-11-25T12:00:00+00:00"}, status={"phase": "Running"})
        assert not stuck(fresh, NOW)
        assert stuck(fresh, NOW + dt.timedelta(minutes=5))


class TestStarting:
    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (waiting("ImagePullBackOff", "no match for platform in manifest: not found"), "image-lacks-arch"),
            (waiting("ErrImageNeverPull", "x"), "image-never-pulled"),
            (waiting("InvalidImageName", "x"), "image-name-invalid"),
            (waiting("CreateContainerConfigError", 'secret "ca" not found'), "container-config"),
            (waiting("CreateContainerError", "x"), "container-start-fails"),
            (
                {"phase": "Failed", "reason": "OutOfcpu", "message": "Node didn't have enough resource: cpu"},
                "kubelet-refuses",
            ),
            ({"phase": "Failed", "reason": "Terminated", "message": "Pod was terminated"}, "node-taken-away"),
        ],
    )
    def test_states_name_their_cause(self, status: dict[str, object], kind: str) -> None:
        assert kinds(explain_jobs(facts(pods=[pod(status=status, nodeName="b")])).causes) == [kind]

    def test_a_log_that_says_exec_format_error_tells_of_the_image(self) -> None:
        ended = {"exitCode": 1, "reason": "Error"}
        state = {"name": "build", "image": "app:1", "state": {"terminated": ended}}
        one = pod(status={"phase": "Failed", "containerStatuses": [state]}, nodeName="b")
        assert explain_jobs(facts(pods=[one])).causes == ()
        logs = {"build app:1 arm64": "exec format error"}
        assert kinds(explain_jobs(facts(pods=[one], logs=logs)).causes) == ["image-lacks-arch"]

    def test_a_job_that_merely_failed_is_no_cause(self) -> None:
        state = {"name": "build", "image": "app:1", "state": {"terminated": {"exitCode": 1, "reason": "Error"}}}
        assert (
            explain_jobs(
                facts(pods=[pod(status={"phase": "Failed", "containerStatuses": [state]}, nodeName="b")])
            ).causes
            == ()
        )

    def test_a_named_arch_of_a_build_image_is_no_proof(self) -> None:
        ended = {"name": "build", "image": "app:amd64", "state": {"terminated": {"exitCode": 1}}}
        containers = [{"name": "build", "image": "app:amd64"}]
        one = pod(status={"phase": "Failed", "containerStatuses": [ended]}, nodeName="b", containers=containers)
        assert explain_jobs(facts(pods=[one])).causes == ()

    def test_a_helper_of_another_architecture_that_has_not_run_yet_is_not_blamed(self) -> None:
        image = "h.io/helper:x86_64-v19.1.1"
        status = waiting("PodInitializing", "", "helper", image)
        one = pod(status=status, nodeName="b", containers=[{"name": "helper", "image": image}])
        assert explain_jobs(facts(pods=[one])).causes == ()
        ended = {"name": "helper", "image": image, "state": {"terminated": {"exitCode": 1}}}
        one["status"] = {"phase": "Failed", "containerStatuses": [ended]}
        assert kinds(explain_jobs(facts(pods=[one])).causes) == ["helper-image-wrong-arch"]

    def test_a_pod_on_a_node_that_died_before_it_started_says_so(self) -> None:
        dead = node("b", "arm64", ready=False, trouble="Kubelet stopped posting node status.")
        found = explain_jobs(facts(nodes=(node("a"), dead), pods=[pod(nodeName="b")])).causes
        assert kinds(found) == ["nodes-not-ready"]

    def test_pods_of_others_are_not_explained(self) -> None:
        stranger = pod("web-1", metadata={"labels": {"app": "web"}}, status=unschedulable(NO_ARM))
        assert explain_jobs(only_amd64(pods=[stranger])).causes == ()
