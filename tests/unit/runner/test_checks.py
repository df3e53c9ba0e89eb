from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from components.clouds.gke.sections import GkePool
from components.clouds.machines import Arch
from components.problems import Problem
from components.runner.checks import check_runner
from tests.unit.runner.conftest import told

Stacks = dict[str, Callable[..., Any]]


def of(make: Callable[..., Any], **keys: Any) -> list[Problem]:
    """What is told of a stack with these keys of `runner`."""

    def check() -> list[Problem]:
        tried = make(**keys)
        return check_runner(tried.runner, tried.pools, tried.cluster)

    return told(check)


# (stack, keys of `runner`, path, words of the message)


def s3_server(**keys: Any) -> dict[str, Any]:
    server = {"address": "minio.example.com:9000", "existingSecret": "minio", **keys}
    return {"type": "s3", "bucket": "b", "region": "us-east-1", "server": server}


SERVERS: list[tuple[str, dict[str, Any], dict[str, Any], str, str]] = [
    ("gke", {"address": "https://minio.example.com"}, {}, "runner.cache.server.address", "without a scheme"),
    ("gke", {"address": "minio:0"}, {}, "runner.cache.server.address", "is not a host with a port"),
    ("gke", {"address": "key:secret@minio"}, {}, "runner.cache.server.address", "is not a host with a port"),
    ("aks", {"existingSecret": ""}, {}, "runner.cache.server.existingSecret", "empty"),
    ("eks", {"address": "minio.data.svc:9000"}, {}, "runner.networkPolicies.cache.cidrs", "would block it"),
    ("eks", {"address": "minio"}, {"cache": {"cidrs": []}}, "runner.networkPolicies.cache.cidrs", "would block"),
]
MISTAKES: list[tuple[str, dict[str, Any], str, str]] = [
    ("gke", {"gitlabUrl": "http://gitlab.example.com"}, "runner.gitlabUrl", "is not https"),
    ("gke", {"gitlabUrl": "gitlab.example.com"}, "runner.gitlabUrl", "not the URL of a server"),
    ("gke", {"gitlabUrl": "https://u:p@gitlab.example.com"}, "runner.gitlabUrl", "has credentials"),
    ("gke", {"gitlabUrl": "https://gitlab.example.com:x"}, "runner.gitlabUrl", "not the URL of a server"),
    ("gke", {"gitlabUrl": "ftp://gitlab.example.com"}, "runner.gitlabUrl", "not the URL of a server"),
    ("gke", {"namespace": "Runner"}, "runner.namespace", "not a valid Kubernetes name"),
    ("gke", {"namespace": "kube-system"}, "runner.namespace", "is a namespace of the cluster itself"),
    ("gke", {"jobNamespace": "default"}, "runner.jobNamespace", "is a namespace of the cluster itself"),
    ("gke", {"jobNamespace": "gitlab-runner"}, "runner.jobNamespace", "also the manager's namespace"),
    ("gke", {"releaseName": "r" * 54}, "runner.releaseName", "at most 53"),
    ("gke", {"jobServiceAccount": {"name": "No"}}, "runner.jobServiceAccount.name", "name of a Kubernetes object"),
    ("gke", {"imagePullSecrets": ["a", "B"]}, "runner.imagePullSecrets[1]", "name of a Kubernetes object"),
    ("gke", {"priorityClass": "Hi There"}, "runner.priorityClass", "name of a Kubernetes object"),
    (
        "gke",
        {"chart": {"repository": "https://charts.example.com"}},
        "runner.chart.version",
        "each update installs the newest",
    ),
    (
        "gke",
        {"chart": {"reference": "oci://r.example.com/gitlab-runner"}},
        "runner.chart.version",
        "each update installs the newest",
    ),
    ("gke", {"chart": {"version": "^0.90"}}, "runner.chart.version", "not a valid chart version"),
    ("gke", {"chart": {"version": "0.90"}}, "runner.chart.version", "not a valid chart version"),
    ("gke", {"chart": {"version": ""}}, "runner.chart.version", "empty"),
    ("gke", {"chart": {"path": "chart", "version": "0.90.1"}}, "runner.chart.version", "together with path"),
    ("gke", {"chart": {"path": "chart", "reference": "oci://a/b"}}, "runner.chart.path", "set together with reference"),
    (
        "gke",
        {"chart": {"reference": "r.example.com/x", "version": "0.90.1"}},
        "runner.chart.reference",
        "not a valid OCI",
    ),
    (
        "gke",
        {"chart": {"reference": "oci://r/x:1.0", "version": "0.90.1"}},
        "runner.chart.reference",
        "not a valid OCI",
    ),
    ("gke", {"chart": {"repository": "oci://r/x", "version": "0.90.1"}}, "runner.chart.repository", "not a valid URL"),
    ("gke", {"chart": {"runnerVersion": "latest"}}, "runner.chart.runnerVersion", "not a valid version"),
    ("gke", {"chart": {"runnerVersion": "19.2.0"}}, "runner.chart.runnerVersion", "holds runner 19.1.1"),
    ("gke", {"architectures": []}, "runner.architectures", "empty"),
    ("gke", {"concurrent": 10**30}, "runner.concurrent", "is too large"),
    ("gke", {"pollTimeout": 2**31}, "runner.pollTimeout", "is too large"),
    ("gke", {"architectures": ["amd64", "amd64"]}, "runner.architectures", "listed twice"),
    ("gke", {"architectures": ["arm64"]}, "runner.defaultArch", "not among architectures"),
    ("gke", {"selectorRegex": ""}, "runner.selectorRegex", "silently ignore"),
    ("gke", {"helperImage": "r.example.com/helper:arm64-v19.1.1"}, "runner.helperImage", "image for arm64"),
    ("gke", {"defaultImage": "arm64v8/alpine:3.22"}, "runner.defaultImage", "image for arm64v8"),
    ("gke", {"defaultImage": ""}, "runner.defaultImage", "empty"),
    ("gke", {"allowedImages": [""]}, "runner.allowedImages[0]", "empty"),
    ("gke", {"concurrent": 0}, "runner.concurrent", "Use 1 or more"),
    ("gke", {"checkInterval": 0}, "runner.checkInterval", "Use 1 or more"),
    ("gke", {"pollTimeout": 30}, "runner.pollTimeout", "Use 60 or more"),
    ("gke", {"jobTimeout": 300}, "runner.jobTimeout", "Use 600 or more"),
    ("gke", {"pollTimeout": 3600}, "runner.pollTimeout", "not below jobTimeout"),
    ("gke", {"manager": {"replicas": 0}}, "runner.manager.replicas", "Use 1 or more"),
    ("gke", {"manager": {"pool": "nope"}}, "runner.manager.pool", "not a pool of this stack"),
    ("aks", {"manager": {"pool": "spot"}}, "runner.manager.pool", "is a spot pool"),
    (
        "gke",
        {"manager": {"pool": "amd64", "nodeSelector": {"a": "b"}}},
        "runner.manager.nodeSelector",
        "together with pool",
    ),
    ("gke", {"manager": {"taints": [{"key": "a"}]}}, "runner.manager.taints", "without nodeSelector"),
    ("gke", {"manager": {"pool": "amd64", "taints": [{"key": "a"}]}}, "runner.manager.taints", "without nodeSelector"),
    (
        "gke",
        {"manager": {"nodeSelector": {"a": "b"}, "taints": [{"key": "a"}, {"key": "a", "effect": "NoSchedule"}]}},
        "runner.manager.taints",
        "a:NoSchedule is set 2 times",
    ),
    (
        "gke",
        {"manager": {"nodeSelector": {"a": "b"}, "taints": [{"key": "a b"}]}},
        "runner.manager.taints[0].key",
        "not a valid key of a label or taint",
    ),
    (
        "gke",
        {"manager": {"nodeSelector": {"a": "b"}, "taints": [{"key": "a"}, {"key": "a", "value": "/"}]}},
        "runner.manager.taints[1].value",
        "not a valid value of a label or taint",
    ),
    (
        "gke",
        {"manager": {"resources": {"cpuRequest": "1 cpu"}}},
        "runner.manager.resources.cpuRequest",
        "not a valid Kubernetes q",
    ),
    (
        "gke",
        {"resources": {"build": {"memoryRequest": "9Gi"}}},
        "runner.resources.build.memoryRequest",
        "above memoryLimit",
    ),
    (
        "gke",
        {"resources": {"helper": {"memoryLimit": "1GB"}}},
        "runner.resources.helper.memoryLimit",
        "not a valid Kubernetes q",
    ),
    ("gke", {"resources": {"ceiling": {"memory": "4Gi"}}}, "runner.resources.ceiling.memory", "container's own 8Gi"),
    (
        "gke",
        {"resources": {"ceiling": {"cpu": "six"}}},
        "runner.resources.ceiling.cpu",
        "not a valid Kubernetes quantity",
    ),
    (
        "gke",
        {"cache": {"type": "gcs", "bucket": "b", "serviceAccount": "me@gmail.com"}},
        "runner.cache.serviceAccount",
        "not a valid e-mail of a Google service account",
    ),
    ("gke", {"networkPolicies": {}}, "runner.networkPolicies.metadata.provider", "could not ask for its identity"),
    (
        "gke",
        {"networkPolicies": {"metadata": {"provider": "gkeCalico", "manager": False}}},
        "runner.networkPolicies.metadata.provider",
        "closed to the manager",
    ),
    (
        "eks",
        {"cache": {"type": "s3", "bucket": "b", "region": "eu-central-1"}},
        "runner.networkPolicies.metadata.provider",
        "eksPodIdentity",
    ),
    *(
        (
            cluster,
            {"cache": {"type": "s3", "bucket": "b", "region": "eu-central-1"}},
            "runner.cache.type",
            "the manager has no identity",
        )
        for cluster in ("gke", "aks")
    ),
    *(
        (cluster, {"cache": s3_server(**keys), "networkPolicies": policies}, path, says)
        for cluster, keys, policies, path, says in SERVERS
    ),
    (
        "eks",
        {"cache": {**s3_server(), "roleArn": "arn:aws:iam::123456789012:role/ci"}},
        "runner.cache.roleArn",
        "cannot use AWS roles",
    ),
    ("aks", {"cache": {"type": "gcs", "bucket": "b"}}, "runner.cache.type", "the manager has no identity"),
    (
        "eks",
        {"networkPolicies": {"metadata": {"provider": "gkeCalico"}}},
        "runner.networkPolicies.metadata.provider",
        "on a cluster of type eks",
    ),
    (
        "eks",
        {"networkPolicies": {"gitlab": {"cidrs": ["gitlab.com"]}}},
        "runner.networkPolicies.gitlab.cidrs[0]",
        "name hosts",
    ),
    (
        "eks",
        {"networkPolicies": {"gitlab": {"cidrs": ["10.20.0.5"]}}},
        "runner.networkPolicies.gitlab.cidrs[0]",
        "name hosts",
    ),
    ("eks", {"networkPolicies": {"gitlab": {"cidrs": []}}}, "runner.networkPolicies.gitlab.cidrs", "reach GitLab"),
    (
        "eks",
        {"networkPolicies": {"blockedCidrs": ["10.0.0.1/8"]}},
        "runner.networkPolicies.blockedCidrs[0]",
        "host bits",
    ),
    (
        "eks",
        {"networkPolicies": {"registry": {"ports": [0]}}},
        "runner.networkPolicies.registry.ports[0]",
        "Use 1 or more",
    ),
    (
        "gke",
        {"jobServiceAccount": {"annotations": {"iam.gke.io/gcp-service-account": "a@b.iam.gserviceaccount.com"}}},
        "runner.networkPolicies.metadata.jobs",
        "every push would be refused",
    ),
    ("gke", {"token": {}}, "runner.token", "neither"),
    (
        "gke",
        {"token": {"existingSecret": "s", "create": {"runnerType": "instance"}}},
        "runner.token",
        "both existingSecret and create",
    ),
    ("gke", {"token": {"create": {"runnerType": "group"}}}, "runner.token.create.groupId", "not set"),
    (
        "gke",
        {"token": {"create": {"runnerType": "instance", "projectId": 7}}},
        "runner.token.create.projectId",
        "runnerType is instance",
    ),
    (
        "gke",
        {"token": {"create": {"runnerType": "instance", "tags": []}}},
        "runner.token.create.tags",
        "no job could match",
    ),
    (
        "gke",
        {"token": {"existingSecret": "glrt-abc_DEF"}},
        "runner.token.existingSecret",
        "name of a Kubernetes object",
    ),
    ("gke", {"values": {"podLabels": {"app": "mine"}}}, "runner.values.podLabels.app", "undo the other"),
    ("gke", {"metrics": {"enabled": False, "podMonitor": True}}, "runner.metrics.podMonitor", "nothing to see"),
    ("gke", {"metrics": {"enabled": False, "prometheusRule": True}}, "runner.metrics.prometheusRule", "nothing to see"),
    ("gke", {"metrics": {"enabled": False, "dashboard": True}}, "runner.metrics.dashboard", "nothing to see"),
    ("gke", {"metrics": {"ruleLabels": {"release": "x"}}}, "runner.metrics.ruleLabels", "not made"),
    (
        "gke",
        {"metrics": {"prometheusRule": True, "ruleLabels": {"a b": "x"}}},
        "runner.metrics.ruleLabels[a b]",
        "key of a",
    ),
]


@pytest.mark.parametrize(("stack", "keys", "path", "words"), MISTAKES, ids=[f"{m[2]}-{m[3][:12]}" for m in MISTAKES])
def test_a_mistake_is_told_with_path_and_fix(
    stacks: Stacks, stack: str, keys: dict[str, Any], path: str, words: str
) -> None:
    problems = of(stacks[stack], **keys)
    assert [problem.path for problem in problems] == [path]
    (problem,) = problems
    assert words.lower() in str(problem).lower()
    assert problem.fix


def test_each_example_stack_is_without_mistakes(stacks: Stacks) -> None:
    for name, make in stacks.items():
        stack = make()
        assert check_runner(stack.runner, stack.pools, stack.cluster) == [], name


def test_plain_http_is_allowed_on_localhost_only(stacks: Stacks) -> None:
    for url in ("http://localhost:8080", "http://127.0.0.1", "http://[::1]:80", "http://gitlab.localhost"):
        stack = stacks["gke"](gitlabUrl=url)
        assert check_runner(stack.runner, stack.pools, stack.cluster) == [], url


def test_an_architecture_that_no_pool_serves_is_refused(stacks: Stacks) -> None:
    stack = stacks["gke"]()
    (problem,) = check_runner(stack.runner, stack.pools[:1], stack.cluster)
    assert problem.path == "runner.architectures"
    assert "no pool has arch arm64" in problem.found
    assert "600 s" in problem.consequence


def test_an_architecture_taken_off_the_list_needs_no_pool(stacks: Stacks) -> None:
    stack = stacks["gke"](architectures=["amd64"])
    assert check_runner(stack.runner, stack.pools[:1], stack.cluster) == []


def test_a_pool_of_unknown_architecture_leaves_the_question_open(stacks: Stacks) -> None:
    stack = stacks["gke"]()
    pools = (stack.pools[0], GkePool(name="odd", machine_type="zz9-plural-8"))
    assert check_runner(stack.runner, pools, stack.cluster) == []


def test_spot_pools_alone_leave_the_manager_without_a_node(stacks: Stacks) -> None:
    stack = stacks["gke"]()
    spot = tuple(GkePool(name=arch.value, arch=arch, spot=True) for arch in Arch)
    (problem,) = check_runner(stack.runner, spot, stack.cluster)
    assert problem.path == "runner.manager.pool"
    elsewhere = stacks["gke"](manager={"nodeSelector": {"pool": "system"}})
    assert check_runner(elsewhere.runner, spot, stack.cluster) == []


def test_every_mistake_of_single_keys_is_told_at_once_and_then_every_one_between_keys(stacks: Stacks) -> None:
    keys = {"gitlabUrl": "gitlab", "concurrent": 0, "manager": {"replicas": 0}}
    assert [one.path for one in of(stacks["gke"], **keys)] == [
        "runner.gitlabUrl",
        "runner.concurrent",
        "runner.manager.replicas",
    ]
    between = of(stacks["gke"], selectorRegex=r"^kubernetes\.io/arch=amd64$", helperImage="upstream", pollTimeout=3600)
    assert [one.path for one in between] == ["runner.selectorRegex", "runner.helperImage", "runner.pollTimeout"]


@pytest.mark.parametrize("name", ["gke", "eks", "aks", "local"])
def test_a_cache_server_of_ones_own_needs_no_identity_of_a_cloud(stacks: Stacks, name: str) -> None:
    stack = stacks[name](cache=s3_server(), networkPolicies={})
    assert check_runner(stack.runner, stack.pools, stack.cluster) == []


def test_turned_off_policies_need_no_metadata_exception(stacks: Stacks) -> None:
    stack = stacks["gke"](networkPolicies={"enabled": False})
    assert check_runner(stack.runner, stack.pools, stack.cluster) == []
    assert replace(stack.runner.network_policies, enabled=True).metadata.provider == "none"
