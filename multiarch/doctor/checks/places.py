"""Whether a job of each architecture would find a node: tried with the pod that the runner would make."""

from collections.abc import Iterator, Sequence

from components.clouds.machines import Arch
from multiarch.core.verdict import Verdict
from multiarch.doctor.advice import Advice, cause, has_labels
from multiarch.doctor.facts import ARCH_LABEL, Facts, Node, Raw, Runner
from multiarch.doctor.model import Asked, Cause, Check
from multiarch.doctor.probe import arches_of, probe
from multiarch.doctor.scheduling.filters import lacking, requests, selects, untolerated
from multiarch.doctor.scheduling.placement import placement_causes
from multiarch.doctor.scheduling.question import Question
from multiarch.model.executor import JobRefusal
from multiarch.model.nodes.model import parse_taint


def node_checks(facts: Facts) -> Iterator[Check]:
    """Ask of every architecture."""
    arches = arches_of(facts.pools, facts.runners)
    for arch in arches:
        asked = Asked("nodes", f"a job finds {arch} nodes that are Ready and open to it", arch)
        yield _arch(facts, arch, asked)
    if not arches:
        why = "neither a stack nor a runner's config says which architectures jobs may select"
        yield Asked("nodes", "jobs find nodes of each architecture").unknown(why)
    yield from _taints(facts)


def _arch(facts: Facts, arch: str, asked: Asked) -> Check:
    if not facts.nodes.known:
        return asked.unknown(facts.nodes.failure)
    mine = [node for node in facts.nodes.value if node.arch == arch]
    if not mine:
        return _none(facts, arch, asked)
    pods = [pod for runner in facts.runners if (pod := _pod(facts, runner, arch)) is not None]
    if not pods:
        ready = [node for node in mine if node.ready and not node.cordoned]
        if ready:
            return asked.unknown(f"{len(ready)} of {len(mine)} are Ready; what jobs tolerate and ask for is not known")
        pods = [_bare(arch)]
    causes = []
    for pod in pods:
        if not _served(pod, mine):
            causes += placement_causes(Question(pod=pod, nodes=facts.nodes.value, advice=Advice(facts)))[:1]
    blind = "what its DaemonSets take of a node is not known" if any(node.used is None for node in mine) else ""
    return asked.judged(causes, _describe(mine, pods), blind)


def _served(pod: Raw, nodes: Sequence[Node]) -> bool:
    """Tell whether some node takes the pod now, or once jobs have ended: full nodes are no fault."""
    wants = requests(pod)
    return any(
        selects(pod, node) and not untolerated(pod, node) and not list(lacking(wants, node, empty=True))
        for node in nodes
    )


def _pod(facts: Facts, runner: Runner, arch: str) -> Raw | None:
    """Return the pod of a job that asks for an architecture, as admission would leave it where that was told."""
    pod = facts.admitted(runner, arch)
    if pod is None:
        built = probe(runner, arch)
        if isinstance(built, JobRefusal):
            built = probe(runner)  # the selector's own check tells; labels and taints are tried all the same
        if isinstance(built, JobRefusal):
            return None
        pod = _as_admitted(facts, built.manifest, arch)
    # Whatever the regex says: would a pod that asks for this architecture be taken?
    selector = {**(pod["spec"].get("nodeSelector") or {}), ARCH_LABEL: arch}
    return {"metadata": pod["metadata"], "spec": {**pod["spec"], "nodeSelector": selector}}


def _bare(arch: str) -> Raw:
    return {"metadata": {"name": "plain"}, "spec": {"nodeSelector": {ARCH_LABEL: arch}, "containers": []}}


def _as_admitted(facts: Facts, pod: Raw, arch: str) -> Raw:
    """Add what some clouds add to a pod that selects an architecture, where the API server could not be asked."""
    if not facts.cloud.tolerates:
        return pod
    own = {"key": ARCH_LABEL, "operator": "Equal", "value": arch, "effect": "NoSchedule"}
    return {**pod, "spec": {**pod["spec"], "tolerations": [*(pod["spec"].get("tolerations") or []), own]}}


def _none(facts: Facts, arch: str, asked: Asked) -> Check:
    """Judge an architecture without a node: some pools are empty on purpose."""
    pools = [pool for pool in facts.pools if pool.arch == arch]
    look = facts.look
    if pools and all(pool.created and pool.min_nodes == 0 for pool in pools):
        names = ", ".join(pool.name for pool in pools)
        if facts.cloud.from_zero and arch == Arch.ARM64:
            return asked.unknown(f"pool {names} is empty; {facts.cloud.from_zero}: keep minNodes: 1")
        return asked.fine(f"none now: pool {names} may be empty, and grows when a job asks")
    if not pools and look is not None and look.autoscaler.verdict is not Verdict.NO and look.autoscaler_name:
        return asked.unknown(
            f"none now; {look.autoscaler_name} may add one when a job asks, which can't be seen from here"
        )
    question = Question(pod=_bare(arch), nodes=facts.nodes.value, advice=Advice(facts))
    return asked.judged(placement_causes(question))


def _describe(nodes: Sequence[Node], pods: Sequence[Raw]) -> str:
    open_ = [node for node in nodes if node.ready and not node.cordoned]
    parts = [f"{len(nodes)} node{'' if len(nodes) == 1 else 's'}, {len(open_)} Ready and open"]
    wants = requests(pods[0])
    if open_ and all(list(lacking(wants, node)) for node in open_):
        parts.append("all of them full right now: the next job waits")
    return "; ".join(parts)


def _taints(facts: Facts) -> Iterator[Check]:
    """Ask whether the nodes of each planned pool carry the taints that it promises."""
    for pool in facts.pools:
        promised = next((text for text in pool.taints if text.startswith(f"{ARCH_LABEL}=")), "")
        if not promised or not facts.nodes.known:
            continue
        asked = Asked("taint", f"the nodes of pool {pool.name} carry {promised}", pool.name)
        wanted = parse_taint(promised)
        mine = [node for node in facts.nodes.value if node.arch == pool.arch and has_labels(node, pool)]
        bare = [
            node.name
            for node in mine
            if not any((taint.key, taint.effect) == (wanted["key"], wanted["effect"]) for taint in node.taints)
        ]
        count = f"{len(mine)} node{'' if len(mine) == 1 else 's'}"
        yield asked.judged(_lost(facts, pool.name, promised, bare), count)


def _lost(facts: Facts, pool: str, taint: str, nodes: Sequence[str]) -> Iterator[Cause]:
    if nodes:
        yield cause(
            "taint-lost",
            pool,
            f"{len(nodes)} node{'' if len(nodes) == 1 else 's'} of pool {pool} lack {taint}",
            [f"without it: {', '.join(nodes[:5])}"],
            [Advice(facts).deploy("Other pods may take these nodes. Put the taint back:")],
        )
