"""The stacks that docs/edits_table.py edits, and the values that a key's type and default do not tell."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

Values = Mapping[str, Any]
"""Keys by their path in the stack, such as `runner.cache` or `pools.0.arch`; `...` takes one away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An edit of one key."""

    before: Any = None
    """Its value before; None: it is not stated."""
    after: Any
    along: Values = field(default_factory=dict)
    """What must change together with it."""


CLUSTERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "gke": {"cluster": {"type": "gke", "project": "example-ci", "name": "ci", "location": "us-central1"}},
    "eks": {"cluster": {"type": "eks", "name": "ci", "region": "eu-central-1"}, "aws:region": "eu-central-1"},
    "aks": {
        "cluster": {"type": "aks", "name": "ci", "resourceGroup": "ci", "location": "westeurope"},
        "azure-native:subscriptionId": "00000000-0000-0000-0000-000000000000",
    },
    "existing": {"cluster": {"type": "existing", "name": "ci", "access": {"context": "ci"}}},
}
_OTHERS: Final = [{"name": "amd64", "arch": "amd64"}, {"name": "arm64", "arch": "arm64"}]
_GOOGLE_KEYS: Final = "projects/example-ci/locations/us-central1/keyRings/ci/cryptoKeys"
_AMAZON_KEYS: Final = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-00000000000"
_RESERVATIONS: Final = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/ci/providers/Microsoft.Compute"
    "/capacityReservationGroups"
)
POOLS: Final[Mapping[str, list[dict[str, Any]]]] = {
    "gke": [{"name": "first", "machineType": "n2-standard-8"}, *_OTHERS],
    "eks": [{"name": "first", "machineType": "m7i.2xlarge"}, *_OTHERS],
    "aks": [{"name": "first", "machineType": "Standard_D8ds_v6"}, *_OTHERS],
    "existing": [
        {"name": "first", "arch": "amd64", "labels": {"node-pool": "first"}},
        *({**pool, "labels": {"node-pool": pool["name"]}} for pool in _OTHERS),
    ],
}
RUNNER: Final[Mapping[str, Any]] = {"gitlabUrl": "https://gitlab.example.com"}
_MIRROR: Final = {
    "runner.helperImage": "mirror",
    "runner.helperMirror": {"repository": "registry.example.com/ci/helper", "username": "first"},
}
_RESERVED: Final = {
    "consumeReservationType": "SPECIFIC_RESERVATION",
    "key": "compute.googleapis.com/reservation-name",
    "values": ["first"],
}
SECRETS: Final[Mapping[str, tuple[Values, tuple[str, str]]]] = {
    "runnerToken": ({}, ("glrt-aaaaaaaaaaaaaaaaaaaa", "glrt-bbbbbbbbbbbbbbbbbbbb")),
    "buildkitToken": ({"runner.buildkit": {}}, ("glrt-aaaaaaaaaaaaaaaaaaaa", "glrt-bbbbbbbbbbbbbbbbbbbb")),
    "mirrorPassword": (_MIRROR, ("first-password", "another-password")),
}

TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    # By the key's name: two of the things that it takes.
    "*mountPath": ("/first", "/edited"),
    "*cidr": ("198.51.100.0/24", "203.0.113.0/24"),
    "*Cidrs": ("198.51.100.0/24", "203.0.113.0/24"),
    "*cidrs": ("198.51.100.0/24", "203.0.113.0/24"),
    "*nameservers": ("10.0.0.1", "10.0.0.2"),
    "*.ip": ("10.0.0.1", "10.0.0.2"),
    "*hostAliases*.hostnames": ("first.example.com", "edited.example.com"),
    "*taints*.key": ("example.org/first", "example.org/edited"),
    "*ceiling.cpu": ("7", "8"),
    "*ceiling.memory": ("30Gi", "31Gi"),
    "*ceiling.ephemeralStorage": ("70Gi", "71Gi"),
    "*cpuRequest": ("400m", "450m"),
    "*cpuLimit": ("2", "3"),
    "*memoryRequest": ("400Mi", "450Mi"),
    "*memoryLimit": ("9Gi", "10Gi"),
    "*ephemeralStorageRequest": ("400Mi", "450Mi"),
    "*ephemeralStorageLimit": ("50Gi", "51Gi"),
    "*sizeLimit": ("1Gi", "2Gi"),
    "*repository": ("registry.example.com/ci/first", "registry.example.com/ci/edited"),
    "*clientId": ("00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"),
    "*roleArn": ("arn:aws:iam::123456789012:role/first", "arn:aws:iam::123456789012:role/edited"),
    "*nodeRoleArn": ("arn:aws:iam::123456789012:role/first", "arn:aws:iam::123456789012:role/edited"),
    "*bootDiskKmsKey": (f"{_GOOGLE_KEYS}/first", f"{_GOOGLE_KEYS}/edited"),
    "*kmsKeyId": (f"{_AMAZON_KEYS}1", f"{_AMAZON_KEYS}2"),
    "*capacityReservationGroupId": (f"{_RESERVATIONS}/first", f"{_RESERVATIONS}/edited"),
    "*containerLogMaxSize": ("40Mi", "50Mi"),
    "*cpuCfsQuotaPeriod": ("90ms", "80ms"),
    "*GcAge": ("2m", "3m"),
    "*erviceAccount": ("first@example-ci.iam.gserviceaccount.com", "edited@example-ci.iam.gserviceaccount.com"),
}

SECTIONS: Final[Mapping[str, Mapping[str, Any]]] = {
    # The least that may be said, where that is more than the required keys.
    "*taints": {"key": "example.org/first", "value": "first"},
    "*token": {"existingSecret": "first"},
    "*token.create": {"runnerType": "instance", "tags": ["first"]},
    "*jobs.dns": {"nameservers": ["10.0.0.1"]},
    "runner.cache (s3).server": {"address": "first.example.com:9000", "existingSecret": "first"},
    "*podPatches*": {"name": "first", "patch": {"hostname": "first"}},
}

GIVEN: Final[Mapping[str, Values]] = {
    # What must stand in the stack besides, for these keys to be taken, or to matter.
    "runner.chart.runnerVersion": {"runner.chart.path": "/charts/gitlab-runner", **_MIRROR},
    "runner.helperMirror.digests": {"runner.helperMirror.version": "19.1.1"},
    "runner.values.volumeMounts": {"runner.values.volumes": [{"name": "first", "emptyDir": {}}]},
    "runner.metrics.ruleLabels": {"runner.metrics.prometheusRule": True},
    "gke.reservationAffinity.key": {"pools.0.reservationAffinity": dict(_RESERVED)},
    "gke.reservationAffinity.values": {"pools.0.reservationAffinity": dict(_RESERVED)},
    "aks.linuxOsConfig.swapFileSizeMb": {"pools.0.kubeletConfig": {"failSwapOn": False}},
    "gke.architectureTaint": {"pools.0.machineType": "t2a-standard-8"},
    "existing.architectureTaint": {"pools.0.arch": "arm64", "pools.2.architectureTaint": False},
    "???.arch": {"pools.0.machineType": ..., "pools.0.arch": "amd64"},
    "runner.token.create*": {"runner.token.existingSecret": ...},
    "runner.buildkit.token.create*": {"runner.buildkit.token.existingSecret": ...},
    "runner.token.create": {"runner.token": ...},
    "runner.buildkit.token.create": {"runner.buildkit.token": ...},
    "runner.token.create.groupId": {"runner.token.create.runnerType": "group"},
    "runner.token.create.projectId": {"runner.token.create.runnerType": "project"},
    "runner.token.create.locked": {"runner.token.create.runnerType": "project", "runner.token.create.projectId": 1},
    "runner.buildkit.token.create.groupId": {"runner.buildkit.token.create.runnerType": "group"},
    "runner.buildkit.token.create.projectId": {"runner.buildkit.token.create.runnerType": "project"},
    "runner.cache (s3)*": {"runner.networkPolicies.metadata.provider": "eksPodIdentity"},
    "runner.cache": {"runner.networkPolicies.metadata.provider": "gkeDataplaneV2"},
    "runner.cache (gcs)*": {"runner.networkPolicies.metadata.provider": "gkeDataplaneV2"},
    "runner.networkPolicies.cache.*": {
        "runner.networkPolicies.metadata.provider": "gkeDataplaneV2",
        "runner.cache": {"type": "gcs", "bucket": "first"},
    },
    "runner.networkPolicies.metadata.manager": {"runner.networkPolicies.metadata.provider": "gkeDataplaneV2"},
    "runner.networkPolicies.metadata.jobs": {"runner.networkPolicies.metadata.provider": "gkeDataplaneV2"},
    "runner.helperMirror.*": {"runner.helperImage": "mirror"},
    "runner.manager.taints*": {"runner.manager.nodeSelector": {"node-pool": "system"}},
    "runner.chart.repository": {"runner.chart.version": "0.90.1"},
    "runner.chart.reference": {"runner.chart.version": "0.90.1"},
}

VALUES: Final[Mapping[str, Change]] = {
    # Pools.
    "gke.reservationAffinity.consumeReservationType": Change(before="NO_RESERVATION", after="ANY_RESERVATION"),
    "gke.linuxNodeConfig": Change(after={"sysctls": {"vm.max_map_count": "262144"}}),
    "gke.linuxNodeConfig.sysctls": Change(after={"vm.max_map_count": "262144"}),
    "aks.linuxOsConfig": Change(after={"sysctls": {"vm.max_map_count": 262144}}),
    "aks.linuxOsConfig.sysctls": Change(after={"vm.max_map_count": 262144}),
    "aks.kubeletConfig": Change(after={"podMaxPids": 4096}),
    "???.kubeletConfig": Change(after={"podPidsLimit": 4096}),
    "eks.capacityReservation": Change(after={"preference": "none"}),
    "eks.capacityReservation.preference": Change(before="none", after="open"),
    "eks.capacityReservation.resourceGroupArn": Change(
        before="arn:aws:resource-groups:eu-central-1:123456789012:group/first",
        after="arn:aws:resource-groups:eu-central-1:123456789012:group/edited",
    ),
    "eks.capacityReservation.id": Change(before="cr-0123456789abcdef0", after="cr-0123456789abcdef1"),
    "*.arch": Change(after="arm64"),
    "gke.machineType": Change(after="n2-standard-16"),
    "eks.machineType": Change(after="m7i.4xlarge"),
    "aks.machineType": Change(after="Standard_D16ds_v6"),
    "gke.nodeLocations": Change(before=["us-central1-a"], after=["us-central1-a", "us-central1-b"]),
    "gke.resourceLabels": Change(after={"team": "ci"}),
    "gke.imageType": Change(after="ubuntu_containerd"),
    "gke.diskType": Change(after="pd-ssd"),
    "gke.maxPodsPerNode": Change(after=32),
    "gke.architectureTaint": Change(after="NONE"),
    "gke.drainGraceMinutes": Change(after=120),
    "eks.alternativeMachineTypes": Change(after=["m6i.2xlarge"]),
    "eks.amiType": Change(after="BOTTLEROCKET_x86_64"),
    "eks.subnetIds": Change(after=["subnet-0123456789abcdef0"]),
    "aks.osDiskType": Change(after="Managed"),
    "aks.osSku": Change(after="Ubuntu"),
    "aks.osDiskSizeGb": Change(after=64),
    "aks.availabilityZones": Change(after=["1", "2"]),
    "aks.maxPods": Change(after=50),
    "aks.*ubnetId": Change(
        after="/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/ci/providers/Microsoft.Network"
        "/virtualNetworks/ci/subnets/edited"
    ),
    "aks.maxSurge": Change(after="50%"),
    "aks.drainTimeoutMinutes": Change(after=120),
    "existing.architectureTaint": Change(after=False),
    # The runner.
    "runner.gitlabUrl": Change(after="https://other.example.com"),
    "runner*token.create": Change(after={"runnerType": "instance", "tags": ["first"]}),
    "*.create.groupId": Change(before=1, after=2),
    "*.create.projectId": Change(before=1, after=2),
    "runner.architectures": Change(after=["amd64"]),
    "runner.token.create.runnerType": Change(after="group", along={"runner.token.create.groupId": 1}),
    "runner.buildkit.token.create.runnerType": Change(after="group", along={"runner.buildkit.token.create.groupId": 1}),
    "runner.chart.version": Change(after="0.91.2"),
    "runner.chart.repository": Change(after="https://charts.example.com"),
    "runner.chart.reference": Change(after="oci://registry.example.com/charts/gitlab-runner"),
    "runner.chart.runnerVersion": Change(before="19.1.1", after="19.2.2"),
    "runner.selectors": Change(after=["disktype=ssd"]),
    "runner.selectorRegex": Change(after=r"^(kubernetes\.io/arch=(amd64|arm64)|disktype=ssd)$"),
    "runner.helperImage": Change(after="upstream", along={"runner.chart.version": "0.91.2"}),
    "runner.helperMirror": Change(
        after={"repository": "registry.example.com/ci/helper"}, along={"runner.helperImage": "mirror"}
    ),
    "runner.helperMirror.source": Change(after="registry.example.com/gitlab/helper"),
    "runner.helperMirror.version": Change(before="19.1.1", after="19.2.2", along={"runner.chart.version": "0.91.2"}),
    "runner.helperMirror.digests": Change(after=dict.fromkeys(("amd64", "arm64"), f"sha256:{'0' * 64}")),
    "runner.jobs.dns.policy": Change(after="none"),
    "runner.jobs.featureFlags": Change(after={"FF_NETWORK_PER_BUILD": True}),
    "runner.cache": Change(after={"type": "gcs", "bucket": "edited"}),
    "*podPatches*.patch": Change(after={"hostname": "edited"}),
    "runner.cache (s3).server": Change(after={"address": "edited.example.com:9000", "existingSecret": "edited"}),
    "runner.cache (s3).server.address": Change(after="edited.example.com:9000"),
    "runner.manager.pool": Change(after="arm64"),
    "runner.manager.taints": Change(after=[{"key": "example.org/edited", "value": "edited"}]),
    "runner.metrics.ruleLabels": Change(after={"release": "kube-prometheus-stack"}),
    "runner.values.sentryDsn": Change(after="https://key@sentry.example.com/1"),
    "runner.values.connectionMaxAge": Change(after="15m"),
    "runner.values.extraEnv": Change(after={"HTTPS_PROXY": "http://proxy.example.com:3128"}),
    "runner.values.extraEnvFrom": Change(after={"HTTPS_PROXY": {"secretKeyRef": {"name": "proxy", "key": "url"}}}),
    "runner.values.volumes": Change(after=[{"name": "edited", "emptyDir": {}}]),
    "runner.values.volumeMounts": Change(after=[{"name": "first", "mountPath": "/edited"}]),
    "runner.values.metrics": Change(after={"podMonitor": {"interval": "30s"}}),
    "runner.values.runners": Change(after={"name": "edited"}),
}

_OF_OTHERS: Final = "the nodes are somebody else's: the rehearsal, the doctor and the drift check read it"
_LOGIN: Final = "a login alone publishes nothing; the next image is pushed with it"
NOT_READ: Final[Mapping[str, str]] = {
    "existing.name": "it names the pool in messages, outputs and `runner.manager.pool`",
    "existing.architectureTaint": "jobs tolerate that taint anyway: the rehearsal and the doctor read it",
    "existing.minNodes": _OF_OTHERS,
    "existing.maxNodes": _OF_OTHERS,
    "runner.helperMirror.username": _LOGIN,
    "secrets.mirrorPassword": _LOGIN,
}
"""Keys whose edit changes no resource, and why that is right."""
PASSED: Final = frozenset({"gke.arguments", "eks.arguments", "eks.launchTemplateArguments", "aks.arguments"})
"""Keys that pass on what the provider takes; what that does cannot be told of the key."""
REFUSED: Final = frozenset({"runner.buildkit.token.create.runUntagged"})
"""Keys of which every other value is refused before anything is declared."""
