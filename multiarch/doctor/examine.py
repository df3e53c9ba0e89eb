"""From what was gathered to an examination. Pure."""

from collections.abc import Iterator

from multiarch.doctor.checks.admission import admission_checks
from multiarch.doctor.checks.config import config_checks
from multiarch.doctor.checks.manager import manager_checks
from multiarch.doctor.checks.network import network_checks
from multiarch.doctor.checks.places import node_checks
from multiarch.doctor.checks.rights import rights_checks
from multiarch.doctor.facts import Facts
from multiarch.doctor.gone import explain_gone
from multiarch.doctor.jobs import Explained, explain_jobs, merged
from multiarch.doctor.model import Asked, Check, Examination


def examine(facts: Facts, cluster: str, *, seconds: float = 0.0, requests: int = 0) -> Examination:
    """Answer every question of the check-list."""
    explained = explain_jobs(facts)
    checks = (*_checks(facts), *_pod_checks(facts, explained))
    return Examination(
        cluster=cluster,
        version=facts.version,
        stack=facts.stack,
        checks=checks,
        causes=merged(found for check in checks for found in check.causes),
        notes=explained.waiting,
        runners=tuple(runner.title for runner in facts.runners),
        seconds=seconds,
        requests=requests,
    )


def unreachable(cluster: str, stack: str, reason: str) -> Examination:
    """Return that there was nobody to ask: no good health, and no cause either."""
    check = Asked("api", "the API server answers").unknown(reason)
    return Examination(cluster=cluster, stack=stack, checks=(check,))


def _checks(facts: Facts) -> Iterator[Check]:
    yield Asked("api", "the API server answers").fine(f"Kubernetes {facts.version}")
    yield from manager_checks(facts)
    yield from config_checks(facts)
    yield from rights_checks(facts)
    yield from admission_checks(facts)
    yield from network_checks(facts)
    yield from node_checks(facts)


def _pod_checks(facts: Facts, explained: Explained) -> Iterator[Check]:
    asked = Asked("job-pods", "no job's pod hangs or fails to start")
    doubts = "; ".join(filter(None, (facts.pods.failure, *explained.doubts)))
    count = len(facts.present)
    running = f"{count} pod{'' if count == 1 else 's'} of jobs there"
    yield asked.judged(explained.causes, running, doubts)
    gone = Asked("gone-pods", "no job's pod was given up within the last hour")
    yield gone.judged(explain_gone(facts), "no event names one", facts.events.failure)
