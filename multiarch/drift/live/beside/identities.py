"""Who else acts as the stack's accounts: tokens that were made for them, and pods that run as them. Pure."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from multiarch.drift.live.beside.ours import JOB_LABEL, Account, Ours
from multiarch.drift.live.beside.widening import Kind, Raw, Widening, kubectl
from multiarch.drift.live.exempt import CONTROLLERS
from multiarch.drift.live.paths import Item, Path

SECRET: Final = Kind(version="v1", kind="Secret", plural="secrets")
TOKEN_TYPE: Final = "kubernetes.io/service-account-token"  # noqa: S105 - a type, no token
_ACCOUNT: Final = "kubernetes.io/service-account.name"
_TEMPLATE: Final = ("spec", "template", "spec")
POD: Final = Kind(version="v1", kind="Pod", plural="pods")
WORKLOADS: Final = {
    Kind(version="apps/v1", kind="Deployment", plural="deployments"): _TEMPLATE,
    Kind(version="apps/v1", kind="StatefulSet", plural="statefulsets"): _TEMPLATE,
    Kind(version="apps/v1", kind="DaemonSet", plural="daemonsets"): _TEMPLATE,
    Kind(version="apps/v1", kind="ReplicaSet", plural="replicasets"): _TEMPLATE,
    Kind(version="v1", kind="ReplicationController", plural="replicationcontrollers"): _TEMPLATE,
    Kind(version="batch/v1", kind="Job", plural="jobs"): _TEMPLATE,
    Kind(version="batch/v1", kind="CronJob", plural="cronjobs"): ("spec", "jobTemplate", *_TEMPLATE),
    POD: ("spec",),
}
"""Kinds that run pods, and where each has a pod's spec."""
_LOOKED_AT: Final = frozenset(kind.kind for kind in WORKLOADS)


def widening_tokens(metadata: Iterable[Raw], namespace: str, ours: Ours) -> Iterator[Widening]:
    """Yield every Secret with a token of the stack's accounts, given the metadata of a namespace's token Secrets.

    Clusters before Kubernetes 1.24, and OpenShift, make such Secrets themselves.
    """
    for item in metadata:
        account = Account(namespace, str((item.get("annotations") or {}).get(_ACCOUNT)))
        makers = {entry.get("manager") for entry in item.get("managedFields") or []}
        if account not in ours.accounts or (makers and makers <= CONTROLLERS):
            continue
        where = SECRET.named({"metadata": {"namespace": namespace, **item}})
        yield Widening(
            where=where,
            path=("metadata", "annotations", _ACCOUNT),
            found=account.name,
            lets=f"anyone who reads it can act as {ours.accounts[account]} forever: its token does not expire",
            undo=kubectl("delete", where),
        )


def widening_workloads(kind: Kind, items: Iterable[Raw], namespace: str, ours: Ours) -> Iterator[Widening]:
    """Yield what runs as the stack's accounts in their namespace, and is neither its release nor its runner's job."""
    for item in items:
        spec = _spec(item, WORKLOADS[kind])
        account = Account(namespace, str(spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"))
        if account not in ours.accounts:
            continue
        where = kind.named({"metadata": {"namespace": namespace, **item["metadata"]}})
        whose = ours.accounts[account]
        if not (ours.has(kind.kind, where) or _is_somebodys(item) or _is_job(kind, item, account, ours)):
            path: Path = (*WORKLOADS[kind], "serviceAccountName")
            lets = f"what runs there acts as {whose}, like the stack's own pods"
            yield Widening(where=where, path=path, found=account.name, lets=lets, undo=kubectl("delete", where))
        for container in spec.get("ephemeralContainers") or [] if kind is POD else []:
            path = ("spec", "ephemeralContainers", Item(str(container.get("name"))))
            lets = f"a container was added to a pod of {whose} (kubectl debug)"
            image = str(container.get("image"))
            yield Widening(where=where, path=path, found=image, lets=lets, undo=kubectl("delete", where))


def _spec(item: Raw, path: tuple[str, ...]) -> Raw:
    inner: Any = item
    for key in path:
        inner = inner.get(key) or {}
    return dict(inner)


def _is_somebodys(item: Raw) -> bool:
    """Tell whether a controller made it for an object that is looked at itself."""
    owners = item["metadata"].get("ownerReferences") or []
    return any(owner.get("controller") and owner.get("kind") in _LOOKED_AT for owner in owners)


def _is_job(kind: Kind, item: Raw, account: Account, ours: Ours) -> bool:
    labels = item["metadata"].get("labels") or {}
    jobs = any(pods.jobs and pods.account == account for pods in ours.pods)
    return kind is POD and jobs and any(JOB_LABEL.match(key) for key in labels)
