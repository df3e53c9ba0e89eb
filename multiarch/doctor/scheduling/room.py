"""Whether a pod is too large for its nodes, or these are only full."""

from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal

from multiarch.doctor.advice import Advice, cause
from multiarch.doctor.facts import Node
from multiarch.doctor.model import Cause, Fix
from multiarch.doctor.scheduling.filters import lacking, requests
from multiarch.doctor.scheduling.question import Question
from multiarch.model.pools import PlannedPool

_GIB = Decimal(1 << 30)
_BYTES = ("memory", "ephemeral-storage")


def room_cause(question: Question, nodes: Sequence[Node]) -> Cause | None:
    """Return why a pod does not fit on any of the nodes that would take it; None where one has room."""
    asked = requests(question.pod)
    missing = [list(lacking(asked, node)) for node in nodes]
    if not all(missing):
        return None
    never = [list(lacking(asked, node, empty=True)) for node in nodes]
    names = sorted({name for names in (never if all(never) else missing) for name in names})
    arches = {node.arch for node in nodes}
    arch = next(iter(arches)) if len(arches) == 1 else ""
    evidence = [*(_line(name, asked, nodes) for name in names), *question.evidence]
    return (_too_large if all(never) else _full)(question, nodes, arch, names, evidence)


def _too_large(
    question: Question, nodes: Sequence[Node], arch: str, names: Sequence[str], evidence: Sequence[str]
) -> Cause:
    kind_of = f"{arch} node" if arch else "node"
    taken = any(name in node.daemons for node in nodes for name in names if name != "pods")
    rest = "has left beside its DaemonSets" if taken else "has, even an empty one"
    headline = f"the jobs ask for more {' and '.join(names)} than any {kind_of} {rest}"
    subject = f"{arch or 'all'}: {', '.join(names)}"
    return cause("job-too-large", subject, headline, evidence, _smaller(names, question.advice))


def _full(question: Question, nodes: Sequence[Node], arch: str, names: Sequence[str], evidence: Sequence[str]) -> Cause:
    kind = _growth(question, arch)
    grown = {
        "pool-at-maximum": "; their pool is at its maximum",
        "scale-up-fails": "; the autoscaler's last attempt to add one failed",
    }.get(kind, "")
    kind_of = f"{arch} node" if arch else "node"
    count = f"the only {kind_of} is" if len(nodes) == 1 else f"all {len(nodes)} {kind_of}s are"
    headline = f"{count} full: no {' or '.join(names)} left{grown}"
    subject = arch if kind != "nodes-full" else f"{arch or 'all'}: {', '.join(names)}"
    return cause(kind, subject, headline, evidence, _more(arch, question.advice))


def _growth(question: Question, arch: str) -> str:
    """Return the kind of cause that full nodes are: why no more of them come, where that can be told.

    The autoscaler counts groups at their maximum and in backoff for every pod, also those that could never take it. So
    the number of nodes is held against the stack's pools; without these, only words about all groups decide.
    """
    said, advice = question.scaling, question.advice
    if said.cluster_full:
        return "pool-at-maximum"
    if said.failed or (said.fitted and said.backing_off):
        return "scale-up-fails"
    pools = _bounded(arch, advice)
    if pools and (said.at_maximum or said.backing_off):
        there = Counter(advice.pool_of(node) for node in question.nodes or ())
        full = all(there[pool.name] >= pool.max_nodes for pool in pools)
        return "pool-at-maximum" if full else "scale-up-fails" if said.backing_off else "nodes-full"
    if said.at_maximum != said.backing_off:
        return "pool-at-maximum" if said.at_maximum else "scale-up-fails"
    return "nodes-full"


def _bounded(arch: str, advice: Advice) -> list[PlannedPool]:
    """Return the pools whose bounds the stack sets; those of an existing cluster are not its own."""
    return [pool for pool in advice.pools(arch) if pool.created]


def amount_text(name: str, value: Decimal) -> str:
    """Write an amount as people do: `2.5`, `3.9Gi`."""
    if name in _BYTES:
        return f"{value / _GIB:.1f}Gi"
    return f"{value.normalize():f}" if name != "cpu" else f"{float(value):g}"


def _line(name: str, asked: dict[str, Decimal], nodes: Sequence[Node]) -> str:
    zero = Decimal(0)
    largest = max(nodes, key=lambda node: node.allocatable.get(name, zero))
    free = max(node.allocatable.get(name, zero) - (node.used or node.daemons).get(name, zero) for node in nodes)
    own = largest.daemons.get(name, zero)
    daemons = f", {amount_text(name, own)} of it for its DaemonSets" if own else ""
    wants, has, left = (
        amount_text(name, value) for value in (asked[name], largest.allocatable.get(name, zero), max(free, zero))
    )
    return f"{name}: the pod asks for {wants}; the largest node has {has}{daemons}; at most {left} of a node is free"


def _smaller(names: Sequence[str], advice: Advice) -> Iterator[Fix]:
    keys = {"cpu": "cpuRequest", "memory": "memoryRequest", "ephemeral-storage": "ephemeralStorageRequest"}
    toml = {"cpu": "cpu_request", "memory": "memory_request", "ephemeral-storage": "ephemeral_storage_request"}
    known = [name for name in names if name in keys]
    if known:
        yield advice.in_config(
            "Ask for less:",
            toml[known[0]],
            ("resources:", "  build:", *(f"    {keys[name]}: SMALLER" for name in known)),
            "\n".join(f'{toml[name]} = "SMALLER"' for name in known),
        )
    yield Fix(text="Or use larger machines in that pool; or lower KUBERNETES_…_REQUEST in the job.")


def _more(arch: str, advice: Advice) -> Iterator[Fix]:
    pools = _bounded(arch, advice)
    for pool in pools:
        yield advice.pool_line("Let the pool grow further:", pool, f"maxNodes: {max(pool.max_nodes * 2, 2)}")
    if not pools:
        yield Fix(text="Add nodes of that kind, or let their pool grow further.")
    yield Fix(text="Or wait for running jobs to end; fewer at once: lower `concurrent`.")
