"""A small stack that keeps every rule, and ways to break it."""

import copy
from collections.abc import Mapping
from typing import Any

import tomli_w

from components.policy.subject import Resource

DIGEST = "@sha256:" + "0a" * 32
TOKEN = "glrt-" + "x" * 20


def urn(type_: str, name: str, stack: str = "prod-gke") -> str:
    return f"urn:pulumi:{stack}::multiarch-runner::{type_}::{name}"


def resource(type_: str, name: str, properties: Mapping[str, Any], **more: Any) -> Resource:
    values = {"secret_paths": frozenset(), "protect": True, **more}
    return Resource(type=type_, name=name, urn=urn(type_, name), properties=properties, **values)


def config(**changes: Any) -> dict[str, Any]:
    kubernetes = {
        "namespace": "ci-jobs",
        "image": "docker.io/library/alpine:3.22" + DIGEST,
        "helper_image": "registry.example/helper:alpine-latest-v${CI_RUNNER_VERSION}",
        "privileged": False,
        "allow_privilege_escalation": False,
        "poll_timeout": 600,
        "node_selector_overwrite_allowed": r"^kubernetes\.io/arch=(amd64|arm64)$",
        "node_selector": {"kubernetes.io/arch": "amd64"},
        "node_tolerations": {"kubernetes.io/arch=arm64": "NoSchedule"},
        **changes,
    }
    cache = {"Type": "gcs", "Shared": True, "gcs": {"BucketName": "ci-cache"}}
    return {"runners": [{"executor": "kubernetes", "cache": cache, "kubernetes": kubernetes}]}


def toml(**changes: Any) -> str:
    """The config.toml with changes in `[runners.kubernetes]`."""
    return tomli_w.dumps(config(**changes))


def _release() -> Resource:
    values = {
        "gitlabUrl": "https://gitlab.example",
        "image": {"registry": "registry.example", "image": "gitlab-runner", "tag": "alpine-v19.1.1"},
        "podAnnotations": {"checksum/token": "ab" * 32},
        "rbac": {
            "create": True,
            "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "create"]}],
        },
        "runners": {"secret": "gitlab-runner-token", "jobNamespace": "ci-jobs", "config": toml()},
        "securityContext": {"privileged": False, "allowPrivilegeEscalation": False},
    }
    properties = {
        "chart": "gitlab-runner",
        "version": "0.90.1",
        "name": "multi-arch",
        "namespace": "gitlab-runner",
        "atomic": True,
        "values": {**values, "image": {**values["image"], "digest": DIGEST[1:]}},  # type: ignore[dict-item]  # a mapping
    }
    secret = frozenset({"values.podAnnotations.checksum/token"})
    return resource("kubernetes:helm.sh/v3:Release", "release", properties, secret_paths=secret)


ROOTLESS = {
    "run_as_user": 1000,
    "allow_privilege_escalation": True,
    "seccomp_profile": {"type": "Unconfined"},
    "app_armor_profile": {"type": "Unconfined"},
}


def rootless(**changes: Any) -> str:
    """The config.toml of a runner for rootless BuildKit."""
    return toml(**{"namespace": "ci-buildkit", "build_container_security_context": ROOTLESS, **changes})


def _buildkit() -> list[Resource]:
    release = _release()
    values = release.properties["values"]
    runners = {"secret": "buildkit-token", "jobNamespace": "ci-buildkit", "config": rootless()}
    labels = {
        "multiarch-runner.io/class": "buildkit",
        "pod-security.kubernetes.io/enforce": "privileged",
        "pod-security.kubernetes.io/enforce-version": "v1.34",
    }
    here = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ci-buildkit"}}}
    pods = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    policy = {
        "failurePolicy": "Fail",
        "matchConstraints": {**here, "resourceRules": [pods]},
        "validations": [{"expression": "object.spec.containers.all(c, !c.securityContext.privileged)"}],
    }
    binding = {"policyName": "ci-buildkit", "validationActions": ["Deny"], "matchResources": here}
    deny = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    admission = "kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy"
    return [
        resource(
            "kubernetes:helm.sh/v3:Release",
            "second",
            {**release.properties, "name": "buildkit", "values": {**values, "runners": runners}},
            secret_paths=release.secret_paths,
        ),
        resource("kubernetes:core/v1:Namespace", "rooms", {"metadata": {"name": "ci-buildkit", "labels": labels}}),
        resource(admission, "rules", {"metadata": {"name": "ci-buildkit"}, "spec": policy}),
        resource(f"{admission}Binding", "in-force", {"metadata": {"name": "ci-buildkit"}, "spec": binding}),
        resource(
            "kubernetes:networking.k8s.io/v1:NetworkPolicy",
            "rooms-deny",
            {"metadata": {"namespace": "ci-buildkit"}, "spec": deny},
        ),
    ]


def _gke() -> Resource:
    node_config = {
        "labels": {"managed-by": "pulumi"},
        "metadata": {"disable-legacy-endpoints": "true"},
        "workloadMetadataConfig": {"mode": "GKE_METADATA"},
        "serviceAccount": "ci-nodes@example.iam.gserviceaccount.com",
    }
    autoscaling = {"totalMinNodeCount": 1, "totalMaxNodeCount": 20, "locationPolicy": "BALANCED"}
    properties = {"autoscaling": autoscaling, "nodeConfig": node_config}
    return resource("gcp:container/nodePool:NodePool", "gke", properties)


def _eks() -> list[Resource]:
    group = {
        "amiType": "AL2023_ARM_64_STANDARD",
        "scalingConfig": {"minSize": 1, "maxSize": 20, "desiredSize": 1},
        "labels": {"managed-by": "pulumi"},
        "launchTemplate": {"id": "lt-1", "version": "3"},
    }
    template = {
        "blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": {"encrypted": "true", "volumeType": "gp3"}}],
        "metadataOptions": {"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 1},
    }
    return [
        resource("aws:eks/nodeGroup:NodeGroup", "eks", group),
        resource("aws:ec2/launchTemplate:LaunchTemplate", "template", template),
    ]


def _aks() -> Resource:
    properties = {
        "enableAutoScaling": True,
        "minCount": 1,
        "maxCount": 20,
        "nodeLabels": {"managed-by": "pulumi"},
        "enableEncryptionAtHost": True,
    }
    return resource("azure-native:containerservice/v20250901:AgentPool", "aks", properties)


def _namespace() -> Resource:
    labels = {
        "pod-security.kubernetes.io/enforce": "baseline",
        "pod-security.kubernetes.io/enforce-version": "v1.34",
    }
    return resource("kubernetes:core/v1:Namespace", "jobs", {"metadata": {"name": "ci-jobs", "labels": labels}})


def _policies() -> list[Resource]:
    kind = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
    metadata = {"namespace": "ci-jobs"}
    deny = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    wide = {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16", "168.63.129.16/32"]}}
    dns = {"to": [{"namespaceSelector": {}}], "ports": [{"port": 53, "protocol": "UDP"}]}
    egress = {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [wide]}, dns]}
    return [
        resource(kind, "deny", {"metadata": metadata, "spec": deny}),
        resource(kind, "egress", {"metadata": metadata, "spec": egress}),
    ]


def _access() -> list[Resource]:
    rbac = "kubernetes:rbac.authorization.k8s.io/v1:"
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    binding = {
        "roleRef": {"kind": "Role", "name": "jobs"},
        "subjects": [{"kind": "ServiceAccount", "name": "multi-arch"}],
    }
    return [resource(f"{rbac}Role", "role", {"rules": rules}), resource(f"{rbac}RoleBinding", "binding", binding)]


def _workload() -> Resource:
    container = {
        "name": "warm",
        "image": "registry.example/pause:3.10" + DIGEST,
        "securityContext": {"privileged": False, "capabilities": {"drop": ["ALL"]}},
    }
    spec = {"template": {"spec": {"containers": [container], "volumes": [{"name": "tmp", "emptyDir": {}}]}}}
    return resource("kubernetes:apps/v1:Deployment", "warm", {"spec": spec})


def _secret() -> Resource:
    data = {"runner-token": TOKEN, "runner-registration-token": ""}
    marked = frozenset({"stringData.runner-token"})
    return resource("kubernetes:core/v1:Secret", "token", {"stringData": data}, secret_paths=marked)


def good() -> list[Resource]:
    """Every kind of resource that a rule speaks of, and no rule broken, advisory ones included."""
    return [
        _gke(),
        *_eks(),
        _aks(),
        _release(),
        _namespace(),
        *_policies(),
        *_access(),
        _workload(),
        _secret(),
        *_buildkit(),
    ]


def changed(name: str, path: tuple[str | int, ...], value: Any, **more: Any) -> list[Resource]:
    """The good stack with one value of one resource set (`DROP` takes it away), and options replaced by `more`."""
    return [_changed(item, path, value, more) if item.name == name else item for item in good()]


DROP = object()


def _changed(item: Resource, path: tuple[str | int, ...], value: Any, more: Mapping[str, Any]) -> Resource:
    properties = copy.deepcopy(item.properties)
    holder: Any = properties
    for key in path[:-1]:
        holder = holder[key]
    if path and value is DROP:
        del holder[path[-1]]
    elif path and isinstance(holder, list) and path[-1] == len(holder):
        holder.append(value)
    elif path:
        holder[path[-1]] = value
    options = {"secret_paths": item.secret_paths, "protect": item.protect, **more}
    return Resource(type=item.type, name=item.name, urn=item.urn, properties=properties, **options)
