"""What a pod has overcome is no trouble any more; what it has not, stays, however often something else went well."""

import datetime as dt
from dataclasses import replace

import pytest

from multiarch.doctor.facts import Event
from multiarch.doctor.gone import explain_gone
from multiarch.doctor.history import TROUBLES, lasting, names, placed
from multiarch.doctor.jobs import explain_jobs
from tests.unit.doctor.made import NOW, event, facts, kinds, pod

POD = "runner-abc-project-1-concurrent-0-xyz"
REFUSED = "0/2 nodes are available: 2 Insufficient cpu."
FULL = 'Failed to pull image "app:1": 429 Too Many Requests'
HAD = 'Successfully pulled image "app:1" in 1.2s (1.2s including waiting). Image size: 3 bytes.'


def said(reason: str, message: str = "", *, at: float = 0.0, source: str = "kubelet") -> Event:
    one = event(reason, message, POD, source=source)
    return replace(one, last=NOW - dt.timedelta(minutes=10) + dt.timedelta(seconds=at))


def refused(at: float = 0.0) -> Event:
    return said("FailedScheduling", REFUSED, at=at, source="default-scheduler")


def scheduled(at: float = 0.0) -> Event:
    return said("Scheduled", "Successfully assigned jobs/x to n", at=at, source="default-scheduler")


def left(*events: Event) -> list[str]:
    return [one.reason for one in lasting(events) if one.reason in TROUBLES]


class TestPlacing:
    def test_a_pod_that_was_placed_was_placed_in_whatever_order_the_events_came(self) -> None:
        assert left(refused(0), scheduled(5)) == []
        assert left(refused(5), scheduled(0)) == []

    @pytest.mark.parametrize("reason", ["NotTriggerScaleUp", "TriggeredScaleUp", "FailedScaleUp"])
    def test_what_the_autoscaler_said_ends_with_it(self, reason: str) -> None:
        one = said(reason, source="cluster-autoscaler")
        assert left(one) == [reason]
        assert left(one, scheduled()) == []

    def test_any_word_of_a_kubelet_shows_that_there_is_a_node(self) -> None:
        assert placed([said("FailedMount")])
        assert not placed([refused(), said("NotTriggerScaleUp", source="cluster-autoscaler")])

    def test_the_warning_of_somebody_else_is_no_node(self) -> None:
        assert left(refused(0), said("PolicyViolation", source="policy-controller", at=5)) == ["FailedScheduling"]


class TestStarting:
    @pytest.mark.parametrize("reason", ["FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox"])
    def test_an_image_that_came_later_shows_volumes_and_sandbox_done(self, reason: str) -> None:
        assert left(said(reason, at=0), said("Pulled", HAD, at=5)) == []
        assert left(said(reason, at=0)) == [reason]

    def test_a_volume_that_fails_again_later_stands(self) -> None:
        assert left(said("Pulled", HAD, at=0), said("FailedMount", at=5)) == ["FailedMount"]

    def test_a_pull_that_failed_shows_the_sandbox_made(self) -> None:
        assert left(said("FailedCreatePodSandBox", at=0), said("Failed", FULL, at=5)) == ["Failed"]

    def test_a_node_alone_is_no_volume(self) -> None:
        assert left(said("FailedMount", at=0), scheduled(5)) == ["FailedMount"]


class TestImages:
    def test_an_image_that_was_pulled_in_the_end_is_no_trouble(self) -> None:
        assert left(said("Failed", FULL, at=0), said("Pulled", HAD, at=5)) == []

    def test_another_image_pulled_says_nothing_of_this_one(self) -> None:
        other = HAD.replace("app:1", "helper:1")
        assert left(said("Failed", FULL, at=0), said("Pulled", other, at=5)) == ["Failed"]

    def test_a_pull_that_fails_after_an_earlier_one_stands(self) -> None:
        assert left(said("Pulled", HAD, at=0), said("Failed", FULL, at=5)) == ["Failed"]

    def test_images_are_told_apart_by_their_whole_names(self) -> None:
        assert names('Pulled image "app:latest"', "app")
        assert names('image "app" already present', "app")
        assert not names('image "app2" already present', "app")
        assert not names('image "team/app" already present', "app")


class TestPodsThatAreGone:
    def test_a_job_that_waited_for_its_node_and_ran_is_no_cause(self) -> None:
        ran = (refused(0), scheduled(60), said("Pulled", HAD, at=70))
        assert kinds(explain_gone(facts(events=ran))) == []
        assert kinds(explain_gone(facts(events=ran[:1]))) == ["nodes-full"]

    def test_one_that_got_its_node_and_nothing_more_was_given_up(self) -> None:
        found = explain_gone(facts(events=(refused(0), scheduled(60))))
        assert kinds(found) == ["gave-up-waiting"]
        assert "Insufficient cpu" in found[0].evidence[0]

    def test_one_that_was_placed_at_once_and_left_nothing_else_is_no_cause(self) -> None:
        assert kinds(explain_gone(facts(events=(scheduled(),)))) == []

    def test_the_trouble_that_it_had_after_it_was_placed_is_the_cause(self) -> None:
        stopped = (refused(0), scheduled(60), said("Failed", FULL, at=70))
        assert kinds(explain_gone(facts(events=stopped))) == ["image-rate-limited"]

    def test_what_is_older_than_an_hour_is_history_wherever_events_are_kept_longer(self) -> None:
        old = replace(refused(), last=NOW - dt.timedelta(minutes=61))
        assert kinds(explain_gone(facts(events=(old,)))) == []
        assert kinds(explain_gone(facts(events=(replace(old, last=None),)))) == ["nodes-full"]


class TestPodsThatAreThere:
    def test_a_slow_pull_is_not_told_as_the_volume_that_came_late(self) -> None:
        slow = pod(POD, nodeName="b", status={"phase": "Pending"})
        late = said("FailedMount", 'MountVolume.SetUp failed for volume "kube-api-access": timed out', at=0)
        helper = said("Pulled", HAD.replace("app:1", "helper:1"), at=5)
        assert kinds(explain_jobs(facts(pods=(slow,), events=(late,))).causes) == ["volume-mount-fails"]
        assert kinds(explain_jobs(facts(pods=(slow,), events=(late, helper))).causes) == []
