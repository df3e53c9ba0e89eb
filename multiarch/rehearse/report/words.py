"""How a rehearsal speaks, and what of its detail every text shows."""

from collections.abc import Iterable, Mapping, Sequence

from multiarch.core.render.words import Block, Lines, Table, Words
from multiarch.core.verdict import Verdict
from multiarch.model.pools import PlannedNode, PlannedPool
from multiarch.rehearse.report import runs
from multiarch.rehearse.report.drawing import draw
from multiarch.rehearse.report.model import ChangeView, JobView, Outcome, RehearsalReport, StackReport


def _facts(report: RehearsalReport) -> Mapping[str, str]:
    return {"control plane": report.detail.control_plane, **report.detail.binaries}


def _traits(stack: StackReport) -> Mapping[str, str]:
    resources = {"resources": str(stack.detail.resources)} if stack.detail.resources else {}
    return {**resources, **({"chart": stack.detail.chart} if stack.detail.chart else {})}


def _blocks(stack: StackReport) -> Iterable[Block]:
    if stack.detail.pools:
        yield Lines(lines=tuple(f"pool {pool_line(pool, stack.detail.nodes)}" for pool in stack.detail.pools))
    if stack.detail.jobs:
        rows = tuple((job.name, job.asked, _went_to(job)) for job in stack.detail.jobs)
        yield Table(title="jobs", heads=("job", "asked for", "went to"), rows=rows, only_verbose=True)
    if stack.detail.changes is not None:
        changes = tuple(_change(change) for change in stack.detail.changes)
        nothing = (("", "the changed stack file changes nothing", "", ""),)
        title = "what the changed stack file changes"
        yield Table(title=title, heads=("would", "resource", "because of", "jobs lost"), rows=changes or nothing)
    yield from runs.blocks(stack.detail)


def pool_line(pool: PlannedPool, nodes: Sequence[PlannedNode]) -> str:
    """Say what a pool is, and how many nodes of it were there: `ci: 2 nodes (1..20) of arm64, t2a-standard-8`."""
    here = sum(node.pool == pool.name for node in nodes)
    spot = "spot " if pool.spot else ""
    count = f"{here} {spot}node{'' if here == 1 else 's'} ({pool.min_nodes}..{pool.max_nodes})"
    return ", ".join(filter(None, (f"{pool.name}: {count} of {pool.arch}", pool.machine_type, *pool.taints)))


def _went_to(job: JobView) -> str:
    """Name the node, or who refused; the reason itself is the evidence of its claim and need not be read twice."""
    wrong = ", not as it should be" if job.as_expected is False else ""
    if job.outcome is Outcome.SCHEDULED:
        helper = f", helper {job.helper_image.rsplit(':', 1)[-1]}" if job.helper_image else ""
        return f"{job.node or 'a node without a name'}{helper}{wrong}"
    word = "refused" if job.outcome is Outcome.REFUSED else "pending"
    return f"{word}{f' ({job.refused_by})' if job.refused_by else ''}{wrong}"


def _change(change: ChangeView) -> tuple[str, ...]:
    inputs = ", ".join(change.reasons or change.paths)
    keys = ", ".join(change.keys)
    because = f"{keys} ({inputs})" if keys and inputs else keys or inputs
    return (change.action, change.resource, because, change.jobs_lost)


GROUPS: Mapping[str, tuple[str, ...]] = {
    "the plan goes through": ("plan-accepted", "policy-kept"),
    "the engine does it": ("engine-*",),
    "the runner for BuildKit": ("buildkit-*",),
    "nodes join, the runner is installed": ("nodes-join", "runner-installed", "manager-*", "runner-knows-its-settings"),
    "jobs land where they should": ("*-job-on-*-node", "default-job", "merge-job", "extra-selector", "template-tags"),
    "helper images": ("helper-image-*",),
    "what is forbidden is refused": ("arm64-taint", "*-refused", "*-closed"),
    "containers really ran": ("run-*",),
    "rights: enough, and no more": ("runner-has-*", "jobs-have-no-rights", "largest-job-admitted"),
}
"""How a short report counts the claims."""

WORDS = Words(
    command="rehearse",
    title="Rehearsal",
    answers={Verdict.YES: "proved", Verdict.NO: "failed", Verdict.UNKNOWN: "could not tell"},
    counted={Verdict.YES: "proved", Verdict.NO: "failed", Verdict.UNKNOWN: "could not tell"},
    meanings={
        Verdict.YES: "every claim was proved",
        Verdict.NO: "a claim failed",
        Verdict.UNKNOWN: "something could not be checked, so the rehearsal is not called a success",
    },
    nothing="no claim was checked",
    check="claim",
    groups=GROUPS,
    repeats=True,
    report_type=RehearsalReport,
    facts=_facts,
    traits=_traits,
    blocks=_blocks,
    drawing=draw,
)
