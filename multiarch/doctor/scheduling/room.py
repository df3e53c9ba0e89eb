"""Whether a pod is too large for its nodes, or these are only full."""

from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal

from multiarch.doctor.advice import Advice, cause
from multiarch.doctor.facts import Node, Raw
from multiarch.doctor.model import Cause, Fix
from multiarch.doctor.scaling import Scaling
from multiarch.doctor.scheduling.filters import lacking, requests

_GIB = Decimal(1 << 30)
_BYTES = ("memory", "ephemeral-storage")


def explain(
    pod: Raw, nodes: Sequence[Node], evidence: Sequence[str], advice: Advice, scaling: Scaling | None = None
) -> Cause | None:
    """Return why a pod does not fit on any of the nodes that would take it; None where one has room."""
    said = scaling or Scaling()
    asked = requests(pod)
    missing = [list(lacking(asked, node)) for node in nodes]
    if not all(missing):
        return None
    arch = next(iter({node.arch for node in nodes}), "") if len({node.arch for node in nodes}) == 1 else ""
    kind_of = f"{arch} node" if arch else "node"
    never = [list(lacking(asked, node, empty=True)) for node in nodes]
    short = Counter(name for names in (never if all(never) else missing) for name in names)
    names = sorted(short)
    details = [_line(name, asked, nodes) for name in names]
    subject = f"{arch or 'all'}: {', '.join(names)}"
    if all(never):
        return cause(
            "job-too-large",
            subject,
            f"the jobs ask for more {_and(names)} than any {kind_of} has, even an empty one",
            [*details, *evidence],
            _smaller(names, asked, advice),
        )
    kind = _growth(said, arch, nodes, advice)
    grown = {
        "pool-at-maximum": "; their pool is at its maximum",
        "scale-up-fails": "; the autoscaler's last attempt to add one failed",
    }.get(kind, "")
    count = f"the only {kind_of} is" if len(nodes) == 1 else f"all {len(nodes)} {kind_of}s are"
    return cause(
        kind,
        arch if kind != "nodes-full" else subject,
        f"{count} full: no {_or(names)} left{grown}",
        [*details, *evidence],
        _more(arch, advice, said),
    )


def _growth(said: Scaling, arch: str, nodes: Sequence[Node], advice: Advice) -> str:
    """Return the kind of cause that full nodes are: why no more of them come, where that can be told.

    The autoscaler counts groups at their maximum and in backoff for every pod, also those that could never take it. So
    the number of nodes is held against the stack's pools; without these, only words about all groups decide.
    """
    if said.cluster_full:
        return "pool-at-maximum"
    if said.failed or (said.fitted and said.backing_off):
        return "scale-up-fails"
    pools = advice.pools(arch)
    if pools and (said.at_maximum or said.backing_off):
        full = all(sum(advice.pool_of(node) == pool.name for node in nodes) >= pool.max_nodes for pool in pools)
        return "pool-at-maximum" if full else "scale-up-fails" if said.backing_off else "nodes-full"
    if said.at_maximum != said.backing_off:
        return "pool-at-maximum" if said.at_maximum else "scale-up-fails"
    return "nodes-full"


def amount_text(name: str, value: Decimal) -> str:
    """Write an amount as people do: `2.5`, `3.9Gi`."""
    if name in _BYTES:
        return f"{value / _GIB:.1f}Gi"
    return f"{value.normalize():f}" if name != "cpu" else f"{float(value):g}"


def _line(name: str, asked: dict[str, Decimal], nodes: Sequence[Node]) -> str:
    whole = [node.allocatable.get(name, Decimal(0)) for node in nodes]
    free = [node.allocatable.get(name, Decimal(0)) - (node.used or {}).get(name, Decimal(0)) for node in nodes]
    wants = amount_text(name, asked[name])
    return (
        f"{name}: the pod asks for {wants}; the largest node has {amount_text(name, max(whole))}, "
        f"of which at most {amount_text(name, max(*free, Decimal(0)))} is free"
    )


def _smaller(names: Sequence[str], asked: dict[str, Decimal], advice: Advice) -> Iterator[Fix]:
    del asked
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


def _more(arch: str, advice: Advice, said: Scaling) -> Iterator[Fix]:
    del said
    for pool in advice.pools(arch):
        yield advice.pool_line("Let the pool grow further:", pool, f"maxNodes: {max(pool.max_nodes * 2, 2)}")
    if not advice.pools(arch):
        yield Fix(text="Add nodes of that kind, or let their pool grow further.")
    yield Fix(text="Or wait for running jobs to end; fewer at once: lower `concurrent`.")


def _and(names: Sequence[str]) -> str:
    return " and ".join(names)


def _or(names: Sequence[str]) -> str:
    return " or ".join(names)
