"""What is left out of the runner's configuration on purpose, and kept out of the extra Helm values too."""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from pydantic import JsonValue

from components.problems import Problem

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

# Keys of `runner` that people look for, and why they are not there: (consequence, fix).
REFUSED_KEYS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
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
_RBAC: Final = (
    "the chart's default, and any rule without verbs, is a wildcard: the runner could read every Secret there",
    "Drop it. The rules that the runner needs are set already; grant further ones in a Role of your own.",
)

# Paths of Helm values that can't be set, the longest match first: (consequence, fix).
_REFUSED_VALUES: Final[Mapping[tuple[str, ...], tuple[str, str]]] = MappingProxyType(
    {
        ("runnerToken",): _TOKEN,
        ("runnerRegistrationToken",): REFUSED_KEYS["registrationToken"],
        ("runners", "tags"): _TAGS,
        ("runners", "runUntagged"): _TAGS,
        ("runners", "locked"): _TAGS,
        ("runners", "protected"): _TAGS,
        ("runners", "maximumTimeout"): _TAGS,
        ("runners", "privileged"): _PRIVILEGED,
        ("runners", "secret"): (_OURS, "Use runner.token.existingSecret."),
        ("runners", "config"): (_OURS, "Use the keys of `runner`; what they lack is left out on purpose."),
        ("runners", "configOverride"): (_OURS, "Use the keys of `runner`."),
        ("runners", "configPath"): (_OURS, "Use the keys of `runner`."),
        ("runners", "executor"): (_OURS, "Drop it: the executor is kubernetes."),
        ("runners", "jobNamespace"): (_OURS, "Use runner.jobNamespace."),
        ("runners", "namespace"): (_OURS, "Use runner.jobNamespace."),
        ("runners", "cache"): ("it would bring static keys into the pods", "Use runner.cache."),
        ("rbac",): _RBAC,
        ("serviceAccount",): (_OURS, "Use runner.cache for the manager's identity."),
        ("securityContext",): ("the manager's namespace admits only the restricted profile", "Drop it."),
        ("podSecurityContext",): ("the manager's namespace admits only the restricted profile", "Drop it."),
        ("gitlabUrl",): (_OURS, "Use runner.gitlabUrl."),
        ("namespace",): (_OURS, "Use runner.namespace."),
        ("nameOverride",): (
            "the release's objects would get names that nothing else expects",
            "Use runner.releaseName.",
        ),
        ("fullnameOverride",): (
            "the release's objects would get names that nothing else expects",
            "Use runner.releaseName.",
        ),
        ("concurrent",): (_OURS, "Use runner.concurrent."),
        ("checkInterval",): (_OURS, "Use runner.checkInterval."),
        ("logLevel",): (_OURS, "Use runner.logLevel."),
        ("replicas",): (_OURS, "Use runner.manager.replicas."),
        ("hpa",): (_OURS, "Use runner.manager.replicas; one manager is enough for hundreds of jobs."),
        ("resources",): (_OURS, "Use runner.manager.resources."),
        ("nodeSelector",): (_OURS, "Use runner.manager.pool or runner.manager.nodeSelector."),
        ("terminationGracePeriodSeconds",): (_OURS, "Use runner.jobTimeout."),
        ("deploymentLifecycle",): ("it would replace the hook that lets jobs finish", "Drop it."),
        ("unregisterRunners",): ("it would replace the hook that lets jobs finish", "Drop it."),
        ("metrics",): (_OURS, "Use runner.metrics."),
        ("extraObjects",): (
            "they would escape the plan, the policies and the drift check",
            "Declare such objects in Pulumi.",
        ),
    }
)

_SECRET_ENV: Final = re.compile(r"TOKEN|PASSWORD|SECRET|ACCESS_KEY|PRIVATE_KEY", re.IGNORECASE)
_TOKEN_TEXT: Final = re.compile(r"(?:^|[^A-Za-z0-9])(?:glrtr?-|GR1348941)[A-Za-z0-9_.-]{8,}")


def check_values(values: Mapping[str, JsonValue]) -> list[Problem]:
    """Return what must not be in `runner.values`, with the reason. Token texts are found but never repeated."""
    return [problem for keys, value in _walk(values) if (problem := _check_value(keys, value))]


def _walk(
    value: JsonValue | Mapping[str, JsonValue], keys: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], JsonValue]]:
    """Yield every key with its value, parents first; nothing below a refused key, which is one mistake, not many."""
    items: Iterator[tuple[str, JsonValue]]
    if isinstance(value, Mapping):
        items = iter(value.items())
    elif isinstance(value, list):
        items = ((str(index), entry) for index, entry in enumerate(value))
    else:
        return
    for key, entry in items:
        yield (*keys, key), entry
        if (*keys, key) not in _REFUSED_VALUES:
            yield from _walk(entry, (*keys, key))


def _check_value(keys: tuple[str, ...], value: JsonValue) -> Problem | None:
    path = _path(keys)
    if keys in _REFUSED_VALUES:
        consequence, fix = _REFUSED_VALUES[keys]
        return Problem(path=path, found="not for extra values", consequence=consequence, fix=fix)
    if isinstance(value, str) and _TOKEN_TEXT.search(value):
        return Problem(path=path, found="looks like a runner token", consequence=_TOKEN[0], fix=_TOKEN[1])
    if keys[-1] == "privileged" and value is True:
        return Problem(path=path, found="true", consequence=_PRIVILEGED[0], fix="Drop it.")
    if keys[0] in ("extraEnv", "envVars") and _SECRET_ENV.search(keys[-1]) and isinstance(value, str):
        return Problem(
            path=path,
            found="a secret in plain text",
            consequence="Helm keeps values readable in the release's Secret, and the pod shows them to all who list it",
            fix="Use extraEnvFrom with a secretKeyRef.",
        )
    if keys == ("sessionServer", "enabled") and value is True:
        return Problem(
            path=path,
            found="true",
            consequence="the chart opens a public LoadBalancer, through which GitLab users get a shell in jobs",
            fix="Drop it. Interactive web terminals are not offered by this package.",
        )
    return None


def _path(keys: tuple[str, ...]) -> str:
    path = "runner.values"
    for key in keys:
        path += f"[{key}]" if key.isdigit() else f".{key}" if re.fullmatch(r"\w+", key) else f"[{key!r}]"
    return path
