"""What a stack file says of the runner. Pure data.

YAML keys are the camelCase of the fields. The docstring under a field is its entry in the config reference and its
description in the JSON Schema, so it states the unit, the reason of the default, and what the choice costs. The type
states the bounds and the form; what relates several keys is checked in checks.py.
"""

from dataclasses import field
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass

from components.clouds.machines import Arch
from components.clouds.sections import Taint
from components.forms import Int32, Int64, NotBlank, once
from components.keys import CONFIG
from components.kubernetes_names import AnnotationKey, AnnotationValue, DnsLabel, LabelKey, LabelValue, ObjectName
from components.runner.cache import Cache
from components.runner.extra_values import ExtraValues
from components.runner.forms import (
    ChartReference,
    ChartRepository,
    ChartVersion,
    GitlabUrl,
    HelperImage,
    Namespace,
    ReleaseName,
    RunnerVersion,
)
from components.runner.helper_mirror import HelperMirror
from components.runner.job_pods import JobPods
from components.runner.network import NetworkPolicies
from components.runner.resources import JobResources, ManagerRequirements
from components.runner.selectors import Selector, SelectorRegex
from components.versions import JOB_IMAGE


class RunnerType(StrEnum):
    """Whose jobs a runner takes."""

    INSTANCE = "instance"
    GROUP = "group"
    PROJECT = "project"


class LogLevel(StrEnum):
    """How much the runner manager logs."""

    DEBUG = "debug"
    INFO = "info"
    WARN = "warn"
    ERROR = "error"


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class CreatedRunner:
    """A runner that the stack itself creates in GitLab (`pulumi_gitlab.UserRunner`).

    Needs the extra `multiarch-runner[gitlab]` and a GitLab token with the scopes `create_runner` and `api`: the stack's
    secret `gitlab:token` (`pulumi config set --secret gitlab:token`), else `GITLAB_TOKEN`.
    """

    runner_type: RunnerType
    """`instance`, `group` or `project`: whose jobs the runner takes."""

    group_id: Annotated[Int64, Field(ge=1)] | None = None
    """Numeric id of the group, for `runnerType: group`."""

    project_id: Annotated[Int64, Field(ge=1)] | None = None
    """Numeric id of the project, for `runnerType: project`."""

    tags: list[str] = field(default_factory=lambda: ["multi-arch"])
    """Tags of the runner. They live on the server: the Helm chart can't set them for a `glrt-` token."""

    run_untagged: bool = False
    """Whether the runner also takes jobs without tags. Off: untagged jobs were not written for this runner."""

    locked: bool = False
    """Whether a project runner is locked to its project."""

    protected: bool = False
    """Whether the runner takes jobs of protected branches and tags only. Turn it on where jobs push releases."""

    description: str = "amd64 and arm64 image builds"
    """What GitLab's list of runners shows."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Token:
    """Where the runner's authentication token (`glrt-`) comes from: exactly one of the two.

    Without `token`, it is the stack's own secret: `pulumi config set --secret multiarch-runner:runnerToken`
    (`buildkitToken` for `runner.buildkit`).
    """

    existing_secret: ObjectName | None = None
    """Name of a Secret in the runner's namespace, made by someone else (External Secrets, Vault). It must hold two
    keys: `runner-token`, and an empty `runner-registration-token`, without which the manager's pod never starts."""

    revision: str | None = None
    """Any text; changing it restarts the manager. For `existingSecret` only: its content is never read here, so that
    a rotated token would not be noticed otherwise."""

    create: CreatedRunner | None = None
    """Let the stack create the runner in GitLab and keep its token as a Pulumi secret."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Chart:
    """Which gitlab-runner chart is installed: by default the official one, at the version tested with this package."""

    version: ChartVersion | None = None
    """Exact version, for example `0.92.2`. `0.90.1` by default; it must be stated along with `repository` or
    `reference`, since Helm would take whatever is newest there on the day of the update."""

    repository: ChartRepository | None = None
    """URL of a Helm repository that mirrors the official chart. Default: https://charts.gitlab.io."""

    reference: ChartReference | None = None
    """OCI reference of the chart, for example `oci://registry.example.com/charts/gitlab-runner`."""

    path: str | None = None
    """Folder or archive of the chart on this machine, for sites without access to a chart registry."""

    runner_version: RunnerVersion | None = None
    """Version of GitLab Runner in the chart (its `appVersion`). Known for the chart versions this package lists; needed
    for others where something depends on it, such as a helper image."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Manager:
    """The runner manager: the one pod that talks to GitLab and starts the jobs' pods."""

    pool: str | None = None
    """Name of the pool that the manager runs on: an on-demand pool, since every job of an evicted manager is lost.
    Default: the first on-demand pool of `defaultArch`, else the first on-demand pool."""

    node_selector: dict[LabelKey, LabelValue] = field(default_factory=dict)
    """Node labels instead of `pool`, for nodes this stack does not manage (a system pool)."""

    taints: list[Taint] = field(default_factory=list)
    """Taints of the nodes that `nodeSelector` names, as `kubectl describe node` shows them: the manager tolerates them.
    A taint without a value stands for any value. With `pool` there is nothing to say: its taints are tolerated."""

    replicas: Annotated[Int32, Field(ge=1)] = 1
    """Managers. Each takes `concurrent` jobs of its own; one is enough for hundreds of jobs."""

    resources: ManagerRequirements = field(default_factory=ManagerRequirements)
    """Requests and limits of the manager's pod."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Metrics:
    """The manager's Prometheus metrics (port 9252)."""

    enabled: bool = True
    """Serve them. Job counts, and how close the runner is to `concurrent`, are visible nowhere else."""

    pod_monitor: bool = False
    """Also make a PodMonitor, for the Prometheus Operator. Without its CRD the chart silently leaves it out."""

    prometheus_rule: bool = False
    """Also make a PrometheusRule, for the Prometheus Operator: alerts about the manager, waiting jobs, failures and
    GitLab's answers (docs/monitoring.md). Its CRD must be there: `up` fails without it. That on waiting jobs needs
    kube-state-metrics."""

    rule_labels: dict[LabelKey, LabelValue] = field(default_factory=dict)
    """Labels of the PrometheusRule, for a Prometheus that selects by them: kube-prometheus-stack wants `release: ` and
    the name of its own release, unless its `ruleSelectorNilUsesHelmValues` is false."""

    dashboard: bool = False
    """Also make a ConfigMap with a dashboard that Grafana's sidecar finds by its label `grafana_dashboard: "1"`. The
    sidecar must search the runner's namespace (docs/monitoring.md)."""

    namespace: DnsLabel | None = None
    """Namespace of Prometheus. With it, only pods of that namespace reach the metrics; without, those of any."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class JobServiceAccount:
    """The service account of the jobs' pods, in their namespace. It has no Kubernetes rights and no mounted token."""

    name: ObjectName = "gitlab-runner-job"
    """Its name: the subject of a cloud's workload identity binding."""

    annotations: dict[AnnotationKey, AnnotationValue] = field(default_factory=dict)
    """Cloud identity for pushing images without static keys: `iam.gke.io/gcp-service-account`,
    `eks.amazonaws.com/role-arn` or `azure.workload.identity/client-id` (which also labels the pods)."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class BuildKit:
    """A second runner, whose jobs may run rootless BuildKit: its own release, token, tag, job namespace and account.

    BuildKit needs its own user namespace, so that its container runs as user 1000 without seccomp and AppArmor
    profiles, which Pod Security `baseline` refuses. The jobs' namespace here enforces `privileged` instead, and an
    admission policy of this stack's own (Kubernetes 1.30 or later) refuses all else that `baseline` refuses. What is
    not said here is as in `runner`. The first runner and its namespace stay as they are.
    """

    token: Token | None = None
    """Where this runner's token comes from, never the first runner's. Default: the stack's secret `buildkitToken`
    (`pulumi config set --secret multiarch-runner:buildkitToken`). With `create`, state tags of its own, for example
    `[multi-arch-buildkit]`: the tag is what sends a job to the looser sandbox."""

    job_namespace: Namespace = "gitlab-runner-buildkit-jobs"
    """Namespace of these jobs. Its own: what is admitted here is refused in `runner.jobNamespace`."""

    job_service_account: JobServiceAccount = field(default_factory=JobServiceAccount)
    """These jobs' service account, in their namespace. A cloud identity has to be bound to it by itself."""

    concurrent: Annotated[Int64, Field(ge=1)] = 20
    """Jobs of this runner at the same time, beside those of the first."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class RunnerConfig:
    """The runner: one Helm release for every architecture."""

    gitlab_url: GitlabUrl
    """URL of GitLab, for example `https://gitlab.com`. HTTPS, unless it is on localhost: the token travels there."""

    token: Token | None = None
    """Where the runner's token comes from. Default: the stack's secret `runnerToken`."""

    namespace: Namespace = "gitlab-runner"
    """Namespace of the runner manager (Pod Security `restricted`)."""

    job_namespace: Namespace = "gitlab-runner-jobs"
    """Namespace of the jobs (Pod Security `baseline`: image builders run as root inside their container). Its own, so
    that a job can't reach the manager's token."""

    existing_namespaces: bool = False
    """The namespaces are there already, with what somebody else has made in them (External Secrets, a platform team):
    the stack sets its Pod Security labels on them and makes its policies and the release in them, and never deletes
    them. Off: the stack makes the namespaces, and `up` refuses those that are there."""

    release_name: ReleaseName = "gitlab-runner"
    """Name of the Helm release."""

    protect: bool = True
    """Refuse to delete the releases and the namespaces, and so to move them: all running jobs would be lost. Where
    that is meant (another `namespace`, `jobNamespace` or `releaseName`), say false in the same edit, and in an `up`
    before it where something is given up (`buildkit`); docs/usage.md has the way. `make destroy` needs neither."""

    chart: Chart = field(default_factory=Chart)
    """Which Helm chart is installed."""

    architectures: Annotated[list[Arch], Field(min_length=1), AfterValidator(once)] = field(
        default_factory=lambda: [Arch.AMD64, Arch.ARM64]
    )
    """Architectures that jobs may select. Each needs a pool. List one only while the other pool does not exist yet."""

    default_arch: Arch = Arch.AMD64
    """Architecture of a job that selects none."""

    selectors: list[Selector] = field(default_factory=list)
    """Further node selectors that jobs may set, each `label=value`. The label is literal, the value a regular
    expression (RE2) for the whole value: `disktype=ssd`, `team=(a|b)`. They are anchored for you."""

    selector_regex: SelectorRegex | None = None
    """The runner's `node_selector_overwrite_allowed` in full, instead of `architectures` and `selectors`. GitLab Runner
    matches it unanchored, so that it must say `^` and `$` itself."""

    helper_image: HelperImage = "auto"
    """The image that clones, caches and uploads in every job. `auto`: the runner picks the one of the job's
    architecture. `upstream`: GitLab's multi-arch tag, from runner 19.2 on, also right for jobs that select no
    architecture by label. `mirror`: an image for both architectures that the stack itself makes in your registry, see
    `helperMirror`. Else a multi-arch mirror that somebody else makes, its tag holding the runner's version or
    `${CI_RUNNER_VERSION}`. docs/helper-image.md says which is for whom."""

    helper_mirror: HelperMirror | None = None
    """The registry to mirror the helper image to, for `helperImage: mirror`."""

    default_image: NotBlank = JOB_IMAGE
    """Image of a job that names none. It must be multi-arch."""

    concurrent: Annotated[Int64, Field(ge=1)] = 20
    """Jobs at the same time, of both architectures together."""

    check_interval: Annotated[Int64, Field(ge=1)] = 3
    """Seconds between two questions to GitLab for new jobs."""

    log_level: LogLevel = LogLevel.INFO
    """How much the manager logs."""

    poll_timeout: Annotated[Int32, Field(ge=60)] = 600
    """Seconds that a job waits for its pod to start. GitLab's own 180 is shorter than a node takes to be made and to
    pull an image, so that the first job on an empty pool would fail."""

    job_timeout: Annotated[Int32, Field(ge=600)] = 3600
    """Seconds of the longest job; GitLab takes nothing below 600. The manager is given as long to finish its jobs when
    it is replaced."""

    resources: JobResources = field(default_factory=JobResources)
    """Requests and limits of the jobs' containers."""

    jobs: JobPods = field(default_factory=JobPods)
    """What every job's pod has beside that: volumes, variables, labels, DNS, services, scripts."""

    job_service_account: JobServiceAccount = field(default_factory=JobServiceAccount)
    """The jobs' own service account."""

    cache: Cache | None = None
    """Bucket for `cache:` of GitLab CI, reached by workload identity; or on a server of your own. Put the architecture
    into the jobs' `cache:key`: a cache of compiled files shared by two architectures breaks both."""

    image_pull_secrets: list[ObjectName] = field(default_factory=list)
    """Names of Secrets in the jobs' namespace that pull the jobs' images."""

    allowed_images: list[NotBlank] = field(default_factory=list)
    """Patterns of images that jobs may use, for example `registry.example.com/**`. Empty: any."""

    priority_class: ObjectName | None = None
    """PriorityClass of the jobs' pods. It must exist."""

    wait_for_pod_reachable: bool | None = None
    """Wait until the kubelet of a new node serves its certificate before a job starts
    (`FF_WAIT_FOR_POD_TO_BE_REACHABLE`). Default: on EKS, whose new nodes fail with `remote error: tls: internal error`
    (gitlab-runner issue 37244)."""

    manager: Manager = field(default_factory=Manager)
    """The runner manager's pod."""

    metrics: Metrics = field(default_factory=Metrics)
    """Prometheus metrics."""

    network_policies: NetworkPolicies = field(default_factory=NetworkPolicies)
    """What the jobs and the manager may reach."""

    buildkit: BuildKit | None = None
    """A second runner for builds with rootless BuildKit; `{}` is enough to have it. Without this key there is none:
    kaniko, which the first runner is made for, needs no looser sandbox."""

    values: ExtraValues = field(default_factory=ExtraValues)
    """Further Helm values of the chart: those that this package does not set itself. What it sets always wins."""
