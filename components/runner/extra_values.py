"""What `runner.values` may hold: the keys of the gitlab-runner chart that this package does not set itself. Pure data.

Names and types are those of the official chart 0.90.1: its values.yaml and, for what that leaves out, its templates.
Whatever is not here is refused; guards.py says why, and what to use instead, for every key that the chart knows. A test
holds both to the chart itself (tests/cluster/test_chart.py, MULTIARCH_OFFICIAL_CHART).

Keys are spelled as in the chart, and the parsed value is the plain mapping that is given to Helm: what is absent stays
absent, and null, by which Helm takes a value away, is of no key's type.
"""

from typing import Annotated, Final, Literal, Required

from pydantic import ConfigDict, Field, JsonValue, with_config
from typing_extensions import TypedDict  # typing's own is too little for pydantic before Python 3.12

from components.forms import Form, Int32
from components.kubernetes_names import (
    AnnotationKey,
    AnnotationValue,
    DnsLabel,
    HostName,
    IpAddress,
    LabelKey,
    LabelValue,
    ObjectName,
)

_CONFIG: Final = ConfigDict(extra="forbid", use_attribute_docstrings=True)

_Duration = Annotated[str, Form(r"([0-9]+(\.[0-9]+)?(ms|s|m|h))+", "duration", "a duration, such as 15m")]
_Interval = Annotated[str, Form(r"([0-9]+(ms|s|m|h))+", "duration", "a duration, such as 30s")]
_Registry = Annotated[
    str,
    Form(r"[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?(/[a-z0-9._/-]+)?", "registry", "one, as registry.example.com"),
]
_Repository = Annotated[
    str, Form(r"[a-z0-9]+([._/-]+[a-z0-9]+)*", "repository of images", "a repository without a tag or digest")
]
_PublicDsn = Annotated[
    str,
    Form(
        r"https?://[A-Za-z0-9]+@[A-Za-z0-9.-]+(:[0-9]{1,5})?/[A-Za-z0-9./_-]+",
        "DSN with a public key only",
        "https://KEY@HOST/PROJECT",
    ),
]
_RunnerName = Annotated[
    str,
    Form(
        r"[A-Za-z0-9]([A-Za-z0-9 ._-]{0,126}[A-Za-z0-9])?",
        "name of a runner",
        "letters, digits, spaces, '.', '_' and '-'",
    ),
]
_Labels = dict[LabelKey, LabelValue]
_Annotations = dict[AnnotationKey, AnnotationValue]
_Seconds = Annotated[int, Field(ge=1, le=300)]
_Times = Annotated[int, Field(ge=1, le=100)]


@with_config(_CONFIG)
class ExtraImage(TypedDict, total=False):
    """Where the manager's image is mirrored to. Its tag follows from `runner.chart`."""

    registry: _Registry
    """Registry host, for example `registry.example.com`."""

    image: _Repository
    """Repository in it, without a tag."""


@with_config(_CONFIG)
class ExtraProbe(TypedDict, total=False):
    """How a manager is probed."""

    initialDelaySeconds: _Seconds
    """Seconds before the first probe."""

    periodSeconds: _Seconds
    """Seconds between two probes."""

    failureThreshold: _Times
    """Failed probes that count."""


@with_config(_CONFIG)
class ExtraObjectName(TypedDict, total=False):
    """An object of the manager's namespace."""

    name: Required[ObjectName]
    """Its name."""


@with_config(_CONFIG)
class ExtraKeyRef(TypedDict, total=False):
    """A key of a Secret or ConfigMap in the manager's namespace."""

    name: Required[str]
    """Name of the object."""

    key: Required[str]
    """Key in it."""

    optional: bool
    """Whether the pod may start without it."""


@with_config(_CONFIG)
class ExtraFieldRef(TypedDict, total=False):
    """A field of the manager's pod."""

    fieldPath: Required[str]
    """The field, for example `status.hostIP`."""


@with_config(_CONFIG)
class ExtraEnvSource(TypedDict, total=False):
    """Where the value of a variable comes from: exactly one of these."""

    secretKeyRef: ExtraKeyRef
    """A key of a Secret."""

    configMapKeyRef: ExtraKeyRef
    """A key of a ConfigMap."""

    fieldRef: ExtraFieldRef
    """A field of the pod."""


@with_config(_CONFIG)
class ExtraHostAlias(TypedDict, total=False):
    """A line of the manager's /etc/hosts."""

    ip: Required[IpAddress]
    """Address."""

    hostnames: Required[Annotated[list[HostName], Field(min_length=1)]]
    """Names of that address."""


@with_config(_CONFIG)
class ExtraLabelSelector(TypedDict, total=False):
    """Pods by their labels."""

    matchLabels: _Labels
    """Labels that they have; the manager's pods have `app` and `release`."""


@with_config(_CONFIG)
class ExtraSpreadConstraint(TypedDict, total=False):
    """How several managers are spread over nodes or zones."""

    maxSkew: Required[Annotated[Int32, Field(ge=1)]]
    """How many more of them one place may have than another."""

    topologyKey: Required[str]
    """Label of the nodes that names the place."""

    whenUnsatisfiable: Required[Literal["DoNotSchedule", "ScheduleAnyway"]]
    """What happens if that can't be."""

    labelSelector: ExtraLabelSelector
    """The pods that are counted."""


@with_config(_CONFIG)
class ExtraVolume(TypedDict, total=False):
    """A volume of the manager's pod: its name and exactly one source, of those that Pod Security restricted admits."""

    name: Required[DnsLabel]
    """What `volumeMounts` calls it."""

    configMap: dict[str, JsonValue]
    """A ConfigMap."""

    secret: dict[str, JsonValue]
    """A Secret."""

    projected: dict[str, JsonValue]
    """Several sources in one folder."""

    emptyDir: dict[str, JsonValue]
    """An empty folder."""

    downwardAPI: dict[str, JsonValue]
    """Fields of the pod as files."""

    csi: dict[str, JsonValue]
    """What a CSI driver mounts, such as the Secrets Store's."""

    persistentVolumeClaim: dict[str, JsonValue]
    """A PersistentVolumeClaim."""

    ephemeral: dict[str, JsonValue]
    """A claim that lives as long as the pod."""


@with_config(_CONFIG)
class ExtraVolumeMount(TypedDict, total=False):
    """Where one of `volumes` is in the manager's container."""

    name: Required[str]
    """The volume."""

    mountPath: Required[str]
    """Folder or file; not where the chart has its own."""

    subPath: str
    """One file or folder of the volume."""

    readOnly: bool
    """Whether it can't be written to."""


@with_config(_CONFIG)
class ExtraPodMonitor(TypedDict, total=False):
    """Further settings of the PodMonitor that `runner.metrics.podMonitor` makes."""

    labels: _Labels
    """Labels, for a Prometheus that selects by them."""

    annotations: _Annotations
    """Annotations."""

    interval: _Interval
    """Time between two scrapes, for example `30s`."""

    relabelings: list[dict[str, JsonValue]]
    """Prometheus' own relabelings before the scrape."""

    metricRelabelings: list[dict[str, JsonValue]]
    """The same before the samples are kept."""


@with_config(_CONFIG)
class ExtraMetrics(TypedDict, total=False):
    """What `runner.metrics` does not say of the manager's metrics."""

    podMonitor: ExtraPodMonitor
    """The PodMonitor."""


@with_config(_CONFIG)
class ExtraService(TypedDict, total=False):
    """A Service in front of the manager's metrics, of type ClusterIP."""

    enabled: bool
    """Make it."""

    labels: _Labels
    """Labels."""

    annotations: _Annotations
    """Annotations."""


@with_config(_CONFIG)
class ExtraRunners(TypedDict, total=False):
    """What the stack does not say of the runner itself."""

    name: _RunnerName
    """Name of the runner in its config.toml and logs; the pod's name by default."""


@with_config(_CONFIG)
class ExtraValues(TypedDict, total=False):
    """Further Helm values of the gitlab-runner chart, spelled as there, for the manager's pod and its objects.

    These are the values that the chart offers and this package does not set. Values that this package sets always win.
    Null is refused, and so is a secret, because Helm keeps values readable in the cluster.
    """

    image: ExtraImage
    """The manager's image."""

    imagePullPolicy: Literal["Always", "IfNotPresent", "Never"]
    """When the manager's image is pulled."""

    imagePullSecrets: list[ExtraObjectName]
    """Secrets of the manager's namespace that pull its image; `runner.imagePullSecrets` are the jobs'."""

    livenessProbe: ExtraProbe
    """When the manager is restarted."""

    readinessProbe: ExtraProbe
    """When the manager counts as started."""

    probeTimeoutSeconds: _Seconds
    """Seconds that a probe may take."""

    revisionHistoryLimit: Annotated[Int32, Field(ge=1)]
    """Old ReplicaSets that are kept."""

    certsSecretName: ObjectName
    """Secret of the manager's namespace with the certificate of GitLab's authority, `<host>.crt`."""

    shutdown_timeout: Annotated[Int32, Field(ge=0)]
    """Seconds that a manager that is forced to end waits until its jobs are cancelled."""

    logFormat: Literal["runner", "text", "json"]
    """How the manager writes its log."""

    sentryDsn: _PublicDsn
    """Where the manager reports its errors to: the DSN with the public key only."""

    connectionMaxAge: _Duration
    """How long a connection to GitLab is kept, for example `15m`."""

    extraEnv: dict[str, str]
    """Variables of the manager: proxies (`HTTPS_PROXY`, `NO_PROXY` ...), Go's (`GOMEMLIMIT` ...), `TZ`,
    `SSL_CERT_FILE`, and regions and endpoints of the clouds' SDKs. Other variables are refused: they would override
    this file."""

    extraEnvFrom: dict[str, ExtraEnvSource]
    """The same, from a Secret, a ConfigMap or a field of the pod: for a proxy's URL with a password."""

    hostAliases: list[ExtraHostAlias]
    """Lines of the manager's /etc/hosts."""

    hostname: DnsLabel
    """Host name of the manager's pod."""

    priorityClassName: ObjectName
    """PriorityClass of the manager's pod. It must exist."""

    runtimeClassName: ObjectName
    """RuntimeClass of the manager's pod. It must exist."""

    schedulerName: ObjectName
    """Scheduler of the manager's pod."""

    topologySpreadConstraints: list[ExtraSpreadConstraint]
    """How several managers (`runner.manager.replicas`) are spread."""

    podAnnotations: _Annotations
    """Further annotations of the manager's pod."""

    podLabels: _Labels
    """Further labels of the manager's pod."""

    deploymentAnnotations: _Annotations
    """Further annotations of the manager's Deployment."""

    deploymentLabels: _Labels
    """Further labels of the manager's Deployment."""

    configMapLabels: _Labels
    """Further labels of the manager's ConfigMap."""

    volumes: list[ExtraVolume]
    """Further volumes of the manager's pod."""

    volumeMounts: list[ExtraVolumeMount]
    """Where they are mounted."""

    metrics: ExtraMetrics
    """Further settings of the metrics."""

    service: ExtraService
    """A Service in front of the metrics."""

    runners: ExtraRunners
    """Further settings of the runner."""
