"""A report with everything in it that a rendering has to show, and strategies that make any report there can be."""

import datetime as dt
from typing import Any

from hypothesis import strategies as st

from multiarch.core.verdict import Verdict
from multiarch.drift.model import (
    Change,
    Check,
    CheckResult,
    ComparedStack,
    Comparison,
    Difference,
    Finding,
)

STARTED = dt.datetime(2026, 11, 25, 6, 0, tzinfo=dt.UTC)
URN = "urn:pulumi:gke::multiarch-runner::kubernetes"


def changed(path: str, wanted: str | None, found: str | None) -> Difference:
    change = Change.ADDED if wanted is None else Change.GONE if found is None else Change.CHANGED
    return Difference(path=path, change=change, wanted=wanted, found=found)


def namespace(check: Check) -> Finding:
    return Finding(
        check=check,
        resource=f"{URN}:core/v1:Namespace::runner",
        urn=f"{URN}:core/v1:Namespace::runner",
        title="Namespace runner",
        verdict=Verdict.NO,
        change=Change.CHANGED,
        differences=(changed('metadata.labels["pod-security.kubernetes.io/enforce"]', "restricted", "privileged"),),
        since=dt.datetime(2026, 11, 20, 4, 30, tzinfo=dt.UTC),
    )


def deployment() -> Finding:
    return Finding(
        check=Check.RELEASE,
        resource="apps/v1 Deployment gitlab-runner/gitlab-runner",
        title="Deployment gitlab-runner/gitlab-runner",
        urn=f"{URN}:helm.sh/v3:Release::gitlab-runner",
        verdict=Verdict.NO,
        change=Change.CHANGED,
        differences=(
            changed("spec.template.spec.containers[gitlab-runner].image", "runner:v19.1.1", "runner:latest"),
            changed("spec.template.spec.containers[gitlab-runner].env[DEBUG].value", None, "true"),
            changed("spec.template.spec.containers[gitlab-runner].env[TOKEN].value", "[secret]", "[secret]"),
            changed("spec.template.metadata.labels.team", "ci", None),
            changed("metadata.annotations.note", "", "x | y"),
        ),
        more=2,
    )


def clean(check: Check, number: int, *ignored: str) -> Finding:
    return Finding(check=check, resource=f"v1 Node node-{number}", verdict=Verdict.YES, ignored=ignored)


def gke() -> ComparedStack:
    return ComparedStack(
        stack="gke",
        cluster="context gke_acme_us-central1_ci",
        checks=(
            CheckResult(check=Check.STATE, findings=(namespace(Check.STATE),), seconds=2.1),
            CheckResult(check=Check.CODE, findings=(namespace(Check.CODE),), seconds=2.4),
            CheckResult(
                check=Check.RELEASE,
                findings=(
                    deployment(),
                    Finding(
                        check=Check.RELEASE,
                        resource="v1 Secret gitlab-runner/cache",
                        title="Secret gitlab-runner/cache",
                        verdict=Verdict.NO,
                        change=Change.GONE,
                        reason="it does not exist",
                    ),
                ),
            ),
            CheckResult(check=Check.NODES, findings=tuple(clean(Check.NODES, number) for number in range(5))),
            CheckResult(check=Check.IMAGES, skipped="the stack makes no image"),
        ),
        notes=("config.toml in the pod is older than the ConfigMap",),
        seconds=6.5,
        commands=("pulumi refresh --preview-only --expect-no-changes --json --stack gke",),
    )


def eks() -> ComparedStack:
    return ComparedStack(
        stack="eks",
        checks=(
            CheckResult(check=Check.STATE, failure="error: Unable to connect to the server"),
            CheckResult(
                check=Check.OBJECTS,
                findings=(
                    Finding(
                        check=Check.OBJECTS,
                        resource="v1 ConfigMap runner/settings",
                        verdict=Verdict.UNKNOWN,
                        reason="this login may not look (403)",
                    ),
                    clean(Check.OBJECTS, 1),
                ),
            ),
        ),
        seconds=30.0,
    )


def aks() -> ComparedStack:
    ignored = "count: the autoscaler decides how many nodes there are (aks-count)"
    return ComparedStack(
        stack="aks", checks=(CheckResult(check=Check.STATE, findings=(clean(Check.STATE, 1, ignored),)),), seconds=4.0
    )


def report(*stacks: ComparedStack) -> Comparison:
    return Comparison(
        stacks=stacks or (aks(), gke(), eks()),
        started=STARTED,
        seconds=41.5,
        notes=("drift-ignore.yaml, rule 2: expired on 2026-10-01",),
    )


def reports(text: st.SearchStrategy[str]) -> st.SearchStrategy[Comparison]:
    """Any report at all, with `text` in every place that holds words from outside."""
    few = st.lists(text, max_size=2).map(tuple)
    instant = st.datetimes(timezones=st.just(dt.UTC))
    seconds = st.integers(0, 10**6).map(lambda value: value / 1000)
    difference = st.builds(
        Difference, path=text, change=st.sampled_from(Change), wanted=st.none() | text, found=st.none() | text
    )

    def findings(check: Check) -> st.SearchStrategy[Finding]:
        return st.builds(
            Finding,
            check=st.just(check),
            resource=text,
            verdict=st.sampled_from(Verdict),
            title=text,
            urn=text,
            change=st.none() | st.sampled_from(Change),
            differences=st.lists(difference, max_size=3).map(tuple),
            more=st.integers(0, 3),
            uncertain=st.booleans(),
            reason=text,
            ignored=few,
            since=st.none() | instant,
        )

    def check_results(check: Check) -> st.SearchStrategy[CheckResult]:
        return st.builds(
            CheckResult,
            check=st.just(check),
            findings=st.lists(findings(check), max_size=3).map(tuple),
            failure=st.just("") | text,
            skipped=st.just("") | text,
            seconds=seconds,
        )

    results: Any = st.lists(st.sampled_from(Check).flatmap(check_results), max_size=3).map(tuple)
    stack = st.builds(ComparedStack, stack=text, cluster=text, checks=results, notes=few, seconds=seconds, commands=few)
    return st.builds(
        Comparison, stacks=st.lists(stack, max_size=3).map(tuple), started=instant, seconds=seconds, notes=few
    )
