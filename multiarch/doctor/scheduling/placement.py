"""Names the reason why a pod finds no node, by recomputing the filters; the scheduler's own words are evidence."""

import difflib
from collections import Counter
from collections.abc import Iterator, Sequence

from components.clouds.machines import Arch
from multiarch.doctor.advice import cause
from multiarch.doctor.facts import ARCH_LABEL, Node, Raw, Taint
from multiarch.doctor.model import Cause, Fix
from multiarch.doctor.probe import KNOWN_ARCHES
from multiarch.doctor.scaling import Scaling
from multiarch.doctor.scheduling import lifecycle, room
from multiarch.doctor.scheduling.filters import selects, terms, untolerated
from multiarch.doctor.scheduling.message import Why
from multiarch.doctor.scheduling.question import Question
from multiarch.doctor.scheduling.wording import by_words
from multiarch.model.pools import PlannedPool


def placement_causes(question: Question) -> list[Cause]:
    """Return the causes, the likeliest first. An empty list means that by what is known here the pod would fit."""
    if question.nodes is None:
        return list(_unseen(question))
    wanted = [node for node in question.nodes if selects(question.pod, node)]
    if not wanted:
        return [_nothing_selected(question, question.nodes)]
    open_ = [node for node in wanted if not untolerated(question.pod, node)]
    if not open_:
        return list(_kept_off(question, wanted))
    full = room.room_cause(question, open_)
    if full is not None:
        return [full]
    # Labels, taints and room would do: what is left is for the scheduler's own words to say.
    others = [found for found in by_words(question.message, question.evidence) if found.kind not in _RECOMPUTED]
    return others[:1]


_RECOMPUTED = frozenset({"no-node-of-arch", "selector-matches-no-node", "taint-not-tolerated", "nodes-cordoned"})


def arch_of(pod: Raw) -> str:
    """Return the architecture that a pod asks for, by its selector or by the only value of its affinity; or `""`."""
    asked = (pod["spec"].get("nodeSelector") or {}).get(ARCH_LABEL)
    if asked:
        return str(asked)
    values = {
        tuple(entry.get("values") or ())
        for term in terms(pod)
        for entry in term.get("matchExpressions") or []
        if entry.get("key") == ARCH_LABEL and entry.get("operator") == "In"
    }
    only = next(iter(values)) if len(values) == 1 else ()
    return str(only[0]) if len(only) == 1 else ""


def selection_words(pod: Raw) -> str:
    """Say what a pod selects: `kubernetes.io/arch=arm64, team=a`."""
    selector = pod["spec"].get("nodeSelector") or {}
    words = [f"{key}={value}" for key, value in sorted(selector.items())]
    words += [
        f"{entry['key']} {entry['operator']} {','.join(entry.get('values') or [])}".strip()
        for term in terms(pod)
        for entry in term.get("matchExpressions") or []
    ]
    return ", ".join(words) or "nothing"


def _nothing_selected(question: Question, nodes: Sequence[Node]) -> Cause:
    arch = arch_of(question.pod)
    arches = Counter(node.arch or "no architecture label" for node in nodes)
    if arch and arch not in arches and (arch in KNOWN_ARCHES or question.advice.pools(arch)):
        return _no_arch(question, arch, arches)
    selector = question.pod["spec"].get("nodeSelector") or {}
    lonely = [
        f"{key}={value}"
        for key, value in sorted(selector.items())
        if not any(node.labels.get(key) == value for node in nodes)
    ]
    what = ", ".join(lonely) or selection_words(question.pod)
    together = "" if lonely or len(selector) < 2 else " together"  # noqa: PLR2004 - one label is not "together"
    hints = [hint for label in lonely for hint in _near(label, nodes)]
    return cause(
        "selector-matches-no-node",
        what,
        f"no node has {what}{together}",
        [f"the pods select {selection_words(question.pod)}; {_count(arches)}", *hints, *question.evidence],
        _selector_fixes(question, lonely),
    )


def _no_arch(question: Question, arch: str, arches: Counter[str] | None) -> Cause:
    pools = question.advice.pools(arch)
    kind, headline = no_node(question.scaling, arch, pools)
    evidence = [f"the pods select {selection_words(question.pod)}; {_count(arches)}", *question.evidence]
    if kind == "scale-from-zero" and (question.scaling.at_maximum or question.scaling.backing_off):
        evidence.append(
            "the autoscaler counts groups at their maximum or in backoff for every pod: it need not be said of the "
            f"{arch} pool, which has no node"
        )
    return cause(kind, arch, headline, evidence, _arch_fixes(question, arch, kind))


def no_node(said: Scaling, arch: str, pools: Sequence[PlannedPool]) -> tuple[str, str]:  # noqa: PLR0911 - a table
    """Return the kind and the headline of the cause that there is no node of an architecture at all.

    What the autoscaler counts as at its maximum or in backoff is any group, since those are left out before the pod is
    tried (see `Scaling`): an empty pool is not at its maximum, and it was in backoff only if it once took the pod.
    """
    names = ", ".join(pool.name for pool in pools)
    whose = f"pool {names}" if names else f"a group for {arch}"
    if said.failed or (said.backing_off and (said.fitted or not said.unfit)):
        return "scale-up-fails", f"the autoscaler wanted an {arch} node, and the cloud gave none"
    if said.ordered:
        return "no-node-of-arch", f"there is no {arch} node yet; the autoscaler has ordered one"
    if said.cluster_full:
        return "pool-at-maximum", f"there is no {arch} node, and the cluster has as many nodes as it may"
    if pools and not any(pool.max_nodes or not pool.created for pool in pools):
        return "pool-at-maximum", f"there is no {arch} node, and pool {names} may have none"
    if said.excluded:
        return "node-pool-excludes", f"there is no {arch} node, and no NodePool of Karpenter's may make one"
    if pools and said.unfit:
        return "scale-from-zero", f"pool {names} is empty, and the autoscaler does not know it for {arch}"
    if said.at_maximum and not said.unfit and (said.fitted or pools):
        return "scale-up-fails", f"{whose} is counted as full, and none of its machines has become a node"
    return "no-node-of-arch", f"no node is {arch}" + (f"; the stack's pool {names} has none" if names else "")


def _unseen(question: Question) -> Iterator[Cause]:
    """Yield what the scheduler's words tell of nodes that can't be listed, together with what the pod selects."""
    selector = set(question.pod["spec"].get("nodeSelector") or {})
    arch = arch_of(question.pod)
    if question.message.whys != {Why.SELECTOR} or not selector:
        yield from by_words(question.message, question.evidence)
    elif selector == {ARCH_LABEL} and (arch in KNOWN_ARCHES or question.advice.pools(arch)):
        yield _no_arch(question, arch, None)  # it selects nothing else, and no node matches
    else:
        what = selection_words(question.pod)
        yield cause("selector-matches-no-node", what, f"no node has {what}", question.evidence)


def _arch_fixes(question: Question, arch: str, kind: str) -> Iterator[Fix]:
    advice = question.advice
    zero = advice.facts.cloud.from_zero if arch == Arch.ARM64 else ""
    for pool in advice.pools(arch):
        if kind == "pool-at-maximum" and not pool.max_nodes:
            yield advice.pool_line("Let the pool grow:", pool, "maxNodes: 2")
        elif pool.created and pool.min_nodes == 0:
            yield advice.pool_line(f"Keep one {arch} node{f' ({zero})' if zero else ''}:", pool, "minNodes: 1")
        elif pool.created:
            yield advice.deploy(
                f"Pool {pool.name} promises {pool.min_nodes} nodes; see it in the cloud, and deploy again:"
            )
    if not advice.stack:
        note = f" Keep at least one: {zero}." if zero else ""
        yield Fix(text=f"Add a pool of {arch} nodes, or let the one that there is have at least one node.{note}")
    if question.scaling.backing_off or kind == "scale-up-fails":
        look = advice.kubectl("-n kube-system get configmap cluster-autoscaler-status -o yaml")
        yield Fix(text="See which group can't grow, and why:", lines=(look,))
    yield Fix(text="See which nodes there are:", lines=(advice.kubectl(f"get nodes -L {ARCH_LABEL}"),))


def _near(label: str, nodes: Sequence[Node]) -> Iterator[str]:
    """Yield what a label may be a misspelling of."""
    key, _, value = label.partition("=")
    keys = {key for node in nodes for key in node.labels}
    values = {node.labels[key] for node in nodes if key in node.labels}
    if key in keys:
        have = ", ".join(sorted(values)[:8])
        yield f"nodes have {key} with: {have}"
        return
    close = difflib.get_close_matches(key, keys, n=1, cutoff=0.75)
    holders = sorted({key for node in nodes for key, own in node.labels.items() if own == value and value})
    if close or holders:
        yield f"no node has a label {key}; did you mean {(close or holders)[0]}?"
    else:
        yield f"no node has a label {key}"


def _selector_fixes(question: Question, lonely: Sequence[str]) -> Iterator[Fix]:
    yield Fix(text="Correct the job's KUBERNETES_NODE_SELECTOR_… variable, or the runner's node_selector.")
    if lonely and not lonely[0].startswith(f"{ARCH_LABEL}="):
        yield Fix(
            text="Or label nodes that should serve it:",
            lines=(question.advice.kubectl(f"label node NODE {lonely[0]}"),),
        )
    else:
        yield question.advice.in_config(
            "Admit only existing architectures, so that such a job fails at once:",
            "node_selector_overwrite_allowed",
            ("architectures: [amd64, arm64]",),
            r"node_selector_overwrite_allowed = '^kubernetes\.io/arch=(amd64|arm64)$'",
        )


def _kept_off(question: Question, wanted: Sequence[Node]) -> Iterator[Cause]:
    """Yield one cause for each kind of taint that keeps the pod off, those that come and go first."""
    groups: dict[str, list[tuple[Node, Taint]]] = {}
    for node in wanted:
        # Of several taints of one node those that nobody will take away by waiting decide: all of them.
        taints = sorted(untolerated(question.pod, node), key=lambda taint: lifecycle.weight(taint.key))
        kind = lifecycle.kind(taints[0].key)
        groups.setdefault(kind, []).extend((node, taint) for taint in taints if lifecycle.kind(taint.key) == kind)
    order = [*lifecycle.PASSING, lifecycle.LASTING]
    for kind in sorted(groups, key=order.index):
        yield lifecycle.taint_cause(
            kind, groups[kind], arch_of(question.pod), len(wanted), question.evidence, question.advice
        )


def _count(arches: Counter[str] | None) -> str:
    if arches is None:
        return "the nodes could not be listed"
    if not arches:
        return "the cluster has no node"
    return "nodes: " + ", ".join(f"{count} {arch}" for arch, count in sorted(arches.items()))
