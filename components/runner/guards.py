"""What is left out of the runner's configuration and of the extra Helm values on purpose: why, and the fix.

The keys of values are those of the official chart 0.90.1 (values.yaml, and what its templates read besides).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from components.reading import Kin
from components.runner.extra_values import (
    ExtraImage,
    ExtraMetrics,
    ExtraPodMonitor,
    ExtraProbe,
    ExtraRunners,
    ExtraService,
    ExtraValues,
    ExtraVolume,
)

Reasons = dict[str, tuple[str, str]]
"""Key to consequence and fix."""

_PRIVILEGED: Final = (
    "a privileged job owns its node and every other job on it; the jobs' namespace (Pod Security baseline) refuses it",
    "Build with kaniko, which needs no privilege. Builders that do need some belong to a runner of their own.",
)
_TOLERATIONS: Final = (
    "a job that sets an empty toleration tolerates every taint, and lands on nodes that are kept for others",
    "Drop it. The jobs tolerate the arm64 taint and the taints of this stack's pools already.",
)
_NAMESPACE: Final = (
    "a job could start pods in any namespace that matches, beyond the network policies and Pod Security of its own",
    "Drop it, and set jobNamespace, which all jobs share.",
)
_SERVICE_ACCOUNT: Final = (
    "a job could take the identity, and so the cloud rights, of any service account in its namespace",
    "Drop it, and give the jobs' one identity in jobServiceAccount.annotations.",
)
_BEARER_TOKEN: Final = (
    "a job could make the runner act on the API server with a token of its own",
    "Drop it. The runner's own service account has the rights it needs.",
)
_TAGS: Final = (
    "GitLab keeps a glrt- runner's tags on its side: the chart drops them, or registering fails ('... is reserved')",
    "Set the tag multi-arch where the runner is created: in GitLab's UI, or by token.create.tags.",
)
_TOKEN: Final = (
    "a token in the stack file or in Helm values ends up readable in Git and in the release's Secret",
    "Use `pulumi config set --secret multiarch-runner:runnerToken`, or token.existingSecret.",
)

_OF_JOBS: Final[Mapping[str, str]] = {
    **{name: name for name in ("volumes", "environment", "hostAliases", "pullPolicy", "services", "featureFlags")},
    **{name: name for name in ("preBuildScript", "postBuildScript", "preGetSourcesScript", "labels", "annotations")},
    "podLabels": "labels",
    "podAnnotations": "annotations",
    "dnsPolicy": "dns",
    "dnsConfig": "dns",
    "runtimeClassName": "runtimeClass",
    "podSpec": "podPatches",
    "affinity": "podPatches",
}
"""Keys of config.toml and of the chart that shape the jobs' pods, to their keys of `runner.jobs`."""

# Keys of `runner` that people look for, and why they are not there: (consequence, fix).
REFUSED_KEYS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        **{
            key: ("it says what the jobs' pods have, and stands with all that does", f"Use runner.jobs.{name}.")
            for key, name in _OF_JOBS.items()
        },
        "privileged": _PRIVILEGED,
        "allowPrivilegeEscalation": _PRIVILEGED,
        "servicesPrivileged": _PRIVILEGED,
        "tolerationsOverwrite": _TOLERATIONS,
        "nodeTolerationsOverwrite": _TOLERATIONS,
        "nodeTolerationsOverwriteAllowed": _TOLERATIONS,
        "namespaceOverwrite": _NAMESPACE,
        "namespaceOverwriteAllowed": _NAMESPACE,
        "namespacePerJob": _NAMESPACE,
        "serviceAccountOverwrite": _SERVICE_ACCOUNT,
        "serviceAccountOverwriteAllowed": _SERVICE_ACCOUNT,
        "bearerTokenOverwrite": _BEARER_TOKEN,
        "bearerTokenOverwriteAllowed": _BEARER_TOKEN,
        "tags": _TAGS,
        "tagList": _TAGS,
        "runUntagged": _TAGS,
        "locked": _TAGS,
        "protected": _TAGS,
        "maximumTimeout": _TAGS,
        "runnerToken": _TOKEN,
        "registrationToken": (
            "GitLab removes registration tokens, and they let anyone who reads one add runners",
            "Create a runner in GitLab and use its authentication token (glrt-).",
        ),
    }
)

_OURS: Final = "it is made from the stack's configuration, and this would undo it"
_NAMES: Final = ("the release's objects would get names that nothing else expects", "Use runner.releaseName.")
_RESTRICTED: Final = ("the manager's namespace admits only the restricted profile, which is set already", "Drop it.")
_HOOK: Final = ("it would replace the hook that lets jobs finish", "Drop it.")
_CONFIG: Final = (_OURS, "Use the keys of `runner`; what jobs' pods have stands in runner.jobs.")
_PUBLIC: Final = ("the metrics, and Go's debugging pages beside them, would be open beyond the cluster", "Drop it.")
_METRICS: Final = (_OURS, "Use runner.metrics.")
_MOUNT: Final = "Mount it by `volumes` and `volumeMounts`."
_RBAC: Final = (
    "the chart's default, and any rule without verbs, is a wildcard: the runner could read every Secret there",
    "Drop it. The rules that the runner needs are set already; grant further ones in a Role of your own.",
)

_VALUES: Final[Reasons] = {
    "runnerToken": _TOKEN,
    "runnerRegistrationToken": REFUSED_KEYS["registrationToken"],
    "rbac": _RBAC,
    "serviceAccount": (_OURS, "Use runner.cache for the manager's identity."),
    "securityContext": _RESTRICTED,
    "podSecurityContext": _RESTRICTED,
    "gitlabUrl": (_OURS, "Use runner.gitlabUrl."),
    "namespace": (_OURS, "Use runner.namespace."),
    "nameOverride": _NAMES,
    "fullnameOverride": _NAMES,
    "concurrent": (_OURS, "Use runner.concurrent."),
    "checkInterval": (_OURS, "Use runner.checkInterval."),
    "logLevel": (_OURS, "Use runner.logLevel."),
    "replicas": (_OURS, "Use runner.manager.replicas."),
    "hpa": (_OURS, "Use runner.manager.replicas; one manager is enough for hundreds of jobs."),
    "resources": (_OURS, "Use runner.manager.resources."),
    "nodeSelector": (_OURS, "Use runner.manager.pool or runner.manager.nodeSelector."),
    "tolerations": (
        "it would replace those for the taints of the manager's own nodes, which would refuse the pod",
        "Use runner.manager.pool, whose taints are tolerated, or runner.manager.taints beside its nodeSelector.",
    ),
    "affinity": (
        "it could keep the manager from the one pool that its node selector names, or draw it to a job's node",
        "Use runner.manager.pool or runner.manager.nodeSelector; topologySpreadConstraints spread several managers.",
    ),
    "strategy": (
        "a manager that is ended before the new one runs waits for its jobs, longer than Helm waits for the update",
        "Drop it: the new manager starts first, and one that can't start changes nothing.",
    ),
    "terminationGracePeriodSeconds": (_OURS, "Use runner.jobTimeout."),
    "deploymentLifecycle": _HOOK,
    "unregisterRunners": _HOOK,
    "sessionServer": (
        "the chart opens a public LoadBalancer, through which GitLab users get a shell in jobs",
        "Drop it: it is off. Interactive web terminals are not offered by this package.",
    ),
    "useTini": ("the image of this chart has no tini, so that the manager would not start", "Drop it."),
    "automountServiceAccountToken": ("without its token the manager could start no job", "Drop it."),
    "preEntrypointScript": (
        "it runs between registration and start, where it can rewrite the whole config.toml",
        "Use the keys of `runner`; files can be mounted by `volumes` and `volumeMounts`.",
    ),
    "configMaps": ("its keys could replace config.toml and the scripts that start the manager", _MOUNT),
    "secrets": ("its keys could replace the runner's token, or bring static cloud keys for the cache", _MOUNT),
    "envVars": ("the chart keeps it for old releases only", "Use extraEnv, or extraEnvFrom for a secret."),
    "extraEnvFromRefs": (
        "nobody can tell which variables it brings, and some would undo the runner's configuration",
        "Name each variable in extraEnvFrom.",
    ),
    "extraContainers": (
        "a container beside the manager shares its identity, and can mount its token and config.toml",
        "Run it as a Deployment of its own.",
    ),
    "extraObjects": ("they would escape the plan, the policies and the drift check", "Declare such objects in Pulumi."),
}
_RUNNERS: Final[Reasons] = {
    **dict.fromkeys(("tags", "runUntagged", "locked", "protected", "maximumTimeout"), _TAGS),
    "privileged": _PRIVILEGED,
    "secret": (_OURS, "Use runner.token.existingSecret."),
    "config": _CONFIG,
    "configOverride": _CONFIG,
    "configPath": _CONFIG,
    "executor": (_OURS, "Drop it: the executor is kubernetes."),
    "jobNamespace": (_OURS, "Use runner.jobNamespace."),
    "namespace": (_OURS, "Use runner.jobNamespace."),
    "cache": ("it would bring static keys into the pods", "Use runner.cache."),
}
_IMAGE: Final[Reasons] = {
    "tag": (
        "another version than the chart's is one that helper image and checks know nothing of",
        "Use runner.chart: its version decides the runner's.",
    )
}
_METRICS_KEYS: Final[Reasons] = {
    **dict.fromkeys(("enabled", "port"), _METRICS),
    "portName": ("the PodMonitor and the network policy are made for the port as it is", "Drop it."),
    "serviceMonitor": ("the chart's authors have deprecated it", "Use runner.metrics.podMonitor."),
}
_POD_MONITOR: Final[Reasons] = {
    "enabled": (_OURS, "Use runner.metrics.podMonitor."),
    "namespace": ("an object in another namespace is out of sight of the drift check", "Drop it."),
    **dict.fromkeys(
        ("path", "scheme", "tlsConfig"), ("the manager serves http at /metrics and nothing else", "Drop it.")
    ),
    "jobLabel": ("the chart writes it without quotes", "Use relabelings with the target label job."),
}
_SERVICE: Final[Reasons] = {
    **dict.fromkeys(
        ("type", "externalIPs", "externalTrafficPolicy", "loadBalancerIP", "loadBalancerSourceRanges", "metrics"),
        _PUBLIC,
    ),
    "additionalPorts": ("the manager listens on one port, which is there already", "Drop it."),
    **dict.fromkeys(("clusterIP", "internalTrafficPolicy"), ("Prometheus asks the pods, not the Service", "Drop it.")),
}
_PROBE: Final[Reasons] = {
    "terminationGracePeriodSeconds": ("a failed probe would end the manager before its jobs", "Drop it."),
    "successThreshold": ("a liveness probe may have no other than 1, and readiness needs none", "Drop it."),
}
_VOLUME: Final[Reasons] = {
    "hostPath": ("the restricted profile of the manager's namespace refuses it: no manager would start", "Drop it.")
}


def _kin(path: str, refused: Reasons) -> Kin:
    return Kin(own=f"`{path}`", because="this is for the manager", refused=refused)


RUNNER_KIN: Final = Kin(
    own="the runner",
    because="this is the runner",
    refused=REFUSED_KEYS,
    inside={
        ExtraValues: _kin("runner.values", _VALUES),
        ExtraRunners: _kin("runner.values.runners", _RUNNERS),
        ExtraImage: _kin("runner.values.image", _IMAGE),
        ExtraMetrics: _kin("runner.values.metrics", _METRICS_KEYS),
        ExtraPodMonitor: _kin("runner.values.metrics.podMonitor", _POD_MONITOR),
        ExtraService: _kin("runner.values.service", _SERVICE),
        ExtraProbe: _kin("runner.values.livenessProbe", _PROBE),
        ExtraVolume: _kin("runner.values.volumes[]", _VOLUME),
    },
)
"""How a runner is read, and what is said of keys that it does not take."""
