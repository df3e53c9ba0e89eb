"""`runner.values`: what it may hold is listed, the rest is refused with a reason, and what the stack sets stays."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import get_type_hints

from components.config import load_config
from components.keys import classes, keys
from components.problems import ConfigError, Problem
from components.reading import parse
from components.runner.arguments import checked
from components.runner.checks import check_settings
from components.runner.component import MultiArchRunner
from components.runner.extra_checks import check_values
from components.runner.extra_values import ExtraValues
from components.runner.guards import RUNNER_KIN
from components.runner.settings import RunnerConfig
from components.runner.values import helm_values, merged, with_token_checksum
from tests.unit.runner.conftest import told

Stacks = dict[str, Callable[..., Any]]


def read(values: Any) -> RunnerConfig:
    return parse(RunnerConfig, {"gitlabUrl": "https://gitlab.com", "values": values}, "runner", kin=RUNNER_KIN)


def problems(values: Any) -> list[str]:
    """What a user is told of these values, from the shape to the last check."""
    return [str(problem) for problem in told(lambda: check_values(read(values).values))]


ALLOWED: dict[str, Any] = {
    "image": {"registry": "registry.example.com:5000/mirror", "image": "gitlab-org/gitlab-runner"},
    "imagePullPolicy": "Always",
    "imagePullSecrets": [{"name": "mirror"}],
    "livenessProbe": {"initialDelaySeconds": 30, "periodSeconds": 20, "failureThreshold": 5},
    "readinessProbe": {"initialDelaySeconds": 10},
    "probeTimeoutSeconds": 10,
    "revisionHistoryLimit": 2,
    "certsSecretName": "gitlab-ca",
    "shutdown_timeout": 30,
    "logFormat": "json",
    "sentryDsn": "https://0123456789abcdef@sentry.example.com/42",
    "connectionMaxAge": "1h30m",
    "extraEnv": {"NO_PROXY": "10.0.0.0/8,.svc", "TZ": "Europe/Berlin", "http_proxy": "http://proxy:3128"},
    "extraEnvFrom": {
        "HTTPS_PROXY": {"secretKeyRef": {"name": "proxy", "key": "url"}},
        "AWS_REGION": {"configMapKeyRef": {"name": "cloud", "key": "region", "optional": True}},
    },
    "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["gitlab.internal"]}, {"ip": "fd00::1", "hostnames": ["x"]}],
    "hostname": "runner",
    "priorityClassName": "high",
    "runtimeClassName": "gvisor",
    "schedulerName": "my-scheduler",
    "topologySpreadConstraints": [
        {
            "maxSkew": 1,
            "topologyKey": "topology.kubernetes.io/zone",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {"release": "gitlab-runner"}},
        }
    ],
    "podAnnotations": {"vault.hashicorp.com/agent-inject-token": "true", "team": "ci, and others"},
    "podLabels": {"team": "ci"},
    "deploymentAnnotations": {"reloader.stakater.com/auto": "true"},
    "deploymentLabels": {"team": "ci"},
    "configMapLabels": {"team": "ci"},
    "volumes": [
        {"name": "ca", "configMap": {"name": "ca", "items": [{"key": "token", "path": "token"}]}},
        {"name": "tmp", "emptyDir": {}},
    ],
    "volumeMounts": [{"name": "ca", "mountPath": "/etc/ssl/certs/own.crt", "subPath": "own.crt", "readOnly": True}],
    "metrics": {"podMonitor": {"labels": {"prometheus": "main"}, "interval": "30s", "relabelings": []}},
    "service": {"enabled": True, "labels": {"team": "ci"}, "annotations": {"a/b": "c"}},
    "runners": {"name": "amd64 and arm64"},
}


@pytest.mark.parametrize("key", ALLOWED)
def test_each_value_that_the_stack_leaves_to_the_chart_reaches_helm(stacks: Stacks, key: str) -> None:
    if key == "volumeMounts":
        values = {name: ALLOWED[name] for name in ("volumes", "volumeMounts")}
    else:
        values = {key: ALLOWED[key]}
    assert problems(values) == []
    stack = stacks["aks"](values=values)
    found = helm_values(stack.runner, stack.runner_pools, "aks", secret="s")
    assert kept(found[key], values[key]), found[key]


def test_every_allowed_key_is_tried_and_documented() -> None:
    assert set(ALLOWED) == set(get_type_hints(ExtraValues))
    for cls in inner_classes(ExtraValues):
        for key in keys(cls):
            assert key.description, f"{cls.__name__}.{key.name}"


def inner_classes(cls: Any) -> Iterator[Any]:
    yield cls
    for key in keys(cls):
        for inner in classes(key.annotation):
            yield from inner_classes(inner)


def test_all_allowed_values_go_together(stacks: Stacks) -> None:
    assert problems(ALLOWED) == []
    stack = stacks["gke"](values=ALLOWED)
    assert check_settings(stack.runner, stack.runner_pools, "gke") == []


REFUSED: list[tuple[Any, str, str]] = [
    # Each of the issue's, and its kin.
    ({"runners": None}, "runners", "remove the key"),
    ({"podAnnotations": None}, "podAnnotations", "remove the key"),
    ({"podLabels": None}, "podLabels", "remove the key"),
    ({"metrics": {"podMonitor": None}}, "metrics.podMonitor", "remove the key"),
    ({"extraEnv": {"TZ": None}}, "extraEnv.TZ", "text"),
    ({"volumes": [{"name": "x", "emptyDir": {"medium": None}}]}, "volumes[0].emptyDir.medium", "null"),
    ({"sessionServer": {"enabled": True}}, "sessionServer", "public LoadBalancer"),
    ({"sessionServer": {"enabled": "true"}}, "sessionServer", "public LoadBalancer"),
    ({"sessionServer": None}, "sessionServer", "public LoadBalancer"),
    ({"envVars": [{"name": "GITLAB_PASSWORD", "value": "hunter2"}]}, "envVars", "extraEnvFrom"),
    ({"extraEnvFromRefs": [{"secretRef": {"name": "s"}}]}, "extraEnvFromRefs", "extraEnvFrom"),
    ({"extraEnv": {"MY_SECRET": "hunter2"}}, "extraEnv.MY_SECRET", "extraEnvFrom"),
    ({"extraEnv": {"KUBERNETES_PRIVILEGED": "true"}}, "extraEnv.KUBERNETES_PRIVILEGED", "override the stack's"),
    ({"extraEnv": {"CONFIG_PATH_FOR_INIT": "/opt"}}, "extraEnv.CONFIG_PATH_FOR_INIT", "override"),
    ({"extraEnv": {"LD_PRELOAD": "/x"}}, "extraEnv.LD_PRELOAD", "override"),
    ({"extraEnv": {"HTTPS_PROX": "http://x"}}, "extraEnv.HTTPS_PROX", "Did you mean"),
    ({"extraEnv": {"HTTPS_PROXY": "http://me:hunter2@x"}}, "extraEnv.HTTPS_PROXY", "extraEnvFrom"),
    ({"extraEnv": {"TZ": True}}, "extraEnv.TZ", "in quotes"),
    (
        {"extraEnvFrom": {"RUNNER_TAG_LIST": {"secretKeyRef": {"name": "s", "key": "k"}}}},
        "extraEnvFrom.RUNNER_TAG_LIST",
        "override",
    ),
    ({"extraEnvFrom": {"TZ": {}}}, "extraEnvFrom.TZ", "exactly one"),
    ({"extraEnvFrom": {"TZ": {"value": "x"}}}, "extraEnvFrom.TZ.value", "unknown key"),
    ({"tolerations": []}, "tolerations", "runner.manager.taints"),
    ({"affinity": {}}, "affinity", "runner.manager.nodeSelector"),
    ({"nodeSelector": {}}, "nodeSelector", "runner.manager.pool"),
    ({"image": {"tag": "latest"}}, "image.tag", "runner.chart"),
    ({"image": {"image": "gitlab-org/gitlab-runner:latest"}}, "image.image", "without a tag"),
    ({"image": {"image": "x@sha256:0"}}, "image.image", "without a tag"),
    ({"image": {"registry": ""}}, "image.registry", "empty"),
    ({"image": "x"}, "image", "mapping"),
    ({"useTini": True}, "useTini", "tini"),
    ({"strategy": {"type": "Recreate"}}, "strategy", "Helm waits"),
    ({"preEntrypointScript": "true"}, "preEntrypointScript", "config.toml"),
    ({"configMaps": {"config.template.toml": ""}}, "configMaps", "config.toml"),
    ({"secrets": [{"name": "s"}]}, "secrets", "token"),
    ({"extraContainers": [{"securityContext": {"privileged": True}}]}, "extraContainers", "Deployment of its own"),
    ({"extraObjects": []}, "extraObjects", "drift"),
    ({"automountServiceAccountToken": False}, "automountServiceAccountToken", "no job"),
    ({"runnerToken": "x"}, "runnerToken", "existingSecret"),
    ({"runnerRegistrationToken": "x"}, "runnerRegistrationToken", "glrt-"),
    ({"runners": {"tags": "a"}}, "runners.tags", "reserved"),
    ({"runners": {"runUntagged": True}}, "runners.runUntagged", "reserved"),
    ({"runners": {"maximumTimeout": 1}}, "runners.maximumTimeout", "reserved"),
    ({"runners": {"privileged": True}}, "runners.privileged", "controls its node"),
    ({"runners": {"config": ""}}, "runners.config", "override it"),
    ({"runners": {"config": None}}, "runners.config", "override it"),
    ({"runners": {"configOverride": ""}}, "runners.configOverride", "override it"),
    ({"runners": {"cache": {"secretName": "s"}}}, "runners.cache", "runner.cache"),
    ({"runners": {"secret": "s"}}, "runners.secret", "runner.token.existingSecret"),
    ({"runners": {"name": "$(reboot)"}}, "runners.name", "letters"),
    ({"rbac": {"rules": [{"resources": ["pods"]}]}}, "rbac", "wildcard"),
    ({"rbac": {"clusterWideAccess": True}}, "rbac", "wildcard"),
    ({"rbac": None}, "rbac", "wildcard"),
    ({"serviceAccount": {"create": False}}, "serviceAccount", "runner.cache"),
    ({"podSecurityContext": {}}, "podSecurityContext", "restricted"),
    ({"securityContext": {"privileged": True}}, "securityContext", "restricted"),
    ({"deploymentLifecycle": {}}, "deploymentLifecycle", "lets jobs finish"),
    ({"unregisterRunners": True}, "unregisterRunners", "lets jobs finish"),
    ({"livenessProbe": {"terminationGracePeriodSeconds": 1}}, "livenessProbe.terminationGracePeriodSeconds", "jobs"),
    ({"livenessProbe": {"periodSeconds": 0}}, "livenessProbe.periodSeconds", "Use 1 or more."),
    ({"readinessProbe": {"initialDelaySeconds": 3600}}, "readinessProbe.initialDelaySeconds", "Use 300 or less."),
    ({"metrics": {"enabled": False}}, "metrics.enabled", "runner.metrics"),
    ({"metrics": {"podMonitor": {"enabled": True}}}, "metrics.podMonitor.enabled", "runner.metrics.podMonitor"),
    ({"metrics": {"podMonitor": {"interval": "30s\n  x: y"}}}, "metrics.podMonitor.interval", "not a valid duration"),
    ({"metrics": {"serviceMonitor": {"enabled": True}}}, "metrics.serviceMonitor", "runner.metrics.podMonitor"),
    ({"service": {"type": "LoadBalancer"}}, "service.type", "outside the cluster"),
    ({"podLabels": {"app": "x"}}, "podLabels.app", "undo the other"),
    ({"podLabels": {"azure.workload.identity/use": "false"}}, "podLabels[azure.workload.identity/use]", "undo"),
    ({"podLabels": {"a b": "x"}}, "podLabels[a b]", "not a valid key of a label"),
    ({"podLabels": {"a": "not a label"}}, "podLabels.a", "not a valid value of a label"),
    ({"podAnnotations": {"checksum/configmap": "x"}}, "podAnnotations[checksum/configmap]", "undo"),
    ({"podAnnotations": {"multiarch-runner.io/token-checksum": "x"}}, "podAnnotations", "undo the other"),
    ({"podAnnotations": {"karpenter.sh/do-not-disrupt": "false"}}, "podAnnotations", "undo the other"),
    ({"podAnnotations": {"a: b\nc": "x"}}, "podAnnotations", "not a valid annotation key"),
    ({"podAnnotations": {"a": "{{ .Values.runners.config }}"}}, "podAnnotations.a", "Helm template"),
    ({"deploymentLabels": {"app.kubernetes.io/managed-by": "me"}}, "deploymentLabels", "undo the other"),
    ({"deploymentAnnotations": {"meta.helm.sh/release-name": "x"}}, "deploymentAnnotations", "undo the other"),
    ({"configMapLabels": {"{{ .Values }}": "x"}}, "configMapLabels", "not a valid key of a label"),
    ({"volumes": [{"name": "configmaps", "emptyDir": {}}]}, "volumes[0].name", "chart uses itself"),
    ({"volumes": [{"name": "x", "hostPath": {"path": "/"}}]}, "volumes[0].hostPath", "restricted"),
    ({"volumes": [{"name": "x"}]}, "volumes[0]", "exactly one"),
    ({"volumes": [{"name": "x", "csi": {"password": "hunter2"}}]}, "volumes[0].csi.password", "Secret"),
    ({"volumeMounts": [{"name": "configmaps", "mountPath": "/x"}]}, "volumeMounts[0].name", "not among volumes"),
    ({"connectionMaxAge": '15m"\nconcurrent = 1'}, "connectionMaxAge", "not a valid duration"),
    ({"sentryDsn": "https://a:hunter2@sentry.example.com/1"}, "sentryDsn", "public key"),
    ({"sentryDsn": 'https://a@b/1"\nconcurrent = 1'}, "sentryDsn", "public key"),
    ({"certsSecretName": ""}, "certsSecretName", "empty"),
    ({"hostAliases": [{"ip": "gitlab", "hostnames": ["x"]}]}, "hostAliases[0].ip", "IP address"),
    ({"hostAliases": [{"ip": "10.0.0.1", "hostnames": []}]}, "hostAliases[0].hostnames", "empty"),
    ({"hostAliases": "hunter2"}, "hostAliases", "list of mapping"),
    ({"gitlabUrl": "x"}, "gitlabUrl", "runner.gitlabUrl"),
    ({"podlabels": {}}, "podlabels", "Did you mean podLabels?"),
    ({"replicas": 2}, "replicas", "runner.manager.replicas"),
    ({"global": {}}, "global", "unknown key"),
]


@pytest.mark.parametrize(("values", "path", "words"), REFUSED, ids=[json.dumps(case[0])[:60] for case in REFUSED])
def test_what_would_undo_a_guarantee_is_refused_in_one_message_with_its_fix(values: Any, path: str, words: str) -> None:
    (message,) = problems(values)
    assert message.startswith(f"runner.values.{path}"), message
    assert words in message
    assert "hunter2" not in message.replace("hostAliases: 'hunter2'", "")
    assert "\n" not in message


@pytest.mark.parametrize("values", [None, [], "x", 5, True])
def test_values_are_a_mapping(values: Any) -> None:
    (message,) = problems(values)
    assert message.startswith("runner.values: ")


@pytest.mark.parametrize(
    "path", ["/", "/configmaps", "/configmaps/", "/configmaps/config.toml", "/home", "/home/gitlab-runner", "//secrets",
             "/home/gitlab-runner/.gitlab-runner/config.toml", "/entrypoint", "/usr", "/usr/bin/dumb-init",
             "/x/../secrets", "/var/run", "/var/run/secrets/kubernetes.io", "relative", "", "/x:y", "/etc"],
)  # fmt: skip
def test_nothing_is_mounted_over_the_managers_own_files(path: str) -> None:
    values = {"volumes": [{"name": "x", "emptyDir": {}}], "volumeMounts": [{"name": "x", "mountPath": path}]}
    (message,) = problems(values)
    assert message.startswith("runner.values.volumeMounts[0].mountPath: ")


@pytest.mark.parametrize("path", ["/mnt", "/mnt/x/", "/etc/ssl/certs", "/configmaps-of-mine", "/opt/own"])
def test_everywhere_else_may_be_mounted(path: str) -> None:
    values = {"volumes": [{"name": "x", "emptyDir": {}}], "volumeMounts": [{"name": "x", "mountPath": path}]}
    assert problems(values) == []


def test_every_reason_is_for_a_key_that_is_not_allowed() -> None:
    for cls, kin in RUNNER_KIN.inside.items():
        assert not set(kin.refused) & {key.name for key in keys(cls)}, cls.__name__
        assert all(kin.refused.values())


# Properties: for whatever a stack file may hold there.

SHAPES = (
    "glrt-{}", "glpat-{}", "GR1348941{}", "ghp_{}", "sha256~{}", "Bearer {}", "https://me:{}@host/x",
    "eyJ{}.{}.x", "-----BEGIN RSA PRIVATE KEY-----\n{}", "kubeconfig-u-abcde:{}", "AccountKey={}",
)  # fmt: skip
TAIL = st.text(alphabet="abcdefghijkmnpqrstuvwxyz0123456789", min_size=24, max_size=30)

scalars = (
    st.none() | st.booleans() | st.integers(-9, 99) | st.text(max_size=6) | st.sampled_from(["{{x}}", "a", "/x", "1h"])
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=5,
)


def known_keys() -> list[str]:
    """Every key that the chart has anywhere, allowed or not."""
    found = {key.name for cls in inner_classes(ExtraValues) for key in keys(cls)}
    return sorted(found | {key for kin in RUNNER_KIN.inside.values() for key in kin.refused})


names = st.sampled_from(known_keys())


def values_of(cls: Any) -> st.SearchStrategy[Any]:
    """Values that are nearly right: known keys in their own place, with values that are right, near, or anything."""
    found = {key.name: of_annotation(key, cls) for key in keys(cls)}
    refused = RUNNER_KIN.inside[cls].refused if cls in RUNNER_KIN.inside else {}
    others: dict[str, Any] = {name: st.just({}) | anything for name in refused}
    return st.fixed_dictionaries({}, optional={**found, **others})


def of_annotation(key: Any, owner: Any) -> st.SearchStrategy[Any]:
    right = [st.just(ALLOWED[key.name])] if owner is ExtraValues else []
    nested = [values_of(inner) for inner in classes(key.annotation)]
    return st.one_of(*right, *right, *right, *nested, *(st.lists(inner, max_size=2) for inner in nested), anything)


nearly_right = st.one_of(
    st.dictionaries(names, st.sampled_from(list(ALLOWED.values())) | anything, max_size=3),
    st.dictionaries(st.sampled_from(list(ALLOWED)), st.none(), max_size=1).map(lambda more: {**ALLOWED, **more}),
    st.sets(st.sampled_from(list(ALLOWED))).map(lambda some: {key: ALLOWED[key] for key in some}),
    values_of(ExtraValues),
    anything,
)


def kept(found: Any, ours: Any) -> bool:
    """Whether all that is ours is in what was found, as it was."""
    if isinstance(ours, dict):
        return isinstance(found, dict) and all(key in found and kept(found[key], value) for key, value in ours.items())
    return bool(found == ours) and type(found) is type(ours)


@given(nearly_right)
def test_values_are_refused_with_words_or_leave_all_that_the_stack_sets_as_it_was(values: Any) -> None:
    told = problems(values)
    if told:
        assert all(one.startswith("runner.values") and "\n" not in one for one in told)
        return
    both = given_to_helm(read(values))
    assert kept(both, given_to_helm(read({})))
    assert kept(both, values)


def given_to_helm(runner: RunnerConfig) -> dict[str, Any]:
    return with_token_checksum(helm_values(runner, [], "existing", secret="s"), "0123")


mappings = st.dictionaries(st.sampled_from("abc"), anything, max_size=3)


@given(mappings, mappings)
def test_what_a_check_might_miss_is_still_below_what_the_stack_sets(extra: Any, ours: Any) -> None:
    assert kept(merged(extra, ours), ours)


@given(st.sampled_from(SHAPES), TAIL, names, names, st.integers(0, 5))
def test_a_secret_is_found_wherever_it_stands_and_never_repeated(
    shape: str, tail: str, outer: str, inner: str, place: int
) -> None:
    secret = shape.format(tail, tail)
    wrapped: tuple[Any, ...] = (secret, [secret], {inner: secret}, [{inner: secret}], {secret: "x"}, {inner: [secret]})
    told = problems({outer: wrapped[place]})
    assert told
    assert not any(tail in one for one in told), told


@given(st.sampled_from(SHAPES), TAIL)
def test_a_secret_that_stands_where_a_key_belongs_is_not_repeated_either(shape: str, tail: str) -> None:
    secret = shape.format(tail, tail)
    for values in ({secret: 1}, {"image": {secret: "x"}}, {"podLabels": {secret: "x"}}, {"extraEnv": {secret: 1}}):
        (message,) = problems(values)
        assert tail not in message


@given(
    TAIL | st.integers(10**9, 10**12), st.sampled_from(["PASSWORD", "MY_TOKEN", "apiKey", "db_secret", "private-key"])
)
def test_what_stands_under_a_secrets_name_is_refused_and_never_repeated(value: Any, name: str) -> None:
    for values in (
        {"extraEnv": {name: value}},
        {"extraEnv": {name: [value]}},
        {"podAnnotations": {name: value}},
        {"volumes": [{"name": "x", "csi": {"volumeAttributes": {name: str(value)}}}]},
        {name: value},
        {"runners": {name: value}},
    ):
        told = problems(values)
        assert len(told) == 1
        assert str(value) not in told[0]


# Where values are checked: before anything is declared, by whichever way they come in.


def test_a_component_refuses_values_before_it_declares_anything(record: Any) -> None:
    args: Any = {
        "runner": {"gitlabUrl": "https://gitlab.com", "values": {"podAnnotations": None}, "buildkit": {}},
        "pools": [],
        "cluster_type": "gke",
        "token": "glrt-only-for-tests_0123456789",
    }
    with pytest.raises(ConfigError, match=re.escape("runner.values.podAnnotations: empty")):
        checked(args)

    def program() -> None:
        with pytest.raises(ConfigError):
            MultiArchRunner("runner", args)

    assert record(program).resources == []


def test_a_stack_file_with_such_values_is_refused_with_all_its_other_mistakes() -> None:
    runner = {"gitlabUrl": "https://gitlab.com", "values": {"tolerations": []}}
    with pytest.raises(ConfigError) as refused:
        load_config({"multiarch-runner:runner": json.dumps(runner)}, ())
    assert "runner.values.tolerations" in str(refused.value)
    assert "cluster: required, but not set" in str(refused.value)


@pytest.mark.parametrize(
    ("runner", "path", "words"),
    [
        (
            {"manager": {"nodeSelector": {"a b": "x"}}},
            "runner.manager.nodeSelector[a b]",
            "not a valid key of a label",
        ),
        (
            {"manager": {"nodeSelector": {"a": "not one"}}},
            "runner.manager.nodeSelector.a",
            "not a valid value of a label",
        ),
        (
            {"jobServiceAccount": {"annotations": {"a: b": "x"}}},
            "runner.jobServiceAccount.annotations[a: b]",
            "not a valid annotation key",
        ),
        (
            {"jobServiceAccount": {"annotations": {"a": "AKIA0123456789ABCDEF"}}},
            "runner.jobServiceAccount.annotations.a",
            "an AWS access key",
        ),
        (
            {"buildkit": {"jobServiceAccount": {"annotations": {"a": "https://me:hunter2@host"}}}},
            "runner.buildkit.jobServiceAccount.annotations.a",
            "a password in a URL",
        ),
    ],
)
def test_labels_and_annotations_elsewhere_are_real_ones_and_hold_no_secret(
    stacks: Stacks, runner: dict[str, Any], path: str, words: str
) -> None:
    def check() -> list[Problem]:
        stack = stacks["gke"](**runner)
        return check_settings(stack.runner, stack.runner_pools, "gke")

    (problem,) = told(check)
    assert str(problem).startswith(f"{path}: ")
    assert words in problem.found
    assert "hunter2" not in str(problem)


@pytest.mark.parametrize("key", ["nodeSelector", "resources"])
def test_null_where_a_mapping_belongs_is_refused_everywhere(key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        parse(RunnerConfig, {"gitlabUrl": "https://gitlab.com", "manager": {key: None}}, "runner")
