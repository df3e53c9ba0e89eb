"""The cluster's nodes against the pools that the program declares."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from multiarch.drift.live.compare import Comparison
from multiarch.drift.live.difference import Delta
from multiarch.drift.live.lists import ABSENT
from multiarch.drift.live.paths import Item, Path
from multiarch.drift.live.pools import LIFECYCLE_TAINTS, Promise, labels_of, members, promises_of
from multiarch.drift.live.scene import Scene
from multiarch.drift.live.told import TROUBLE, finding, gone, why
from multiarch.drift.model import Check, CheckResult, Finding
from multiarch.model.nodes.model import parse_taint

_ARCH: Final = "kubernetes.io/arch"


def check_nodes(scene: Scene) -> CheckResult:
    """Compare every pool's nodes with what the program promises of them; nodes of other pools are nobody's here."""
    promises = promises_of(scene.program.plan, scene.state)
    if not promises:
        return CheckResult(check=Check.NODES, skipped="the stack has no node pool")
    scene.progress("nodes")
    try:
        scene.in_time()
        nodes = scene.nodes()
    except TROUBLE as error:
        return CheckResult(check=Check.NODES, failure=why(error))
    found = members(promises, [node for node in nodes if not node["metadata"].get("deletionTimestamp")])
    if found[""]:
        scene.note(f"{len(found[''])} nodes belong to no pool of this stack, and were not looked at")
    return CheckResult(check=Check.NODES, findings=tuple(_tell(promise, found[promise.urn]) for promise in promises))


def _tell(promise: Promise, nodes: Sequence[Mapping[str, Any]]) -> Finding:
    resource = f"node pool {promise.name}"
    if not nodes and promise.min_nodes > 0:
        least = f"it has no node, and its minimum is {promise.min_nodes}"
        return gone(Check.NODES, resource, least, urn=promise.urn)
    compared = Comparison()
    for node in nodes:
        compared.deltas += _differences(promise, node)
        compared.ignored += [reason for reason in _passing(node) if reason not in compared.ignored]
    return finding(Check.NODES, resource, compared, list(_remarks(promise, nodes)), urn=promise.urn)


def _differences(promise: Promise, node: Mapping[str, Any]) -> Iterator[Delta]:
    at: Path = ("nodes", Item(node["metadata"]["name"]))
    labels = labels_of(node)
    for key, wanted in {**promise.labels, _ARCH: promise.arch}.items():
        if labels.get(key) != wanted:
            yield Delta((*at, "metadata", "labels", key), wanted, labels.get(key, ABSENT))
    machine = ((node.get("status") or {}).get("nodeInfo") or {}).get("architecture")
    if machine and machine != promise.arch:
        yield Delta((*at, "status", "nodeInfo", "architecture"), promise.arch, machine)
    yield from _taints(promise, node, (*at, "spec", "taints"))


def _taints(promise: Promise, node: Mapping[str, Any], at: Path) -> Iterator[Delta]:
    wanted = {_key(taint): taint for taint in map(parse_taint, promise.taints)}
    found = {_key(taint): taint for taint in (node.get("spec") or {}).get("taints") or []}
    for key in {**wanted, **found}:
        if key in wanted and key in found:
            if (one := wanted[key].get("value") or "") != (other := found[key].get("value") or ""):
                yield Delta((*at, Item(key), "value"), one, other)
        elif key in wanted or not lifecycle(key):
            yield Delta((*at, Item(key)), _value(wanted.get(key)), _value(found.get(key)))


def lifecycle(key: str) -> str:
    """Return whose a taint is that comes and goes with a node's life; empty for any other."""
    return next((whose for start, whose in LIFECYCLE_TAINTS.items() if key.startswith(start)), "")


def _key(taint: Mapping[str, Any]) -> str:
    return f"{taint.get('key')}:{taint.get('effect')}"


def _value(taint: Mapping[str, Any] | None) -> Any:
    if taint is None:
        return ABSENT
    value = f"={taint['value']}" if taint.get("value") else ""
    return f"{taint.get('key')}{value}:{taint.get('effect')}"


def _passing(node: Mapping[str, Any]) -> Iterator[str]:
    for taint in (node.get("spec") or {}).get("taints") or []:
        if whose := lifecycle(_key(taint)):
            yield f"taint {taint.get('key')}: {whose}"


def _remarks(promise: Promise, nodes: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    count = len(nodes)
    if count > promise.max_nodes:
        yield f"{count} nodes, above the maximum of {promise.max_nodes}: an upgrade adds some for a while"
    elif count < promise.min_nodes:
        yield f"{count} nodes, below the minimum of {promise.min_nodes}: the cloud is to make more"
    not_ready = [node["metadata"]["name"] for node in nodes if not _is_ready(node)]
    if not_ready:
        yield f"not ready: {', '.join(sorted(not_ready)[:5])}{' ...' if len(not_ready) > 5 else ''}"  # noqa: PLR2004 - enough to look at


def _is_ready(node: Mapping[str, Any]) -> bool:
    conditions = (node.get("status") or {}).get("conditions") or []
    return any(entry.get("type") == "Ready" and entry.get("status") == "True" for entry in conditions)
