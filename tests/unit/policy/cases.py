"""One break of the good stack for each way in which a rule can be broken, or left open."""

from dataclasses import dataclass, field
from typing import Any

from components.policy.subject import UNKNOWN
from tests.unit.policy.stack import DROP, ROOTLESS, TOKEN, rootless, toml

CONFIG = ("values", "runners", "config")
NODE = ("nodeConfig",)
ON, OFF = True, False
POD = ("spec", "template", "spec")
CONTAINER = (*POD, "containers", 0)
SELECTOR = ("spec", "matchResources", "namespaceSelector", "matchLabels")
OPEN_PROFILE = {"type": "Unconfined"}
EGRESS = ("spec", "egress", 0)


@dataclass(frozen=True)
class Case:
    rule: str
    resource: str
    path: tuple[str | int, ...]
    value: Any
    also: tuple[str, ...] = ()
    """Other rules that the same change breaks, by necessity."""
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.rule}-{self.resource}-{'.'.join(str(key) for key in self.path)}={str(self.value)[:40]!r}"


BROKEN = [
    Case("pool-bounds", "gke", ("autoscaling", "totalMaxNodeCount"), 0),
    Case("pool-bounds", "gke", ("autoscaling", "totalMinNodeCount"), 21),
    Case("pool-bounds", "gke", ("autoscaling",), DROP),
    Case("pool-bounds", "eks", ("scalingConfig", "maxSize"), DROP),
    Case("pool-bounds", "eks", ("scalingConfig", "maxSize"), 0),
    Case("pool-bounds", "aks", ("enableAutoScaling",), OFF),
    Case("pool-bounds", "aks", ("maxCount",), DROP),
    Case("pool-labels", "gke", (*NODE, "labels", "managed-by"), DROP),
    Case("pool-labels", "eks", ("labels",), DROP),
    Case("pool-labels", "aks", ("nodeLabels", "managed-by"), ""),
    Case("pool-protected", "gke", (), None, options={"protect": False}),
    Case("gke-legacy-endpoints", "gke", (*NODE, "metadata"), DROP),
    Case("gke-legacy-endpoints", "gke", (*NODE, "metadata", "disable-legacy-endpoints"), "false"),
    Case("gke-metadata-server", "gke", (*NODE, "workloadMetadataConfig", "mode"), "GCE_METADATA"),
    Case("gke-metadata-server", "gke", (*NODE, "workloadMetadataConfig"), DROP),
    Case("gke-node-identity", "gke", (*NODE, "serviceAccount"), DROP),
    Case("eks-launch-template", "eks", ("launchTemplate",), DROP),
    Case("eks-ami-type", "eks", ("amiType",), DROP),
    Case("eks-disk-encrypted", "template", ("blockDeviceMappings", 0, "ebs", "encrypted"), "false"),
    Case("eks-disk-encrypted", "template", ("blockDeviceMappings",), []),
    Case("eks-metadata-service", "template", ("metadataOptions", "httpTokens"), "optional"),
    Case("eks-metadata-service", "template", ("metadataOptions", "httpPutResponseHopLimit"), 2),
    Case("eks-metadata-service", "template", ("metadataOptions",), DROP),
    Case("aks-host-encryption", "aks", ("enableEncryptionAtHost",), OFF),
    Case("chart-pinned", "release", ("version",), DROP),
    Case("chart-pinned", "release", ("version",), "~0.90"),
    Case("chart-pinned", "release", ("version",), "0.90"),
    Case("chart-pinned", "release", ("devel",), ON),
    Case("chart-digest", "release", ("chart",), "oci://registry.example/charts/gitlab-runner"),
    Case("release-recovers", "release", ("atomic",), OFF),
    Case("release-recovers", "release", ("name",), DROP),
    Case("image-pinned", "warm", (*CONTAINER, "image"), "registry.example:5000/pause", also=("image-digest",)),
    Case("image-pinned", "warm", (*CONTAINER, "image"), "pause:latest", also=("image-digest",)),
    Case("image-pinned", "release", ("values", "sidecar"), {"image": "busybox"}, also=("image-digest",)),
    Case(
        "image-pinned", "release", ("values", "image"), {"image": "x", "tag": "alpine-latest"}, also=("image-digest",)
    ),
    Case("image-pinned", "release", CONFIG, toml(image="alpine:edge"), also=("image-digest",)),
    Case("image-pinned", "release", CONFIG, toml(services=[{"name": "redis"}]), also=("image-digest",)),
    Case("image-digest", "warm", (*CONTAINER, "image"), "registry.example/pause:3.10"),
    Case("image-digest", "release", CONFIG, toml(image="alpine:3.22")),
    Case("no-static-cloud-keys", "token", ("stringData", "aws"), "AKIAIOSFODNN7EXAMPLE"),
    Case("no-static-cloud-keys", "token", ("stringData", "pem"), "-----BEGIN RSA PRIVATE KEY-----\nMII"),
    Case("no-static-cloud-keys", "token", ("stringData", "json"), '{"type": "service_account"}'),
    Case("no-static-cloud-keys", "release", ("values", "cache"), {"s3": {"SecretKey": "abc"}}),
    Case(
        "no-static-cloud-keys",
        "release",
        CONFIG,
        toml() + '\n[[runners]]\nexecutor = "shell"\n[runners.cache.azure]\nAccountKey = "k"\n',
    ),
    Case("token-in-secret-only", "release", ("values", "runnerToken"), "anything"),
    Case("token-in-secret-only", "release", ("values", "env"), [{"name": "T", "value": TOKEN}]),
    Case("token-in-secret-only", "release", CONFIG, toml() + f'\n[[runners]]\nexecutor = "shell"\ntoken = "{TOKEN}"\n'),
    Case("token-in-secret-only", "warm", (*CONTAINER, "args"), ["--token", TOKEN]),
    Case("no-secrets-in-values", "release", (), None, options={"secret_paths": frozenset({"values.gitlabUrl"})}),
    Case(
        "no-secrets-in-values",
        "release",
        ("values", "podAnnotations", "checksum/token"),
        "not a hash",
    ),
    Case("no-privileged", "warm", (*CONTAINER, "securityContext", "privileged"), ON),
    Case("no-privileged", "warm", (*CONTAINER, "securityContext", "capabilities"), {"add": ["SYS_ADMIN"]}),
    Case(
        "no-privileged",
        "warm",
        (*POD, "initContainers"),
        [{"image": "a:1@sha256:" + "0" * 64, "securityContext": {"privileged": True}}],
    ),
    Case("no-privileged", "release", ("values", "securityContext", "privileged"), ON),
    Case("no-privileged", "release", CONFIG, toml(privileged=True)),
    Case("no-privileged", "release", CONFIG, toml(allow_privilege_escalation=True)),
    Case("no-privileged", "release", CONFIG, toml(build_container_security_context={"privileged": True})),
    Case("no-host-access", "warm", (*POD, "hostNetwork"), ON),
    Case("no-host-access", "warm", (*POD, "volumes", 0), {"name": "s", "hostPath": {"path": "/var/run/docker.sock"}}),
    Case("no-host-access", "release", ("values", "hostNetwork"), ON),
    Case("no-host-access", "release", CONFIG, toml(volumes={"host_path": [{"name": "s", "mount_path": "/s"}]})),
    Case(
        "no-privileged", "release", CONFIG, toml(build_container_security_context={"allow_privilege_escalation": True})
    ),
    Case("no-privileged", "second", CONFIG, rootless(allow_privilege_escalation=True)),
    Case(
        "no-privileged",
        "second",
        CONFIG,
        rootless(build_container_security_context={**ROOTLESS, "run_as_user": 0}),
        also=("sandbox-guarded",),
    ),
    Case("sandbox-guarded", "second", CONFIG, rootless(namespace="ci-jobs")),
    Case("sandbox-guarded", "second", CONFIG, rootless(pod_security_context={"seccomp_profile": OPEN_PROFILE})),
    Case(
        "sandbox-guarded",
        "second",
        CONFIG,
        rootless(helper_container_security_context={"app_armor_profile": OPEN_PROFILE}),
    ),
    Case("sandbox-guarded", "rules", ("spec", "failurePolicy"), "Ignore"),
    Case("sandbox-guarded", "rules", ("spec", "validations"), [{"expression": "true"}]),
    Case("sandbox-guarded", "rules", ("spec", "matchConstraints", "resourceRules", 0, "resources"), ["secrets"]),
    Case("sandbox-guarded", "rules", ("metadata", "name"), "another"),
    Case("sandbox-guarded", "in-force", ("spec", "validationActions"), ["Warn"]),
    Case("sandbox-guarded", "in-force", (*SELECTOR, "kubernetes.io/metadata.name"), "ci-jobs"),
    Case("namespace-pod-security", "rooms", ("metadata", "labels", "multiarch-runner.io/class"), DROP),
    Case(
        "namespace-pod-security",
        "jobs",
        ("metadata", "labels", "pod-security.kubernetes.io/enforce"),
        "privileged",
        also=("sandbox-guarded",),
    ),
    Case(
        "namespace-pod-security",
        "jobs",
        ("metadata", "labels"),
        DROP,
        also=("namespace-pod-security-version",),
    ),
    Case(
        "namespace-pod-security-version",
        "jobs",
        ("metadata", "labels", "pod-security.kubernetes.io/enforce-version"),
        "latest",
    ),
    Case("metadata-blocked", "egress", (*EGRESS, "to", 0, "ipBlock", "except"), ["10.0.0.0/8"]),
    Case("metadata-blocked", "egress", (*EGRESS, "to"), [], also=("jobs-default-deny",)),
    Case("metadata-blocked", "egress", (*EGRESS, "to", 0, "ipBlock"), {"cidr": "::/0"}),
    Case("metadata-blocked", "egress", EGRESS, {"ports": [{"port": 1, "endPort": 1024}]}),
    Case("rbac-explicit", "role", ("rules", 0, "verbs"), ["*"]),
    Case("rbac-explicit", "role", ("rules", 0, "resources"), ["*"]),
    Case("rbac-explicit", "role", ("rules", 0, "verbs"), []),
    Case("rbac-explicit", "release", ("values", "rbac", "rules"), []),
    Case("rbac-explicit", "release", ("values", "rbac", "rules", 0, "verbs"), DROP),
    Case("rbac-explicit", "release", ("values", "rbac", "clusterWideAccess"), ON),
    Case("rbac-bindings", "binding", ("roleRef", "name"), "cluster-admin"),
    Case("rbac-bindings", "binding", ("subjects", 0, "name"), "system:authenticated"),
    *(
        Case("selector-anchored", "release", CONFIG, toml(node_selector_overwrite_allowed=regex))
        for regex in (
            "",
            "kubernetes.io/arch=.*",
            r"^kubernetes\.io/arch=(amd64|arm64)",
            r"kubernetes\.io/arch=(amd64|arm64)$",
            r"^kubernetes\.io/arch=amd64|kubernetes\.io/arch=arm64$",
            r"^kubernetes\.io/arch=arm64$|disktype=ssd$",
            r"^kubernetes\.io/arch=arm64\$",
            r"(?m)^kubernetes\.io/arch=(amd64|arm64)$",
            r"^kubernetes\.io/.*$",
            r"^kubernetes\.io/arch=.*$",
            r"^(",
        )
    ),
    Case("selector-anchored", "release", CONFIG, toml().replace("node_selector_overwrite_allowed", "unheard_of")),
    *(
        Case("overwrites-closed", "release", CONFIG, toml(**{key: value}))
        for key, value in (
            ("node_tolerations_overwrite_allowed", ".*"),
            ("namespace_overwrite_allowed", "ci-.*"),
            ("service_account_overwrite_allowed", ".*"),
            ("bearer_token_overwrite_allowed", True),
        )
    ),
    *(
        Case("helper-any-arch", "release", CONFIG, toml(helper_image=f"registry.example/helper:{tag}"))
        for tag in ("x86_64-v${CI_RUNNER_VERSION}", "alpine-arm64-v${CI_RUNNER_VERSION}")
    ),
    Case("helper-any-arch", "release", CONFIG, toml(helper_image="helper-arm64:v${CI_RUNNER_VERSION}"), also=()),
    Case("waits-for-nodes", "release", CONFIG, toml(poll_timeout=180)),
    Case("jobs-default-deny", "deny", ("metadata", "namespace"), "elsewhere"),
    Case("jobs-default-deny", "deny", ("spec", "policyTypes"), ["Egress"]),
    Case("jobs-default-deny", "deny", ("spec", "podSelector"), {"matchLabels": {"a": "b"}}),
    Case("jobs-default-deny", "deny", ("spec", "ingress"), [{}]),
]
"""Each breaks exactly the rules it names."""

OPEN = [
    Case("pool-bounds", "gke", ("autoscaling",), UNKNOWN),
    Case("pool-bounds", "eks", ("scalingConfig", "maxSize"), UNKNOWN),
    Case("pool-labels", "aks", ("nodeLabels",), UNKNOWN),
    Case("pool-protected", "gke", (), None, options={"protect": None}),
    Case("gke-legacy-endpoints", "gke", (*NODE, "metadata"), UNKNOWN),
    Case("gke-metadata-server", "gke", (*NODE, "workloadMetadataConfig", "mode"), UNKNOWN),
    Case("gke-node-identity", "gke", (*NODE, "serviceAccount"), UNKNOWN),
    Case("eks-launch-template", "eks", ("launchTemplate", "id"), UNKNOWN),
    Case("eks-ami-type", "eks", ("amiType",), UNKNOWN),
    Case("eks-disk-encrypted", "template", ("blockDeviceMappings", 0, "ebs", "encrypted"), UNKNOWN),
    Case("eks-metadata-service", "template", ("metadataOptions", "httpTokens"), UNKNOWN),
    Case("aks-host-encryption", "aks", ("enableEncryptionAtHost",), UNKNOWN),
    Case("chart-pinned", "release", ("version",), UNKNOWN),
    Case("chart-digest", "release", ("chart",), UNKNOWN),
    Case("release-recovers", "release", ("atomic",), UNKNOWN),
    Case("image-pinned", "warm", (*CONTAINER, "image"), UNKNOWN),
    Case("image-pinned", "release", CONFIG, toml(image="registry.example/$TEAM_IMAGE")),
    Case("image-pinned", "release", ("values",), UNKNOWN),
    Case("image-digest", "warm", (*POD, "containers"), [UNKNOWN]),
    Case("no-static-cloud-keys", "release", CONFIG, "not = [toml"),
    Case("token-in-secret-only", "release", ("values", "runnerToken"), UNKNOWN),
    Case("no-secrets-in-values", "release", (), None, options={"secret_paths": None}),
    Case("no-privileged", "warm", (*CONTAINER, "securityContext", "privileged"), UNKNOWN),
    Case("no-privileged", "release", CONFIG, "{{ .Values.all }}"),
    Case("no-host-access", "warm", (*POD, "hostNetwork"), UNKNOWN),
    Case("sandbox-guarded", "rules", ("spec", "failurePolicy"), UNKNOWN),
    Case("sandbox-guarded", "in-force", ("spec", "validationActions"), UNKNOWN),
    Case("sandbox-guarded", "in-force", SELECTOR, {"team": "ci"}),
    Case("namespace-pod-security", "jobs", ("metadata", "labels"), UNKNOWN),
    Case("namespace-pod-security-version", "jobs", ("metadata", "labels"), UNKNOWN),
    Case("metadata-blocked", "egress", (*EGRESS, "to", 0), UNKNOWN),
    Case("metadata-blocked", "egress", (*EGRESS, "to", 0, "ipBlock", "cidr"), "no address"),
    Case("rbac-explicit", "role", ("rules",), UNKNOWN),
    Case("rbac-explicit", "role", ("rules", 0, "verbs"), UNKNOWN),
    Case("rbac-bindings", "binding", ("roleRef",), UNKNOWN),
    Case("selector-anchored", "release", CONFIG, UNKNOWN),
    Case("overwrites-closed", "release", CONFIG, UNKNOWN),
    Case("helper-any-arch", "release", CONFIG, UNKNOWN),
    Case("waits-for-nodes", "release", ("values", "runners"), UNKNOWN),
    Case("jobs-default-deny", "deny", ("metadata", "namespace"), UNKNOWN),
    Case("jobs-default-deny", "release", CONFIG, UNKNOWN),
]
"""Each leaves at least the named rule without an answer."""
