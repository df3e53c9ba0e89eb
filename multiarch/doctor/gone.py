"""Pods that the runner has given up and deleted: their events live on for an hour, and tell why they never started."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from multiarch.doctor.advice import Advice, cause
from multiarch.doctor.checks.config import DEFAULT_POLL_SECONDS
from multiarch.doctor.facts import JOB_NAME, Event, Facts, by_time, quoted
from multiarch.doctor.history import lasting, placed, pulled
from multiarch.doctor.jobs import HISTORY_SECONDS, merged
from multiarch.doctor.model import Cause, Fix
from multiarch.doctor.probe import arches_of
from multiarch.doctor.pulls import named_arch, pull_failure
from multiarch.doctor.scaling import of as scaling_of
from multiarch.doctor.scheduling.message import Message, Why, parse
from multiarch.doctor.scheduling.placement import no_node
from multiarch.doctor.scheduling.wording import by_words

_PULL = re.compile(r'^Failed to pull image "(?P<image>[^"]*)": (?P<why>.*)', re.DOTALL)
_LATE = "the runner gave up before a new node was ready"


def explain_gone(facts: Facts) -> tuple[Cause, ...]:
    """Explain each job's pod that has events and is not there any more, as far as words go.

    Most pods that are gone are of jobs that ran well. What they met on the way is no cause.
    """
    pods: dict[str, list[Event]] = {}
    for event in facts.events.value:
        key = f"{event.namespace}/{event.name}"
        fresh = event.last is None or (facts.now - event.last).total_seconds() <= HISTORY_SECONDS
        if event.kind == "Pod" and JOB_NAME.match(event.name) and key not in facts.present and fresh:
            pods.setdefault(key, []).append(event)
    found = [
        replace(one, gone=(key,), evidence=(*one.evidence, _gave_up(facts)))
        for key, events in pods.items()
        for one in _causes_of_pod(facts, events)
    ]
    return merged(found)


def _causes_of_pod(facts: Facts, events: Sequence[Event]) -> Iterator[Cause]:
    newest = lasting(events)
    for event in reversed(newest):
        if event.reason == "Failed" and (match := _PULL.match(event.message)):
            yield _pull(match["image"], match["why"])
            return
        if event.reason == "FailedScheduling" and not event.message.startswith("Failed to schedule pod, "):
            yield _unplaced(facts, parse(event.message), newest)
            return
        if event.reason in {"FailedMount", "FailedAttachVolume"}:
            what = quoted(event.message, 120)
            yield cause("volume-mount-fails", what, f"a volume could not be mounted: {what}", [quoted(event.message)])
            return
        if event.reason == "FailedCreatePodSandBox":
            yield cause("sandbox-fails", "a node", "a node could not set up the pods' network", [quoted(event.message)])
            return
    waited = [event for event in by_time(events) if event.reason == "FailedScheduling"]
    if waited and placed(events) and not pulled(events):
        # It got its node, and was gone before that node had begun with its images.
        said = [f"scheduler, before it found a node: {quoted(waited[-1].message)}"]
        yield _slow(facts, "the runner gave up when the pods had only just got their node", said)


def _unplaced(facts: Facts, message: Message, events: Sequence[Event]) -> Cause:
    said = scaling_of(events)
    evidence = [f"scheduler: {quoted(message.text)}", *([f"autoscaler: {said.said}"] if said.said else [])]
    if said.ordered:
        return _slow(facts, _LATE, evidence)
    if message.whys == {Why.SELECTOR} and facts.nodes.known:
        # Every node failed the selector. If exactly one architecture has no node, that is what they asked for.
        there = {node.arch for node in facts.nodes.value}
        without = [arch for arch in arches_of(facts.pools, facts.runners) if arch not in there]
        if len(without) == 1:
            kind, headline = no_node(said, without[0], Advice(facts).pools(without[0]))
            return cause(kind, without[0], headline, evidence)
    elif said.cluster_full or (said.at_maximum and not said.backing_off):
        return cause("pool-at-maximum", "gone", "the pools that could make a node were at maximum", evidence)
    return next(by_words(message, evidence), _slow(facts, _LATE, evidence))


def _slow(facts: Facts, headline: str, evidence: Sequence[str]) -> Cause:
    advice = Advice(facts)
    fix = advice.in_config("Wait longer:", "poll_timeout", ("pollTimeout: 900",), "poll_timeout = 900")
    return cause("gave-up-waiting", "all", headline, evidence, [fix])


def _pull(image: str, why: str) -> Cause:
    kind = pull_failure(why, image)
    if kind == "image-lacks-arch" and named_arch(image) and "helper" in image:
        kind = "helper-image-wrong-arch"
    fixes = [Fix(text="See which architectures it has:", lines=(f"python -m archmerge inspect {image}",))]
    return cause(kind, image, f"image {image} could not be pulled", [quoted(why)], fixes if "arch" in kind else [])


def _gave_up(facts: Facts) -> str:
    times = sorted(
        {
            (runner.installed.config.kubernetes.maybe_number("poll_timeout") or DEFAULT_POLL_SECONDS)
            for runner in facts.runners
            if runner.installed is not None
        }
    )
    wait = f"poll_timeout: {', '.join(map(str, times))} s" if times else "poll_timeout"
    return f"the pods are gone: the runner deleted them, at the latest after {wait}"
