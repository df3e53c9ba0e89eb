"""What is left out of the runner's configuration and of the extra Helm values on purpose: what to do instead, and why.

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

Reasons = Mapping[str, str]
"""Key to what to do instead, and why."""

_PRIVILEGED: Final = (
    "Build with kaniko, which needs no privileges: a privileged job controls its node and every other job on it. "
    "Builders that need privileges belong on a separate runner."
)
_TOLERATIONS: Final = (
    "Remove it: with an empty toleration a job tolerates every taint, and lands on nodes that are kept for others. The "
    "jobs tolerate the arm64 taint and the taints of this stack's pools already."
)
_NAMESPACE: Final = (
    "Set jobNamespace, which all jobs share: the stack's network policies and Pod Security levels apply only there."
)
_SERVICE_ACCOUNT: Final = (
    "Set the jobs' identity in jobServiceAccount.annotations: here, a job could choose any other identity, with its "
    "cloud rights."
)
_BEARER: Final = "Remove it: a job could make the runner act on the API server with a token of its own."
_TAGS: Final = (
    "Set it where the runner is created: in GitLab's UI, or by token.create (token.create.tags). GitLab keeps a glrt- "
    "runner's tags on its side, and registering with them fails ('... is reserved')."
)
_PLAIN: Final = (
    "Use `pulumi config set --secret multiarch-runner:runnerToken`, or token.existingSecret: here it would be readable "
    "in Git and in the release's Secret."
)
_REGISTRATION: Final = (
    "Create a runner in GitLab and use its authentication token (glrt-): GitLab removes registration tokens, which let "
    "anyone who reads one add runners."
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

REFUSED_KEYS: Final[Reasons] = MappingProxyType(
    {
        **{key: f"Use runner.jobs.{name}." for key, name in _OF_JOBS.items()},
        **dict.fromkeys(("privileged", "allowPrivilegeEscalation", "servicesPrivileged"), _PRIVILEGED),
        **dict.fromkeys(("tolerationsOverwrite", "nodeTolerationsOverwrite"), _TOLERATIONS),
        "nodeTolerationsOverwriteAllowed": _TOLERATIONS,
        **dict.fromkeys(("namespaceOverwrite", "namespaceOverwriteAllowed", "namespacePerJob"), _NAMESPACE),
        **dict.fromkeys(("serviceAccountOverwrite", "serviceAccountOverwriteAllowed"), _SERVICE_ACCOUNT),
        **dict.fromkeys(("bearerTokenOverwrite", "bearerTokenOverwriteAllowed"), _BEARER),
        **dict.fromkeys(("tags", "tagList", "runUntagged", "locked", "protected", "maximumTimeout"), _TAGS),
        "runnerToken": _PLAIN,
        "registrationToken": _REGISTRATION,
    }
)
"""Keys of `runner` that people look for."""

_RELEASE: Final = "Use runner.releaseName: the release's objects have the names that the rest expects."
_RESTRICTED: Final = "Remove it: the manager's namespace admits only the restricted profile, which is set already."
_HOOK: Final = "Remove it: it would replace the hook that lets jobs finish."
_CONFIG: Final = (
    "Use the keys of `runner`, which config.toml comes from; this would override it. For jobs' pods: runner.jobs."
)
_PUBLIC: Final = "Remove it: the metrics and Go's debugging pages would be open outside the cluster."
_RBAC: Final = (
    "Remove it: the rules that the runner needs are set already, and any rule without verbs is a wildcard to the "
    "chart. Grant further ones in a Role of your own."
)

_VALUES: Final[Reasons] = {
    "runnerToken": _PLAIN,
    "runnerRegistrationToken": _REGISTRATION,
    "rbac": _RBAC,
    "serviceAccount": "Use runner.cache for the manager's identity.",
    **dict.fromkeys(("securityContext", "podSecurityContext"), _RESTRICTED),
    "gitlabUrl": "Use runner.gitlabUrl.",
    "namespace": "Use runner.namespace.",
    **dict.fromkeys(("nameOverride", "fullnameOverride"), _RELEASE),
    "concurrent": "Use runner.concurrent.",
    "checkInterval": "Use runner.checkInterval.",
    "logLevel": "Use runner.logLevel.",
    "replicas": "Use runner.manager.replicas.",
    "hpa": "Use runner.manager.replicas; one manager is enough for hundreds of jobs.",
    "resources": "Use runner.manager.resources.",
    "nodeSelector": "Use runner.manager.pool or runner.manager.nodeSelector.",
    "tolerations": "Use runner.manager.pool, whose taints are tolerated, or runner.manager.taints.",
    "affinity": "Use runner.manager.pool or runner.manager.nodeSelector; topologySpreadConstraints spread managers.",
    "strategy": "Remove it: the new manager has to start before the old one ends, which waits for its jobs longer than "
    "Helm waits for the update.",
    "terminationGracePeriodSeconds": "Use runner.jobTimeout.",
    **dict.fromkeys(("deploymentLifecycle", "unregisterRunners"), _HOOK),
    "sessionServer": "Remove it: the chart opens a public LoadBalancer, and GitLab users get a shell in jobs.",
    "useTini": "Remove it: the image of this chart has no tini, and the manager would not start.",
    "automountServiceAccountToken": "Remove it: without its token the manager could start no job.",
    "preEntrypointScript": "Use the keys of `runner`: the script could rewrite the whole config.toml.",
    "configMaps": "Use volumes and volumeMounts: its keys could replace config.toml and the manager's scripts.",
    "secrets": "Use volumes and volumeMounts: its keys could replace the runner's token.",
    "envVars": "Use extraEnv, or extraEnvFrom for a secret.",
    "extraEnvFromRefs": "Name each variable in extraEnvFrom: some would undo the runner's configuration.",
    "extraContainers": "Run it as a Deployment of its own: here it shares the manager's identity and its token.",
    "extraObjects": "Declare such objects in Pulumi: here the plan, the policies and the drift check don't see them.",
}
_RUNNERS: Final[Reasons] = {
    **dict.fromkeys(("tags", "runUntagged", "locked", "protected", "maximumTimeout"), _TAGS),
    "privileged": _PRIVILEGED,
    "secret": "Use runner.token.existingSecret.",
    **dict.fromkeys(("config", "configOverride", "configPath"), _CONFIG),
    "executor": "Remove it: the executor is kubernetes.",
    **dict.fromkeys(("jobNamespace", "namespace"), "Use runner.jobNamespace."),
    "cache": "Use runner.cache: this would bring static keys into the pods.",
}
_IMAGE: Final[Reasons] = {"tag": "Use runner.chart: its version decides the runner's, which helper and checks know."}
_METRICS: Final[Reasons] = {
    **dict.fromkeys(("enabled", "port"), "Use runner.metrics."),
    "portName": "Remove it: the PodMonitor and the network policy expect the default port.",
    "serviceMonitor": "Use runner.metrics.podMonitor: the chart's authors have deprecated this.",
}
_POD_MONITOR: Final[Reasons] = {
    "enabled": "Use runner.metrics.podMonitor.",
    "namespace": "Remove it: an object in another namespace is out of sight of the drift check.",
    **dict.fromkeys(
        ("path", "scheme", "tlsConfig"), "Remove it: the manager serves http at /metrics and nothing else."
    ),
    "jobLabel": "Use relabelings with the target label job: the chart writes this without quotes.",
}
_SERVICE: Final[Reasons] = {
    **dict.fromkeys(("type", "externalIPs", "externalTrafficPolicy"), _PUBLIC),
    **dict.fromkeys(("loadBalancerIP", "loadBalancerSourceRanges", "metrics"), _PUBLIC),
    "additionalPorts": "Remove it: the manager listens on one port, and the Service has it already.",
    **dict.fromkeys(("clusterIP", "internalTrafficPolicy"), "Remove it: Prometheus asks the pods, not the Service."),
}
_PROBE: Final[Reasons] = {
    "terminationGracePeriodSeconds": "Remove it: a failed probe would end the manager before its jobs.",
    "successThreshold": "Remove it: a liveness probe may have no other than 1, and readiness needs none.",
}
_VOLUME: Final[Reasons] = {
    "hostPath": "Remove it: the restricted profile of the manager's namespace refuses it, and no manager would start."
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
        ExtraMetrics: _kin("runner.values.metrics", _METRICS),
        ExtraPodMonitor: _kin("runner.values.metrics.podMonitor", _POD_MONITOR),
        ExtraService: _kin("runner.values.service", _SERVICE),
        ExtraProbe: _kin("runner.values.livenessProbe", _PROBE),
        ExtraVolume: _kin("runner.values.volumes[]", _VOLUME),
    },
)
"""How a runner is read, and what is said of keys that it does not take."""
