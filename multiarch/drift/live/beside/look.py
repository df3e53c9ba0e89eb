"""Look at what was added beside a stack's own objects: lists from the cluster, findings for the report."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from multiarch.cluster.api import ApiRefused
from multiarch.core.secrets import hide
from multiarch.core.verdict import Verdict
from multiarch.drift.live.beside.bindings import CLUSTER_ROLE_BINDING, RBAC, ROLE_BINDING, widening_bindings
from multiarch.drift.live.beside.identities import SECRET, TOKEN_TYPE, WORKLOADS, widening_tokens, widening_workloads
from multiarch.drift.live.beside.other_policies import OTHER_KINDS, Labels, OtherKind, widening_others
from multiarch.drift.live.beside.ours import Ours, ours
from multiarch.drift.live.beside.policies import NETWORK_POLICY, widening_policies
from multiarch.drift.live.beside.widening import Kind, Raw, Unclear, Widening
from multiarch.drift.live.paths import text
from multiarch.drift.live.scene import Scene
from multiarch.drift.live.shown import MOST, shortened
from multiarch.drift.live.told import TROUBLE, name_of, unknown, why
from multiarch.drift.model import Change, Check, CheckResult, Difference, Finding

_NOT_FOUND = 404
Told = Iterator[Widening | Unclear]


@dataclass(frozen=True, slots=True)
class _Area:
    """A part of the cluster that is looked at by itself: it is clean, or its objects are told, or it could not be."""

    name: str
    look: Callable[[], Told]


def check_widened(scene: Scene) -> CheckResult:
    """Look for what widens what the stack's jobs and its runner may do, and is none of the stack's own objects."""
    mine = ours(scene.program)
    if not mine.pods:
        return CheckResult(check=Check.WIDENED, skipped="the stack has no service account of its own")
    told = scene.each("what was added", _areas(scene, mine), lambda area: _tell(scene, area))
    return CheckResult(check=Check.WIDENED, findings=tuple(finding for findings in told for finding in findings))


def _areas(scene: Scene, mine: Ours) -> Iterator[_Area]:
    rights = "that give rights to the runner's accounts"
    yield _Area(f"RoleBindings {rights}", lambda: _role_bindings(scene, mine))
    yield _Area(f"ClusterRoleBindings {rights}", lambda: _bindings(scene, mine, CLUSTER_ROLE_BINDING, ""))
    for namespace in mine.namespaces:
        yield _Area(
            f"NetworkPolicies of others in {namespace}", lambda space=namespace: _policies(scene, mine, space)  # type: ignore[misc]
        )  # fmt: skip
        yield _Area(
            f"tokens of the runner's accounts in {namespace}", lambda space=namespace: _tokens(scene, mine, space)  # type: ignore[misc]
        )  # fmt: skip
        yield _Area(
            f"pods of others as the runner's accounts in {namespace}",
            lambda space=namespace: _workloads(scene, mine, space),  # type: ignore[misc]
        )
    if mine.policies:
        yield _Area("policies of the network's own kinds", lambda: _other_policies(scene, mine))


def _tell(scene: Scene, area: _Area) -> list[Finding]:
    """Look at an area; what was found before there was no answer any more is told too."""
    widenings: dict[str, list[Widening]] = {}
    findings = []
    try:
        scene.in_time()
        for one in area.look():
            if isinstance(one, Widening):
                widenings.setdefault(name_of(one.where)[0], []).append(one)
            else:
                findings.append(unknown(Check.WIDENED, one.resource, one.why, title=one.title))
    except TROUBLE as error:
        findings.append(unknown(Check.WIDENED, area.name, why(error)))
    findings += [_finding(found) for found in widenings.values()]
    return findings or [Finding(check=Check.WIDENED, resource=area.name, verdict=Verdict.YES)]


def _finding(found: Sequence[Widening]) -> Finding:
    """Return what one object widens. It is no whole resource that was added: an ignore rule may know of its parts."""
    resource, title = name_of(found[0].where)
    lets = hide("; ".join(dict.fromkeys(one.lets for one in found)))
    return Finding(
        check=Check.WIDENED,
        resource=resource,
        title=title,
        verdict=Verdict.NO,
        change=Change.CHANGED,
        differences=tuple(
            Difference(path=text(one.path), change=Change.ADDED, found=shortened(hide(one.found)))
            for one in found[:MOST]
        ),
        more=max(0, len(found) - MOST),
        reason=f"{shortened(lets, 600)}. Remove it: `{found[0].undo}`, or accept it in drift-ignore.yaml",
    )


def _role_bindings(scene: Scene, mine: Ours) -> Told:
    """Look in every namespace; who may not, at least in the stack's own."""
    try:
        items = scene.api.items(ROLE_BINDING.path())
    except ApiRefused as refusal:
        yield Unclear(resource="RoleBindings in all namespaces", why=why(refusal))
    else:
        yield from widening_bindings(ROLE_BINDING, items, mine, _rules_of(scene))
        return
    for namespace in mine.namespaces:
        yield from _bindings(scene, mine, ROLE_BINDING, namespace)


def _bindings(scene: Scene, mine: Ours, kind: Kind, namespace: str) -> Told:
    yield from widening_bindings(kind, scene.api.items(kind.path(namespace)), mine, _rules_of(scene))


def _rules_of(scene: Scene) -> Callable[[Raw, str], Sequence[Raw] | str]:
    def rules(role: Raw, namespace: str) -> Sequence[Raw] | str:
        place = f"/namespaces/{namespace}/roles" if role["kind"] == "Role" else "/clusterroles"
        try:
            found = scene.api.find(f"/apis/{RBAC}{place}/{quote(role['name'])}")
        except ApiRefused as refusal:
            return why(refusal)
        return (found or {}).get("rules") or []

    return rules


def _policies(scene: Scene, mine: Ours, namespace: str) -> Told:
    yield from widening_policies(scene.api.items(NETWORK_POLICY.path(namespace)), namespace, mine)


def _tokens(scene: Scene, mine: Ours, namespace: str) -> Told:
    """Look at the metadata alone: the tokens themselves are nobody's business."""
    query = {"fieldSelector": f"type={TOKEN_TYPE}"}
    yield from widening_tokens(scene.api.metadata(SECRET.path(namespace), query), namespace, mine)


def _workloads(scene: Scene, mine: Ours, namespace: str) -> Told:
    for kind in WORKLOADS:
        try:
            items = scene.api.items(kind.path(namespace))
        except ApiRefused as refusal:
            yield Unclear(resource=f"{kind.kind}s of others in {namespace}", why=why(refusal))
        else:
            yield from widening_workloads(kind, items, namespace, mine)


def _other_policies(scene: Scene, mine: Ours) -> Told:
    groups = {group["name"]: group for group in scene.api.get("/apis").get("groups") or []}
    kinds = [other for other in OTHER_KINDS if other.group in groups and other.instead not in groups]
    labels = {namespace: _labels(scene, namespace) for namespace in mine.namespaces} if kinds else {}
    for other in kinds:
        yield from _of_other(scene, mine, other, groups[other.group], labels)


def _of_other(scene: Scene, mine: Ours, other: OtherKind, group: Mapping[str, Any], labels: Labels) -> Told:
    """Look at one kind, in the first version of its group that has it; who has none has no such policies."""
    for version in group["versions"]:
        kind = other.of(version["version"])
        try:
            for namespace in mine.namespaces if other.namespaced else [""]:
                items = scene.api.items(kind.path(namespace))
                yield from widening_others(kind, other.dialect, items, mine, labels)
        except ApiRefused as refusal:
            if refusal.status == _NOT_FOUND:
                continue
            yield Unclear(resource=f"{kind.version} {kind.kind}", why=why(refusal), title=f"{kind.kind} of others")
        return


def _labels(scene: Scene, namespace: str) -> Mapping[str, str]:
    found = scene.api.find(f"/api/v1/namespaces/{namespace}") or {}
    return (found.get("metadata") or {}).get("labels") or {}
