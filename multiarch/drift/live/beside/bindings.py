"""Role bindings that give rights to the stack's accounts, or to a group that they are in.

Facts: k8s.io/apiserver, serviceaccount/util.go (users and groups of service accounts) and user.go (`system:…` groups).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from multiarch.drift.live.beside.ours import Account, Ours
from multiarch.drift.live.beside.widening import Kind, Raw, Unclear, Widening, kubectl
from multiarch.drift.live.paths import Item
from multiarch.drift.live.shown import shortened

RBAC: Final = "rbac.authorization.k8s.io/v1"
ROLE_BINDING: Final = Kind(version=RBAC, kind="RoleBinding", plural="rolebindings")
CLUSTER_ROLE_BINDING: Final = Kind(version=RBAC, kind="ClusterRoleBinding", plural="clusterrolebindings")

_GROUPS: Final = {
    "system:serviceaccounts": "every service account of the cluster",
    "system:authenticated": "every login",
    "system:unauthenticated": "everyone without a login",
}
_ANONYMOUS: Final = "system:anonymous"
_AUTOUPDATE: Final = "rbac.authorization.kubernetes.io/autoupdate"
_BOOTSTRAPPING: Final = "kubernetes.io/bootstrapping"
_IMAGE_PULLER: Final = "system:image-puller"
_ABOUT_ONESELF: Final = frozenset({"selfsubjectaccessreviews", "selfsubjectreviews", "selfsubjectrulesreviews"})
_PUBLIC: Final = (
    "/api", "/apis", "/healthz", "/livez", "/openapi", "/readyz", "/version", "/.well-known/openid-configuration",
    "/openid/v1/jwks",
)  # fmt: skip
"""What the API says of itself: Kubernetes' own bindings let every login read it."""

RulesOf = Callable[[Raw, str], Sequence[Raw] | str]
"""The rules of a `roleRef` in a binding's namespace; none where the role is not there, or why they can't be read."""


@dataclass(frozen=True, slots=True)
class _Holder:
    """A subject that is, or has in it, an account of the stack's."""

    label: str
    words: str
    group: bool = False
    """Whether it is a group that comes with every cluster."""


def widening_bindings(kind: Kind, items: Iterable[Raw], ours: Ours, rules_of: RulesOf) -> Iterator[Widening | Unclear]:
    """Yield what each binding gives that is not the stack's own, and that names its accounts or a group of theirs.

    A binding whose role is not there, or allows nothing but to ask about oneself and to read what the API says of
    itself, gives nothing.
    """
    for item in items:
        if ours.has(kind.kind, item):
            continue
        namespace = item["metadata"].get("namespace") or ""
        holders = [_holder(subject, namespace, ours) for subject in item.get("subjects") or []]
        named = [holder for holder in holders if holder is not None and not _comes_with_openshift(item, holder)]
        if not named:
            continue
        rules = rules_of(item["roleRef"], namespace)
        if not isinstance(rules, str) and all(map(_is_nothing, rules)):
            continue
        where = kind.named(item)
        for holder in named:
            if isinstance(rules, str) and holder.group:
                yield _unclear(where, item["roleRef"], rules)
            else:
                yield _widening(where, item["roleRef"], holder, rules, alone=None not in holders)


def _holder(subject: Raw, namespace: str, ours: Ours) -> _Holder | None:
    kind, name = subject.get("kind"), str(subject.get("name"))
    label = f"{kind} {name}"
    if kind == "ServiceAccount":
        account = Account(subject.get("namespace") or namespace, name)
        label = f"{kind} {account.namespace}/{name}"
    else:
        account = next((one for one in ours.accounts if kind == "User" and one.user == name), Account("", ""))
    if account in ours.accounts:
        words = f"{ours.accounts[account]} (service account {account.namespace}/{account.name})"
        return _Holder(label, words)
    if kind == "User" and name == _ANONYMOUS:
        return _Holder(label, f"{_GROUPS['system:unauthenticated']}, and so every job", group=True)
    if kind == "Group" and name in _GROUPS:
        return _Holder(label, f"{_GROUPS[name]}, and so every job", group=True)
    place = name.removeprefix("system:serviceaccounts:")
    if kind == "Group" and place != name and place in ours.namespaces:
        return _Holder(label, f"every service account of namespace {place}, the stack's among them")
    return None


def _comes_with_openshift(item: Raw, holder: _Holder) -> bool:
    """Tell whether OpenShift makes and keeps such a binding by itself: one in each project, and some of the cluster.

    Kubernetes' own bear a label besides, and give nothing that is told here, unless somebody changed them.
    """
    metadata, role = item["metadata"], item["roleRef"]["name"]
    if holder.label.startswith("Group system:serviceaccounts:"):
        return bool(role == _IMAGE_PULLER and metadata["name"] == "system:image-pullers")
    kept = (metadata.get("annotations") or {}).get(_AUTOUPDATE) == "true"
    strong = role in ("admin", "cluster-admin", "edit", "view")
    return holder.group and kept and not strong and _BOOTSTRAPPING not in (metadata.get("labels") or {})


def _is_nothing(rule: Raw) -> bool:
    """Tell whether a rule lets nobody do what he could not do anyway."""
    verbs, resources = set(rule.get("verbs") or []), set(rule.get("resources") or [])
    urls = rule.get("nonResourceURLs") or []
    if urls:
        return verbs <= {"get", "head"} and all(map(_is_public, urls))
    if resources == {"configmaps"} and rule.get("resourceNames") == ["cluster-info"]:
        return verbs <= {"get"}  # kubeadm: how a node finds the cluster, for everybody to read
    return not verbs or resources <= _ABOUT_ONESELF


def _is_public(url: str) -> bool:
    return any(url in (known, f"{known}/", f"{known}/*") for known in _PUBLIC)


def _unclear(where: Raw, role: Raw, why: str) -> Unclear:
    name = where["metadata"]["name"]
    title = f"{where['kind']} {name}"
    return Unclear(resource=f"{RBAC} {title}", title=title, why=f"what {role['kind']} {role['name']} allows: {why}")


def _widening(where: Raw, role: Raw, holder: _Holder, rules: Sequence[Raw] | str, *, alone: bool) -> Widening:
    given = f"{role['kind']} {role['name']}"
    namespace = where["metadata"].get("namespace")
    place = f"in namespace {namespace}" if namespace else "in the whole cluster"
    what = f"whatever {given} allows" if isinstance(rules, str) else _words(rules)
    return Widening(
        where=where,
        path=("subjects", Item(holder.label)),
        found=given,
        lets=f"{holder.words} may also, {place}: {what}",
        undo=kubectl("delete" if alone else "edit", where),
    )


def _words(rules: Sequence[Raw]) -> str:
    told = [_rule_words(rule) for rule in rules if not _is_nothing(rule)]
    more = f", and {len(told) - 3} more rules" if len(told) > 3 else ""  # noqa: PLR2004 - as many as one reads
    return shortened("; ".join(told[:3]), 200) + more


def _rule_words(rule: Raw) -> str:
    verbs: list[Any] = rule.get("verbs") or []
    things = [*(rule.get("resources") or []), *(rule.get("nonResourceURLs") or [])]
    if "*" in verbs and "*" in things:
        return "everything"
    names = f" named {', '.join(rule['resourceNames'])}" if rule.get("resourceNames") else ""
    return f"{', '.join(verbs)} {', '.join(things)}{names}"
