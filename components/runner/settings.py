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
    """Tags of the runner. GitLab stores them: the Helm chart can't set them for a `glrt-` token."""

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
    """Any text; changing it restarts the manager. For `existingSecret` only: the stack never reads its content, so
    it cannot notice a rotated token."""

    create: CreatedRunner | None = None
    """Let the stack create the runner in GitLab and keep its token as a Pulumi secret."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Chart:
    """Which gitlab-runner chart is installed: by default the official one, at the version tested with this package."""

    version: ChartVersion | None = None
    """Exact version, for example `0.92.2`. `0.90.1` by default; required with `repository` or `reference`, because
    Helm would otherwise install the newest version at each update."""

    repository: ChartRepository | None = None
    """URL of a Helm repository that mirrors the official chart. Default: https://charts.gitlab.io."""

    reference: ChartReference | None = None
    """OCI reference of the chart, for example `oci://registry.example.com/charts/gitlab-runner`."""

    path: str | None = None
    """Folder or archive of the chart on this machine, for sites without access to a chart registry."""

    runner_version: RunnerVersion | None = None
    """Version of GitLab Runner in the chart (its `appVersion`). Known for the chart versions this package lists;
    required for others if another key needs it, such as a helper image."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Manager:
    """The runner manager: the one pod that talks to GitLab and starts the jobs' pods."""

    pool: str | None = None
    """Name of the pool that the manager runs on: an on-demand pool, because an evicted manager loses all its jobs.
    Default: the first on-demand pool of `defaultArch`, else the first on-demand pool."""

    node_selector: dict[LabelKey, LabelValue] = field(default_factory=dict)
    """Node labels instead of `pool`, for nodes this stack does not manage (a system pool)."""

    taints: list[Taint] = field(default_factory=list)
    """Taints of the nodes that `nodeSelector` names, as `kubectl describe node` shows them: the manager tolerates
    them. A taint without a value stands for any value. With `pool`, leave it out: its taints are tolerated."""

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

    BuildKit needs its own user namespace, so its container runs as user 1000 without seccomp and AppArmor profiles,
    which Pod Security `baseline` refuses. The namespace of its jobs enforces `privileged` instead, and an admission
    policy of this stack (Kubernetes 1.30 or later) refuses everything else that `baseline` refuses. For keys that are
    not here, those of `runner` apply. The first runner and its namespace stay as they are.
    """

    token: Token | None = None
    """Where this runner's token comes from, never the first runner's. Default: the stack's secret `buildkitToken`
    (`pulumi config set --secret multiarch-runner:buildkitToken`). With `create`, set separate tags, for example
    `[multi-arch-buildkit]`: only the tag sends a job to the looser sandbox."""

    job_namespace: Namespace = "gitlab-runner-buildkit-jobs"
    """Namespace of these jobs. A separate one: it admits what `runner.jobNamespace` refuses."""

    job_service_account: JobServiceAccount = field(default_factory=JobServiceAccount)
    """These jobs' service account, in their namespace. Bind a cloud identity to it separately."""

    concurrent: Annotated[Int64, Field(ge=1)] = 20
    """Jobs of this runner at the same time, in addition to those of the first."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class RunnerConfig:
    """The runner: one Helm release for every architecture."""

    gitlab_url: GitlabUrl
    """URL of GitLab, for example `https://gitlab.com`. HTTPS, except on localhost: the token is sent there."""

    token: Token | None = None
    """Where the runner's token comes from. Default: the stack's secret `runnerToken`."""

    namespace: Namespace = "gitlab-runner"
    """Namespace of the runner manager (Pod Security `restricted`)."""

    job_namespace: Namespace = "gitlab-runner-jobs"
    """Namespace of the jobs (Pod Security `baseline`: image builders run as root inside their container). Separate
    from the manager's, so that a job cannot read the manager's token."""

    existing_namespaces: bool = False
    """Whether the namespaces exist already, with objects that someone else made in them (External Secrets, a
    platform team). The stack then sets its Pod Security labels on them, creates its policies and the release in
    them, and never deletes them. Off: the stack creates the namespaces, and `up` fails if they exist."""

    release_name: ReleaseName = "gitlab-runner"
    """Name of the Helm release."""

    protect: bool = True
    """Refuse to delete or move the releases and the namespaces, because all running jobs would be lost. To do it
    anyway (another `namespace`, `jobNamespace` or `releaseName`), set false in the same edit; to remove something
    (`buildkit`), run an `up` with false before. docs/usage.md has the steps. `make destroy` does not need it."""

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
    """The runner's `node_selector_overwrite_allowed` in full, instead of `architectures` and `selectors`. GitLab
    Runner matches it unanchored, so write `^` and `$`."""

    helper_image: HelperImage = "auto"
    """The image that clones, caches and uploads in every job. `auto`: the runner picks the one of the job's
    architecture. `upstream`: GitLab's multi-arch tag, from runner 19.2 on, also right for jobs that select no
    architecture by label. `mirror`: an image for both architectures that the stack publishes in your registry, see
    `helperMirror`. Or the name of a multi-arch image that someone else publishes, whose tag has the runner's version
    or `${CI_RUNNER_VERSION}`. docs/helper-image.md helps to choose."""

    helper_mirror: HelperMirror | None = None
    """The registry to mirror the helper image to, for `helperImage: mirror`."""

    default_image: NotBlank = JOB_IMAGE
    """Image of a job that names none. It must be multi-arch."""

    concurrent: Annotated[Int64, Field(ge=1)] = 20
    """Jobs at the same time, of both architectures together."""

    check_interval: Annotated[Int64, Field(ge=1)] = 3
    """Seconds between two requests to GitLab for new jobs."""

    log_level: LogLevel = LogLevel.INFO
    """How much the manager logs."""

    poll_timeout: Annotated[Int32, Field(ge=60)] = 600
    """Seconds that a job waits for its pod to start. GitLab's default, 180, is shorter than a new node needs to
    start and pull an image, so the first job on an empty pool would fail."""

    job_timeout: Annotated[Int32, Field(ge=600)] = 3600
    """Seconds that the longest job may take; GitLab's minimum is 600. A replaced manager gets as long to finish its
    jobs."""

    resources: JobResources = field(default_factory=JobResources)
    """Requests and limits of the jobs' containers."""

    jobs: JobPods = field(default_factory=JobPods)
    """Further settings of every job's pod: volumes, variables, labels, DNS, services, scripts."""

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
    """A second runner for builds with rootless BuildKit; `{}` is enough. Without this key there is none: kaniko,
    which the first runner is for, needs no looser sandbox."""

    values: ExtraValues = field(default_factory=ExtraValues)
    """Further Helm values of the chart: those that this package does not set itself. What it sets always wins."""
