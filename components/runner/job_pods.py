"""What teams add to the jobs' pods: volumes, environment, labels, DNS, services, and patches as the last resort.

Checked before anything is declared; the rehearsal shows on a real API server whether Pod Security admits the result.
Source of the keys: gitlab-runner docs/executors/kubernetes/_index.md and docs/configuration/advanced-configuration.md.
"""

from dataclasses import field
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, JsonValue
from pydantic.dataclasses import dataclass

from components.forms import Form, NotBlank, quoted, wrong
from components.keys import CONFIG
from components.kubernetes_names import AnnotationValue, DnsLabel, HostName, IpAddress, LabelKey, LabelValue, ObjectName
from components.runner.quantities import Quantity

_OURS: Final = ("cluster-autoscaler.kubernetes.io/safe-to-evict", "karpenter.sh/do-not-disrupt")
_RUNNERS: Final = "runner.gitlab.com"
_BUILDS: Final = "/builds"


def _mount(path: str) -> str:
    folder = path.rstrip("/")
    if not path.startswith("/") or not folder or ".." in path.split("/"):
        raise wrong(f"{quoted(path)} is not an absolute path", "Write /a/path.")
    if folder == _BUILDS:
        raise wrong(f"{quoted(path)} is the folder that jobs are cloned into", "Mount it elsewhere, or below it.")
    return path


def _free(key: str) -> str:
    if key in _OURS or key.partition("/")[0].endswith(_RUNNERS):
        raise wrong(f"{quoted(key)} is a key that the runner or this package sets itself", "Remove it.")
    return key


MountPath = Annotated[str, AfterValidator(_mount)]
PodKey = Annotated[LabelKey, AfterValidator(_free)]
Variable = Annotated[str, Form(r"[A-Za-z_][A-Za-z0-9_]*", "name of a variable", "letters, digits and '_'")]
Flag = Annotated[str, Form(r"FF_[A-Z0-9_]+", "feature flag of GitLab Runner", "FF_ and capital letters")]


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Mount:
    """What all volumes of the jobs have."""

    type: str
    """Which kind of volume this is."""

    name: DnsLabel
    """Name of the volume in the pod."""

    mount_path: MountPath
    """Where it is mounted in every container of the job. An absolute path."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class StoredMount(Mount):
    """What volumes have whose content is not the pod's own."""

    sub_path: str = ""
    """Only this folder or file of it."""

    read_only: bool = False
    """Mount it without the right to write."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class ClaimVolume(StoredMount):
    """A PersistentVolumeClaim in the jobs' namespace. Jobs at the same time share it: it must be `ReadWriteMany`."""

    type: Literal["pvc"]

    name: ObjectName
    """Name of the claim."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class FilesMount(StoredMount):
    """What a volume has that shows an object's keys as files."""

    read_only: bool = True

    items: dict[str, str] = field(default_factory=dict)
    """Key of the object to the file that it becomes. Empty: all keys, by their own names."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class SecretVolume(FilesMount):
    """A Secret in the jobs' namespace, as files. Every job can read it."""

    type: Literal["secret"]

    name: ObjectName
    """Name of the Secret."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class ConfigMapVolume(FilesMount):
    """A ConfigMap in the jobs' namespace, as files: a company's certificates, a `pip.conf`."""

    type: Literal["configMap"]

    name: ObjectName
    """Name of the ConfigMap."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class EmptyDirVolume(Mount):
    """A folder of the pod's own, gone with it."""

    type: Literal["emptyDir"]

    medium: Literal["", "Memory"] = ""
    """`Memory`: a RAM disk, which counts as the container's memory."""

    size_limit: Quantity | None = None
    """Most that it may hold. By default what the node has."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class CsiVolume(StoredMount):
    """A volume that a CSI driver makes for the pod alone: secrets of a vault, a cache on a local disk."""

    type: Literal["csi"]

    driver: str
    """Name of the driver, for example `secrets-store.csi.k8s.io`."""

    fs_type: str = ""
    """File system, where the driver wants one."""

    attributes: dict[str, str] = field(default_factory=dict)
    """The driver's own settings (`volumeAttributes`)."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class NfsVolume(Mount):
    """A folder of an NFS server. The node mounts it, so that no network policy has to name the server."""

    type: Literal["nfs"]

    server: str
    """Host or address of the server."""

    path: str
    """Folder that it exports."""

    read_only: bool = False
    """Mount it without the right to write."""


Volume = Annotated[
    ClaimVolume | SecretVolume | ConfigMapVolume | EmptyDirVolume | CsiVolume | NfsVolume, Field(discriminator="type")
]


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class HostAlias:
    """An entry of the pods' `/etc/hosts`."""

    ip: IpAddress
    """The address."""

    hostnames: list[HostName]
    """Names that lead there."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Dns:
    """How the pods look up names."""

    policy: Literal["none", "default", "cluster-first", "cluster-first-with-host-net"] = "cluster-first"
    """`none`: only what is said here. `default`: as the node does."""

    nameservers: list[IpAddress] = field(default_factory=list)
    """Addresses of further resolvers. Network policies have to name them, too (`networkPolicies.dnsCidrs`)."""

    searches: list[str] = field(default_factory=list)
    """Further domains to look a short name up in."""

    options: dict[str, str] = field(default_factory=dict)
    """Options of `resolv.conf`, for example `ndots: "2"`; empty text for one without a value."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Service:
    """A container beside every job, as `services:` of a job would add it."""

    name: NotBlank
    """Its image: a multi-arch one."""

    alias: DnsLabel | None = None
    """Name under which the job reaches it. By default from the image's name."""

    entrypoint: list[str] = field(default_factory=list)
    """Instead of the image's own."""

    command: list[str] = field(default_factory=list)
    """Instead of the image's own."""

    environment: dict[Variable, str] = field(default_factory=dict)
    """Its variables."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class PodPatch:
    """A patch of the pod's spec, for what no key here is for. Little of it is checked, and the rehearsal says so."""

    name: str
    """What it is for."""

    patch: dict[str, JsonValue] | list[JsonValue]
    """What to merge into the spec, under the API's own names; a list of operations for `type: json`."""

    type: Literal["strategic", "merge", "json"] = "strategic"
    """How it is merged."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class JobPods:
    """Further settings of every job's pod. The API server's Pod Security still applies."""

    volumes: list[Volume] = field(default_factory=list)
    """Volumes of every job. There is no `hostPath`: Pod Security refuses it, since it is the node's own disk."""

    environment: dict[Variable, str] = field(default_factory=dict)
    """Variables of every job, which a job's own override. For secrets use GitLab's CI/CD variables."""

    labels: dict[PodKey, LabelValue] = field(default_factory=dict)
    """Labels of the pods, for network policies, costs and dashboards."""

    annotations: dict[PodKey, AnnotationValue] = field(default_factory=dict)
    """Annotations of the pods."""

    host_aliases: list[HostAlias] = field(default_factory=list)
    """Entries of `/etc/hosts`."""

    dns: Dns | None = None
    """How names are looked up. Default: by the cluster's DNS."""

    pull_policy: list[Literal["always", "if-not-present", "never"]] = field(default_factory=list)
    """How images are pulled, several for one after the other. Empty: as Kubernetes does it for the tag."""

    runtime_class: ObjectName | None = None
    """RuntimeClass of the pods (gVisor, Kata). It must exist, and its nodes must be of both architectures."""

    pre_get_sources_script: str = ""
    """Shell lines before every clone: certificates for git."""

    pre_build_script: str = ""
    """Shell lines between clone and job, in the job's own image: keep to what any shell has."""

    post_build_script: str = ""
    """Shell lines after the job's script, in the job's own image."""

    services: list[Service] = field(default_factory=list)
    """Containers beside every job."""

    feature_flags: dict[Flag, bool] = field(default_factory=dict)
    """GitLab Runner's feature flags, `FF_…`."""

    pod_patches: list[PodPatch] = field(default_factory=list)
    """Patches of the pods' spec, for what has no key. Keys that no pod has, and what Pod Security `baseline`
    refuses, are errors before the `up`. The API server decides about the rest; the rehearsal shows its answer."""


PATCHES: Final = "FF_USE_ADVANCED_POD_SPEC_CONFIGURATION"
"""The feature flag without which the runner ignores patches."""
