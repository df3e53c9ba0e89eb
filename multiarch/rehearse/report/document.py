"""The report as a JSON document, for programs.

Its shape is `report.schema.json` beside this module. Within one `schemaVersion` keys are only added: a reader that
ignores what it does not know keeps working. A key that changes its meaning or goes away raises the version.
"""

import json
from importlib import resources
from typing import Any

from multiarch.core.verdict import EXIT_CODES, Verdict
from multiarch.model.pools import PlannedNode, PlannedPool
from multiarch.rehearse.report.model import (
    ChangeView,
    Claim,
    JobView,
    RehearsalReport,
    StackReport,
    overall,
    stack_verdict,
)

SCHEMA_VERSION = 2


def to_document(report: RehearsalReport) -> dict[str, Any]:
    """Return the report as plain JSON values, in the shape of `schema()`."""
    verdict = overall(report)
    return {
        "schemaVersion": SCHEMA_VERSION,
        "verdict": verdict.value,
        "exitCode": EXIT_CODES[verdict],
        "claims": count_verdicts(report),
        "seconds": _seconds(report.seconds),
        "timings": {step: _seconds(value) for step, value in report.timings.items()},
        "controlPlane": report.control_plane,
        "binaries": dict(report.binaries),
        "stacks": [_stack(stack) for stack in report.stacks],
    }


def render(report: RehearsalReport) -> str:
    """Return the document as text. Non-ASCII is escaped: a pipe's encoding is not ours to know."""
    return json.dumps(to_document(report), indent=2) + "\n"


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the document."""
    text = resources.files(__package__).joinpath("report.schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def count_verdicts(report: RehearsalReport) -> dict[str, int]:
    """Count the claims of each verdict over all stacks, under the document's keys."""
    verdicts = [claim.verdict for stack in report.stacks for claim in stack.claims]
    return {
        "proved": verdicts.count(Verdict.YES),
        "failed": verdicts.count(Verdict.NO),
        "couldNotTell": verdicts.count(Verdict.UNKNOWN),
    }


def _stack(stack: StackReport) -> dict[str, Any]:
    return {
        "stack": stack.stack,
        "cluster": stack.cluster,
        "verdict": stack_verdict(stack).value,
        "resources": stack.resources,
        "resourceCounts": dict(stack.resource_counts),
        "chart": stack.chart,
        "pools": [_pool(pool) for pool in stack.pools],
        "nodes": [_node(node) for node in stack.nodes],
        "jobs": [_job(job) for job in stack.jobs],
        "claims": [_claim(claim) for claim in stack.claims],
        "changes": None if stack.changes is None else [_change(change) for change in stack.changes],
        "notes": list(stack.notes),
        "timings": {step: _seconds(value) for step, value in stack.timings.items()},
    }


def _pool(pool: PlannedPool) -> dict[str, Any]:
    return {
        "name": pool.name,
        "cloud": pool.cloud,
        "arch": pool.arch,
        "machineType": pool.machine_type,
        "spot": pool.spot,
        "minNodes": pool.min_nodes,
        "maxNodes": pool.max_nodes,
        "labels": dict(pool.labels),
        "taints": list(pool.taints),
        "zones": list(pool.zones),
    }


def _node(node: PlannedNode) -> dict[str, Any]:
    return {
        "name": node.name,
        "pool": node.pool,
        "arch": node.arch,
        "labels": dict(node.labels),
        "taints": list(node.taints),
    }


def _job(job: JobView) -> dict[str, Any]:
    return {
        "name": job.name,
        "asked": job.asked,
        "outcome": job.outcome.value,
        "node": job.node,
        "pod": job.pod,
        "helperImage": job.helper_image,
        "refusedBy": job.refused_by,
        "reason": job.reason,
        "asExpected": job.as_expected,
    }


def _claim(claim: Claim) -> dict[str, Any]:
    return {
        "id": claim.id,
        "title": claim.title,
        "verdict": claim.verdict.value,
        "evidence": claim.evidence,
        "seconds": _seconds(claim.seconds),
    }


def _change(change: ChangeView) -> dict[str, Any]:
    return {
        "action": change.action,
        "resource": change.resource,
        "paths": list(change.paths),
        "reasons": list(change.reasons),
    }


def _seconds(value: float) -> float:
    """Milliseconds are enough; more digits are noise in a diff."""
    return round(value, 3)
