"""Every cause that the doctor knows, in the order of its weight. docs/doctor.md's table is made from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum


class Reach(IntEnum):
    """How much a cause stops. The smaller number is told first."""

    EVERY_JOB = 0
    """No job of the runner can start."""
    SOME_JOBS = 1
    """Jobs of one kind, one size or one image."""
    SOME_DAY = 2
    """None right now; it will."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One cause, in general."""

    id: str
    title: str
    looks: str
    """What a person sees of it."""
    fix: str
    reach: Reach = Reach.SOME_JOBS


def _kind(id_: str, title: str, looks: str, fix: str, reach: Reach = Reach.SOME_JOBS) -> Kind:
    return Kind(id=id_, title=title, looks=looks, fix=fix, reach=reach)


_MANAGER = (
    _kind(
        "manager-missing",
        "The runner's manager is not installed",
        "jobs stay `pending` in GitLab, with no pod; the namespace has no Deployment of the runner",
        "`make up`, or install the chart; then the manager registers itself.",
        Reach.EVERY_JOB,
    ),
    _kind(
        "manager-scaled-to-zero",
        "The manager is scaled to zero",
        "the Deployment wants 0 replicas; GitLab shows the runner as offline",
        "Scale it up again; with a stack: `make up` puts back what the stack says.",
        Reach.EVERY_JOB,
    ),
    _kind(
        "manager-secret",
        "A Secret or ConfigMap that the manager mounts is missing, or lacks a key",
        "the manager's pod stays in `ContainerCreating`; event `FailedMount … references non-existent secret key`",
        "Create the Secret with both keys, `runner-token` and `runner-registration-token` (which may be empty).",
        Reach.EVERY_JOB,
    ),
    _kind(
        "manager-refused",
        "Admission refuses the manager's pod",
        "the Deployment has no pod at all; its ReplicaSet has the event `FailedCreate`",
        "Make the pod fit the namespace's Pod Security level, quota or webhook, as the message says.",
        Reach.EVERY_JOB,
    ),
    _kind(
        "manager-crashes",
        "The manager's container keeps exiting",
        "`CrashLoopBackOff`; its log says why (a token that GitLab does not know, a broken config.toml)",
        "Read the log of its last run; a token is replaced in its Secret, then the Deployment is restarted.",
        Reach.EVERY_JOB,
    ),
    _kind(
        "manager-not-ready",
        "The manager does not become ready",
        "no replica is available, and none of the other causes is seen",
        "Describe its pod: `kubectl describe pod` shows what it waits for.",
        Reach.EVERY_JOB,
    ),
    _kind(
        "config-invalid",
        "The runner's config.toml can't be read",
        "the manager logs an error at start, or never registers",
        "Correct the TOML that the message names; with a stack, `make up` renders it again.",
        Reach.EVERY_JOB,
    ),
    _kind(
        "job-namespace-missing",
        "The namespace of the jobs does not exist",
        'every job fails: `namespaces "…" not found`',
        "Create it (with a stack: `make up`), or correct `namespace` in config.toml.",
        Reach.EVERY_JOB,
    ),
    _kind(
        "manager-lacks-rights",
        "The manager's service account may not do what the executor needs",
        'every job fails in `prepare`: `… is forbidden: User "system:serviceaccount:…" cannot create resource …`',
        "Bind the Role again in the jobs' namespace; with a stack: `make up`.",
        Reach.EVERY_JOB,
    ),
    _kind(
        "job-object-missing",
        "The jobs' pods name a ServiceAccount, Secret, ConfigMap, claim or PriorityClass that does not exist",
        "every job fails at once: `error looking up service account …`, `no PriorityClass with name … was found`; "
        "or it waits in `ContainerCreating`",
        "Create the object, or remove its name from config.toml.",
        Reach.EVERY_JOB,
    ),
    _kind(
        "pod-security-refuses-jobs",
        "Pod Security of the jobs' namespace refuses the jobs' pods",
        'every job fails: `violates PodSecurity "restricted:…"`',
        "Enforce `baseline` there: kaniko runs as root, which `restricted` refuses.",
        Reach.EVERY_JOB,
    ),
    _kind(
        "quota-exhausted",
        "A ResourceQuota of the jobs' namespace has no room for another job",
        "jobs fail without a pod: `exceeded quota: …, requested: …, used: …, limited: …`",
        "Raise the quota, lower the jobs' requests, or lower `concurrent`.",
        Reach.EVERY_JOB,
    ),
    _kind(
        "quota-needs-requests",
        "A ResourceQuota requires requests or limits that the jobs' pods do not set",
        "every job fails: `failed quota: …: must specify limits.cpu for: …`",
        "Set the requests and limits in the runner's config, or give the namespace a LimitRange with defaults.",
        Reach.EVERY_JOB,
    ),
    _kind(
        "limit-range-refuses",
        "A LimitRange of the jobs' namespace refuses the jobs' pods",
        "every job fails: `maximum cpu usage per Container is …, but limit is …`, `… ratio per Pod is …`",
        "Change the LimitRange, or the jobs' requests and limits.",
        Reach.EVERY_JOB,
    ),
    _kind(
        "admission-webhook-down",
        "An admission webhook that must approve pods does not answer",
        "every job fails: `failed calling webhook … no endpoints available for service`",
        "Bring the webhook's pods back, or remove its configuration if it is a leftover.",
        Reach.EVERY_JOB,
    ),
    _kind(
        "kyverno-refuses-jobs",
        "A policy of Kyverno's refuses the jobs' pods",
        'every job fails: `admission webhook "validate.kyverno.svc-fail" denied the request: … was blocked due to the '
        "following policies`",
        "Meet the policy by the runner's config, or exempt the jobs' namespace from it (a PolicyException).",
        Reach.EVERY_JOB,
    ),
    _kind(
        "gatekeeper-refuses-jobs",
        "A constraint of Gatekeeper's refuses the jobs' pods",
        'every job fails: `admission webhook "validation.gatekeeper.sh" denied the request: [constraint] …`',
        "Meet the constraint by the runner's config, or exclude the jobs' namespace in its `match`.",
        Reach.EVERY_JOB,
    ),
    _kind(
        "webhook-refuses-jobs",
        "An admission webhook refuses the jobs' pods",
        'every job fails: `admission webhook "…" denied the request: …`',
        "Follow its words: change the runner's config, or what the webhook asks for in the jobs' namespace.",
        Reach.EVERY_JOB,
    ),
    _kind(
        "policy-refuses-jobs",
        "A ValidatingAdmissionPolicy refuses the jobs' pods",
        "every job fails: `ValidatingAdmissionPolicy '…' with binding '…' denied request: …`",
        "Meet the policy by the runner's config, or exempt the jobs' namespace in its binding.",
        Reach.EVERY_JOB,
    ),
    _kind(
        "job-namespace-terminating",
        "The namespace of the jobs is being deleted",
        "every job fails: `unable to create new content in namespace … because it is being terminated`",
        "Wait until it is gone, then create it again (with a stack: `make up`); its conditions say what blocks that.",
        Reach.EVERY_JOB,
    ),
    _kind(
        "job-pod-invalid",
        "The runner's config creates an invalid pod",
        "every job fails: `Pod … is invalid: …: must be less than or equal to cpu limit of …`",
        "Correct the setting that the message names: a request above its limit is the usual one.",
        Reach.EVERY_JOB,
    ),
    _kind(
        "pod-refused",
        "The API server refuses the jobs' pods, for a reason that this check does not know",
        "every job fails with its words, which are shown",
        "Follow the message.",
        Reach.EVERY_JOB,
    ),
    _kind(
        "dns-blocked",
        "Network policies cut the jobs off from DNS",
        "jobs start and hang at the first name: `Could not resolve host`; clones time out",
        "Allow port 53 to the cluster's DNS and to its cache on the nodes (docs/pitfalls.md, The network).",
        Reach.EVERY_JOB,
    ),
)

_PLACEMENT = (
    _kind(
        "no-node-of-arch",
        "No node has the architecture that jobs ask for",
        "pods stay `Pending`: `0/N nodes are available: N node(s) didn't match Pod's node affinity/selector`",
        "Bring a node of that architecture: keep `minNodes: 1`, or see why the pool does not grow from zero.",
    ),
    _kind(
        "scale-from-zero",
        "The pool is empty, and the autoscaler does not know its architecture",
        "event `NotTriggerScaleUp … didn't match Pod's node affinity/selector` although the pool exists (AKS before "
        "Cluster Autoscaler 1.33.5, 1.34.4, 1.35.2, 1.36.0; kubernetes/autoscaler#9322)",
        "Keep one node: `minNodes: 1`.",
    ),
    _kind(
        "pool-at-maximum",
        "The pool is at its maximum",
        "event `NotTriggerScaleUp … max node group size reached`, and its nodes are full",
        "Raise `maxNodes`, or wait until running jobs end.",
    ),
    _kind(
        "scale-up-fails",
        "The autoscaler tried, and the cloud gave no node",
        "event `NotTriggerScaleUp … in backoff after failed scale-up` after a `TriggeredScaleUp`, or `FailedScaleUp`",
        "Look at the node group in the cloud: no capacity in the zone, a quota, a launch template that fails.",
    ),
    _kind(
        "node-pool-excludes",
        "Karpenter has no NodePool that may make such a node",
        "event `FailedScheduling` from karpenter: `incompatible with nodepool …`",
        "Add a NodePool whose requirements have that architecture: `kubernetes.io/arch In [amd64, arm64]`.",
    ),
    _kind(
        "taint-not-tolerated",
        "The nodes carry a taint that the jobs' pods do not tolerate",
        "pods stay `Pending`: `N node(s) had untolerated taint(s)`, before 1.36 with the taint in braces",
        "Tolerate it in the runner's config (`node_tolerations`), or remove the taint.",
    ),
    _kind(
        "nodes-cordoned",
        "The nodes that would serve are cordoned",
        "pods stay `Pending`: `N node(s) were unschedulable`; `kubectl get nodes` says `SchedulingDisabled`",
        "`kubectl uncordon` them, or finish the maintenance that cordoned them.",
    ),
    _kind(
        "nodes-not-ready",
        "The nodes that would serve are not Ready",
        "pods stay `Pending`: untolerated taint `node.kubernetes.io/not-ready` or `unreachable`",
        "See the node's conditions: kubelet or network plugin is down, or the machine is gone.",
    ),
    _kind(
        "nodes-under-pressure",
        "The nodes that would serve lack disk, memory or process ids",
        "untolerated taint `node.kubernetes.io/disk-pressure` (or memory-, pid-pressure)",
        "Free the resource: larger disks, `ephemeral_storage_limit` for jobs, a newer node.",
    ),
    _kind(
        "selector-matches-no-node",
        "The pods select a label that no node has",
        "pods stay `Pending`: `N node(s) didn't match Pod's node affinity/selector`",
        "Correct `KUBERNETES_NODE_SELECTOR_…` in the job (a typo, `s390x`), or label the nodes.",
    ),
    _kind(
        "job-too-large",
        "The jobs ask for more than any node of that kind has, even one with its DaemonSets alone",
        "pods stay `Pending`: `Insufficient cpu` (or memory, ephemeral-storage) forever",
        "Lower the request, or use larger machines in that pool.",
    ),
    _kind(
        "nodes-full",
        "The nodes that would serve are full",
        "pods stay `Pending`: `Insufficient cpu`, `Insufficient memory`, `Too many pods`",
        "Let the pool grow (`maxNodes`), lower the requests, or lower `concurrent`.",
    ),
    _kind(
        "host-port-taken",
        "A port of the node that the pod wants is taken",
        "pods stay `Pending`: `N node(s) didn't have free ports for the requested pod ports`",
        "Remove `hostPort` from the pod; jobs need none.",
    ),
    _kind(
        "volume-elsewhere",
        "A volume of the pod lies in a zone, or on a node, where it can't run",
        "pods stay `Pending`: `N node(s) didn't match PersistentVolume's node affinity`, `no available volume zone`",
        "Use a storage class with `volumeBindingMode: WaitForFirstConsumer`, and have nodes of that kind in its zone.",
    ),
    _kind(
        "claim-unbound",
        "A PersistentVolumeClaim of the pod is missing or unbound",
        "pods stay `Pending`: `pod has unbound immediate PersistentVolumeClaims`, `persistentvolumeclaim … not found`",
        "Create the claim, or see why its storage class creates no volume: `kubectl describe pvc`.",
    ),
    _kind(
        "spread-or-affinity",
        "Topology spread or pod affinity leaves no node",
        "pods stay `Pending`: `didn't match pod topology spread constraints`, `… pod anti-affinity rules`",
        "Loosen the constraint in the runner's `affinity` or `pod_spec`.",
    ),
    _kind(
        "scheduling-gated",
        "Something holds the pod back by a scheduling gate",
        "pods are `SchedulingGated`",
        "See who sets the gate (Kueue, a webhook), and why it does not lift it.",
    ),
    _kind(
        "scheduler-silent",
        "No scheduler has looked at the pod",
        "pods stay `Pending` without a `FailedScheduling` event and without a condition",
        "See whether the scheduler that `scheduler_name` names is there and running.",
    ),
    _kind(
        "scheduler-says",
        "The scheduler refuses for a reason that this check does not know",
        "pods stay `Pending`; its own words are shown",
        "Follow the scheduler's message.",
    ),
)

_STARTING = (
    _kind(
        "image-lacks-arch",
        "The image does not have the node's architecture",
        "`no match for platform in manifest`, `no matching manifest for linux/arm64`, `no image found in image index "
        "for architecture`, `exec format error`",
        "Use an image whose index has that architecture (`python -m archmerge inspect REF`), "
        "or select the other architecture.",
    ),
    _kind(
        "helper-image-wrong-arch",
        "The helper image is for another architecture than the node",
        "`init-permissions` or `helper` ends at once: `exec format error`",
        "Remove the architecture from `helper_image`: when unset, the runner chooses by the job's selector.",
    ),
    _kind(
        "image-pull-denied",
        "The registry refuses the pull: no credentials, or wrong ones",
        "`ImagePullBackOff`: `401 Unauthorized`, `403 Forbidden`, `pull access denied`",
        "Give `image_pull_secrets` in the jobs' namespace, or the job's `DOCKER_AUTH_CONFIG`.",
    ),
    _kind(
        "image-not-found",
        "The registry has no such image or tag",
        "`ImagePullBackOff`: `manifest unknown`, `not found`",
        "Correct the name or the tag, or push the image first.",
    ),
    _kind(
        "image-rate-limited",
        "The registry limits the rate of pulls",
        "`ImagePullBackOff`: `429 Too Many Requests`, `toomanyrequests`",
        "Pull with credentials, or through a mirror or pull-through cache.",
    ),
    _kind(
        "registry-tls",
        "The node does not trust the registry's certificate",
        "`ImagePullBackOff`: `x509: certificate signed by unknown authority`, `http: server gave HTTP response to "
        "HTTPS client`",
        "Install the registry's CA on the nodes, of both pools.",
    ),
    _kind(
        "registry-unreachable",
        "The node does not reach the registry",
        "`ImagePullBackOff`: `i/o timeout`, `connection refused`, `no such host`",
        "See the node's route, proxy, firewall and DNS; private nodes need NAT or a private endpoint.",
    ),
    _kind(
        "image-name-invalid",
        "The image's name is not a valid reference",
        "`InvalidImageName`",
        "Correct it; an empty variable in `image:` is the usual reason.",
    ),
    _kind(
        "image-never-pulled",
        "The pull policy forbids the pull, and the node does not have the image",
        "`ErrImageNeverPull`",
        "Use `if-not-present` or `always` as `pull_policy`.",
    ),
    _kind(
        "image-pull-fails",
        "The image can't be pulled, for another reason",
        "`ErrImagePull`; the message is shown",
        "Follow the message.",
    ),
    _kind(
        "container-config",
        "A container can't be created as specified",
        '`CreateContainerConfigError`: `secret "…" not found`, `container has runAsNonRoot and image will run as root`',
        "Follow the message: create the Secret or ConfigMap, or change the security context.",
    ),
    _kind(
        "container-start-fails",
        "A container can't be started",
        "`CreateContainerError`, `RunContainerError`, `StartError`",
        "Follow the message: usually a command or a shell that the image does not have.",
    ),
    _kind(
        "init-permissions-fails",
        "The runner's init container fails",
        "`Init:Error` of `init-permissions`",
        "See its log; a read-only volume over the logs' folder, or a helper image of another version.",
    ),
    _kind(
        "volume-mount-fails",
        "A volume can't be mounted",
        "pods stay in `ContainerCreating`: event `FailedMount` or `FailedAttachVolume`",
        "Create the Secret, ConfigMap or claim that the message names; release a volume that is in use elsewhere.",
    ),
    _kind(
        "sandbox-fails",
        "The node can't set up the pod's network",
        "pods stay in `ContainerCreating`: event `FailedCreatePodSandBox` or `NetworkNotReady`",
        "See the network plugin's pod on that node; no free addresses is the usual reason on EKS and AKS.",
    ),
    _kind(
        "kubelet-refuses",
        "The node itself refuses the pod",
        "`OutOfcpu`, `OutOfmemory`, `OutOfpods`, `NodeAffinity`, `UnexpectedAdmissionError`",
        "Retry the job; if it repeats, another scheduler or static pods use up the node.",
    ),
    _kind(
        "pod-evicted",
        "The node evicted the pod because a resource ran low",
        "`Evicted`: `The node was low on resource: ephemeral-storage`",
        "Use larger disks, or set requests and limits for `ephemeral_storage` and memory.",
    ),
    _kind(
        "node-taken-away",
        "The node was removed while the job ran",
        "condition `DisruptionTarget`: spot reclaim, drain, `node no longer exists`",
        "Use spot nodes only for jobs that may be retried; protect other jobs with annotations against eviction.",
    ),
    _kind(
        "pod-preempted",
        "A pod of higher priority preempted the job",
        "condition `DisruptionTarget`, reason `PreemptionByScheduler`",
        "Give the jobs a `priority_class_name` of their own, or the pool more nodes.",
    ),
    _kind(
        "stuck-terminating",
        "Pods are not deleted",
        "`Terminating` long after their grace period: a finalizer, or a node that is gone",
        "Find out why the finalizer's owner does not remove it; delete pods of a node that is gone by force.",
    ),
    _kind(
        "gave-up-waiting",
        "The runner gave up before the pod started",
        "the job says `timed out waiting for pod to start`; the pod is deleted, its events stay for an hour",
        "Fix what its events name; if only a new node was slow, raise `poll_timeout`.",
    ),
)

_CONFIG = (
    _kind(
        "selector-overwrite-off",
        "Jobs can't choose their architecture: the selector overwrite is off",
        "arm64 jobs run on the default architecture, silently: the runner ignores the variable",
        "Set `node_selector_overwrite_allowed` to `^kubernetes\\.io/arch=(amd64|arm64)$`.",
    ),
    _kind(
        "selector-refused",
        "The selector regex refuses an architecture that the cluster has",
        'the job fails: `provided value "kubernetes.io/arch=arm64" does not match …`',
        "Admit it in `node_selector_overwrite_allowed`.",
    ),
    _kind(
        "selector-too-wide",
        "The selector regex is not anchored, and admits labels that no node has",
        "a job with a typo, or `s390x`, waits until `poll_timeout` instead of failing at once",
        "Anchor it: `^kubernetes\\.io/arch=(amd64|arm64)$`.",
        Reach.SOME_DAY,
    ),
    _kind(
        "no-default-selector",
        "Jobs without a selector land on either architecture",
        "a job works today and fails tomorrow with `exec format error`",
        "Set a static `node_selector` with `kubernetes.io/arch`.",
        Reach.SOME_DAY,
    ),
    _kind(
        "helper-image-of-one-arch",
        "`helper_image` names an architecture",
        "jobs of the other architecture fail in `init-permissions`: `exec format error`",
        "Unset `helper_image`, or use a multi-architecture tag (runner 19.2 or later).",
    ),
    _kind(
        "poll-timeout-short",
        "The runner gives up before a new node is ready",
        "the first job after a quiet time fails: `timed out waiting for pod to start`",
        "Set `poll_timeout` to 600 seconds or more.",
        Reach.SOME_DAY,
    ),
    _kind(
        "taint-lost",
        "Nodes lack the taint that keeps other pods off them",
        "other pods fill the arm64 nodes, or fail there with `exec format error`",
        "Put the taint back where the pool is declared; with a stack: `make up`.",
        Reach.SOME_DAY,
    ),
)

CATALOGUE: tuple[Kind, ...] = (*_MANAGER, *_PLACEMENT, *_STARTING, *_CONFIG)
"""Heaviest first within its reach."""

BY_ID: Mapping[str, Kind] = {kind.id: kind for kind in CATALOGUE}
ORDER: Mapping[str, int] = {kind.id: place for place, kind in enumerate(CATALOGUE)}
