"""What of a cluster is the stack's own: accounts, the pods that run as them, and the objects that it made. Pure."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from components.runner.values import fullname
from multiarch.drift.live.beside.widening import Raw
from multiarch.drift.live.program import Program, WantedRelease

POLICY: Final = "NetworkPolicy"
JOB_LABEL: Final = re.compile(r"(?i)(^|.*\.)runner\.gitlab\.com/")
"""gitlab-runner executors/kubernetes, buildLabels: on every job's pod, and no job can set one of them itself."""
_OF_THE_CHART: Final = ("chart", "heritage", "pod-template-hash")
_MADE_BY_THE_CHART: Final = ("Deployment", "Role", "RoleBinding", "ServiceAccount")


@dataclass(frozen=True, slots=True)
class Account:
    """A service account of the stack's."""

    namespace: str
    name: str

    @property
    def user(self) -> str:
        """Its name among the users of RBAC."""
        return f"system:serviceaccount:{self.namespace}:{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pods:
    """The pods of one account, by the labels that they have."""

    account: Account
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels with a value that is known."""
    varying: frozenset[str] = frozenset()
    """Keys of labels whose value differs from pod to pod."""
    jobs: bool = False
    """Whether they are jobs, which have the runner's labels too."""
    anything: bool = False
    """Whether they may have any label."""

    @property
    def whose(self) -> str:
        """Whose they are, in words."""
        return "the jobs" if self.jobs else "the runner's manager"

    def varies(self, key: str) -> bool:
        """Tell whether they have, or may have, a label of any value."""
        return self.anything or key in self.varying or (self.jobs and (key == "pod" or bool(JOB_LABEL.match(key))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """All that is the stack's own in a cluster."""

    pods: tuple[Pods, ...] = ()
    names: frozenset[tuple[str, str, str]] = frozenset()
    """Kind, namespace and name of what program and chart make."""
    policies: Mapping[str, tuple[Raw, ...]] = field(default_factory=dict)
    """Specs of its network policies, by namespace."""

    @property
    def accounts(self) -> Mapping[Account, str]:
        """Whose each account is, in words."""
        return {pods.account: pods.whose for pods in self.pods}

    @property
    def namespaces(self) -> list[str]:
        """Where its accounts are, and so their pods."""
        return sorted({pods.account.namespace for pods in self.pods})

    def has(self, kind: str, item: Raw) -> bool:
        """Tell whether an object is the stack's own: what was changed of it, other checks tell."""
        metadata = item["metadata"]
        return (kind, metadata.get("namespace") or "", metadata["name"]) in self.names


def ours(program: Program) -> Ours:
    """Read a program's wishes."""
    objects = [item.manifest for item in program.objects if not item.unclear]
    policies: dict[str, list[Raw]] = {}
    for manifest in objects:
        if manifest["kind"] == POLICY:
            policies.setdefault(manifest["metadata"].get("namespace") or "default", []).append(manifest["spec"])
    names = {_key(manifest) for manifest in objects}
    names |= {
        (kind, namespace, fullname(release.name))
        for release in program.releases
        for kind in _MADE_BY_THE_CHART
        for namespace in (release.namespace, _job_namespace(release))
    }
    return Ours(
        pods=(*_of_jobs(objects, program.releases), *map(_of_manager, program.releases)),
        names=frozenset(names),
        policies={namespace: tuple(specs) for namespace, specs in policies.items()},
    )


def _key(manifest: Raw) -> tuple[str, str, str]:
    metadata = manifest["metadata"]
    return manifest["kind"], metadata.get("namespace") or "", metadata["name"]


def _job_namespace(release: WantedRelease) -> str:
    return str((release.values.get("runners") or {}).get("jobNamespace") or release.namespace)


def _of_jobs(objects: list[Raw], releases: tuple[WantedRelease, ...]) -> Iterator[Pods]:
    settings = {_job_namespace(release): _executor(release) for release in releases}
    for manifest in objects:
        if manifest["kind"] == "ServiceAccount":
            metadata = manifest["metadata"]
            account = Account(metadata.get("namespace") or "default", metadata["name"])
            config = settings.get(account.namespace)
            labels = (config or {}).get("pod_labels") or {}
            free = config is None or bool(config.get("pod_labels_overwrite_allowed"))
            yield Pods(account=account, labels=labels, jobs=True, anything=free)


def _executor(release: WantedRelease) -> Mapping[str, Any] | None:
    """Return the Kubernetes executor's settings of a release; None where they can't be read."""
    try:
        config = tomllib.loads((release.values.get("runners") or {})["config"])
        return dict(config["runners"][0]["kubernetes"])
    except (LookupError, TypeError, AttributeError, ValueError):
        return None


def _of_manager(release: WantedRelease) -> Pods:
    stated = (release.values.get("serviceAccount") or {}).get("name")
    name = stated if isinstance(stated, str) and stated else fullname(release.name)
    labels = {"app": fullname(release.name), "release": release.name, **(release.values.get("podLabels") or {})}
    return Pods(account=Account(release.namespace, name), labels=labels, varying=frozenset(_OF_THE_CHART))
