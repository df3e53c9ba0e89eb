"""The embedded chart with the values that each stack really makes: linted, rendered, admitted.

MULTIARCH_OFFICIAL_CHART=<folder or archive of the official chart> holds that one to the same expectations.
"""

import json
import os
import re
import subprocess
import tarfile
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client

from components.config import load_config
from components.keys import classes, key_of
from components.runner.executor import config_toml
from components.runner.extra_values import ExtraValues
from components.runner.guards import RUNNER_KIN
from components.runner.permissions import job_rules, pod_security
from components.runner.placement import runner_pool
from components.runner.values import fullname, helm_values, with_token_checksum
from multiarch.cluster.connection import Connection
from multiarch.model.placeholders import with_placeholder_token
from multiarch.model.stack_file import load_stack_file
from multiarch.rehearse.control_plane.sources import Binaries

ROOT = Path(__file__).resolve().parents[2]
EMBEDDED = ROOT / "multiarch/rehearse/chart/gitlab-runner"
OFFICIAL = "MULTIARCH_OFFICIAL_CHART"
STACKS = sorted(path.name.split(".")[1] for path in (ROOT / "stacks").glob("Pulumi.*.yaml"))

Helm = Callable[..., subprocess.CompletedProcess[str]]


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """A stack, the values it makes, and what the chart makes of them."""

    runner: Any
    config: str
    values: dict[str, Any]
    objects: dict[str, dict[str, Any]]

    @property
    def pod(self) -> dict[str, Any]:
        pod: dict[str, Any] = self.objects["Deployment"]["spec"]["template"]
        return pod


@pytest.fixture(scope="session")
def helm(binaries: Binaries, tmp_path_factory: pytest.TempPathFactory) -> Helm:
    home = str(tmp_path_factory.mktemp("helm"))
    environment = {"PATH": os.environ["PATH"], "HOME": home, "HELM_CACHE_HOME": home, "HELM_CONFIG_HOME": home}

    def run(*arguments: str, values: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        command = [str(binaries.path("helm")), *arguments, "--values", "-"]
        return subprocess.run(
            command, input=json.dumps(values), capture_output=True, text=True, check=False, env=environment, timeout=60
        )

    return run


@pytest.fixture(scope="session", params=["embedded", "official"])
def chart(request: pytest.FixtureRequest) -> Path:
    if request.param == "embedded":
        return EMBEDDED
    if OFFICIAL not in os.environ:
        pytest.skip(f"{OFFICIAL} does not say where the official chart is")
    return Path(os.environ[OFFICIAL])


def values_of(stack: str) -> tuple[Any, str, dict[str, Any]]:
    values, secrets, _ = with_placeholder_token(*load_stack_file(ROOT / "stacks" / f"Pulumi.{stack}.yaml"))
    config = load_config(values, secrets)
    pools = [runner_pool(pool) for pool in config.pools]
    made = helm_values(config.runner, pools, config.cluster.type, secret="gitlab-runner-token")
    return config.runner, config_toml(config.runner, pools, config.cluster.type), with_token_checksum(made, "0123")


def render(
    helm: Helm, chart: Path, values: dict[str, Any], release: str = "gitlab-runner"
) -> dict[str, dict[str, Any]]:
    done = helm("template", release, str(chart), "--namespace", "gitlab-runner", values=values)
    assert done.returncode == 0, done.stderr
    objects = [item for item in yaml.safe_load_all(done.stdout) if item]
    assert len({item["kind"] for item in objects}) == len(objects)
    return {item["kind"]: item for item in objects}


@pytest.fixture(scope="session", params=STACKS)
def rendered(request: pytest.FixtureRequest, helm: Helm, chart: Path) -> Rendered:
    runner, config, values = values_of(request.param)
    return Rendered(runner=runner, config=config, values=values, objects=render(helm, chart, values))


@pytest.mark.parametrize("stack", STACKS)
def test_the_embedded_chart_lints_with_each_stacks_values(helm: Helm, stack: str) -> None:
    done = helm("lint", str(EMBEDDED), "--strict", values=values_of(stack)[2])
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_release_is_exactly_these_objects_in_these_namespaces(rendered: Rendered) -> None:
    namespaces = {kind: item["metadata"]["namespace"] for kind, item in rendered.objects.items()}
    assert namespaces == {
        "ServiceAccount": "gitlab-runner",
        "ConfigMap": "gitlab-runner",
        "Deployment": "gitlab-runner",
        "Role": rendered.runner.job_namespace,
        "RoleBinding": rendered.runner.job_namespace,
    }


def test_the_config_comes_out_of_the_chart_as_it_went_in(rendered: Rendered) -> None:
    data = rendered.objects["ConfigMap"]["data"]
    assert data["config.template.toml"] == rendered.config
    assert tomllib.loads(data["config.toml"])["concurrent"] == rendered.runner.concurrent


def test_the_role_is_the_rules_and_nothing_more(rendered: Rendered) -> None:
    assert rendered.objects["Role"]["rules"] == job_rules()
    (subject,) = rendered.objects["RoleBinding"]["subjects"]
    account = rendered.objects["ServiceAccount"]["metadata"]
    assert (subject["name"], subject["namespace"]) == (account["name"], account["namespace"])


def test_the_managers_pod_is_what_the_values_ask_for(rendered: Rendered) -> None:
    spec, values = rendered.pod["spec"], rendered.values
    assert spec["securityContext"] == values["podSecurityContext"]
    assert spec["terminationGracePeriodSeconds"] == rendered.runner.job_timeout
    assert spec["nodeSelector"] == values["nodeSelector"]
    assert spec["serviceAccountName"] == values["serviceAccount"]["name"]
    (container,) = spec["containers"]
    assert container["securityContext"] == values["securityContext"]
    assert container["resources"] == values["resources"]
    assert container["lifecycle"] == values["deploymentLifecycle"]
    assert container["image"] == "registry.gitlab.com/gitlab-org/gitlab-runner:alpine-v19.1.1"
    annotations = rendered.pod["metadata"]["annotations"]
    assert values["podAnnotations"].items() <= annotations.items()
    assert annotations["checksum/configmap"]


def test_the_token_is_projected_from_both_keys_of_the_secret(rendered: Rendered) -> None:
    (volume,) = (volume for volume in rendered.pod["spec"]["volumes"] if "projected" in volume)
    (source,) = volume["projected"]["sources"]
    assert source["secret"]["name"] == "gitlab-runner-token"
    assert [item["key"] for item in source["secret"]["items"]] == ["runner-registration-token", "runner-token"]


@pytest.mark.parametrize("release", ["gitlab-runner", "gitlab-runner-eu", "ci", "r" * 49])
def test_the_objects_are_named_as_the_program_expects(helm: Helm, chart: Path, release: str) -> None:
    values = values_of("local")[2]
    del values["serviceAccount"]["name"]
    objects = render(helm, chart, values, release)
    assert {item["metadata"]["name"] for item in objects.values()} == {fullname(release)}


def test_braces_in_the_config_survive_helms_templating(helm: Helm, chart: Path) -> None:
    values = values_of("local")[2]
    # As values.py escapes them.
    values["runners"]["config"] += '# {{ "{{" }} .Values.gitlabUrl }}\n'
    text = render(helm, chart, values)["ConfigMap"]["data"]["config.template.toml"]
    assert text.endswith("# {{ .Values.gitlabUrl }}\n")


@pytest.mark.parametrize("rules", [[], [{"resources": ["pods"]}]])
def test_a_rule_without_verbs_is_a_wildcard_in_both_charts(helm: Helm, chart: Path, rules: list[Any]) -> None:
    values = values_of("local")[2]
    values["rbac"]["rules"] = rules
    assert render(helm, chart, values)["Role"]["rules"][0]["verbs"] == ["*"]


def test_the_pods_further_settings_reach_it_in_both_charts(helm: Helm, chart: Path) -> None:
    extra: dict[str, Any] = {
        "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["gitlab.internal"]}],
        "affinity": {"nodeAffinity": {}},
        "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}],
        "imagePullSecrets": [{"name": "mirror"}],
        "priorityClassName": "high",
        "runtimeClassName": "gvisor",
    }
    more: dict[str, Any] = {
        "extraEnv": {"HTTPS_PROXY": "http://proxy:3128"},
        "extraEnvFrom": {"A": {"secretKeyRef": {"name": "s", "key": "k"}}},
        "certsSecretName": "gitlab-ca",
        "volumes": [{"name": "x", "emptyDir": {}}],
        "volumeMounts": [{"name": "x", "mountPath": "/x"}],
    }
    spec = render(helm, chart, values_of("local")[2] | extra | more)["Deployment"]["spec"]["template"]["spec"]
    assert {key: spec[key] for key in extra} == extra
    (container,) = spec["containers"]
    environment = {entry["name"]: entry for entry in container["env"]}
    assert environment["HTTPS_PROXY"]["value"] == "http://proxy:3128"
    assert environment["A"]["valueFrom"] == {"secretKeyRef": {"name": "s", "key": "k"}}
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    assert volumes["custom-certs"]["secret"]["secretName"] == "gitlab-ca"
    assert volumes["x"] == {"name": "x", "emptyDir": {}}
    assert {"custom-certs", "x"} <= {mount["name"] for mount in container["volumeMounts"]}


def test_every_key_that_the_official_chart_reads_is_allowed_or_refused_with_a_reason() -> None:
    """Hold `runner.values` to the chart itself: a key that a newer chart brings has to be thought about."""
    if OFFICIAL not in os.environ:
        pytest.skip(f"{OFFICIAL} does not say where the official chart is")
    read = keys_that_templates_read(Path(os.environ[OFFICIAL]))
    assert ("podAnnotations",) in read
    assert ("runners", "configOverride") in read
    assert [path for path in sorted(read) if not told_of(path)] == []


def keys_that_templates_read(chart: Path) -> set[tuple[str, ...]]:
    if chart.is_dir():
        texts = [path.read_text() for path in (chart / "templates").rglob("*") if path.is_file()]
    else:
        with tarfile.open(chart) as archive:
            members = [member for member in archive if member.isfile() and "/templates/" in member.name]
            texts = [file.read().decode() for member in members if (file := archive.extractfile(member))]
    found = re.findall(r"\.Values((?:\.[A-Za-z_]\w*)+)", "\n".join(texts))
    return {tuple(path.removeprefix(".").split(".")) for path in found}


def told_of(path: tuple[str, ...]) -> bool:
    """Whether a value at this path is read, or refused in words that are about it."""
    cls: Any = ExtraValues
    for name in path:
        if name in RUNNER_KIN.inside[cls].refused:
            return True
        key = key_of(cls, name)
        if key is None:
            return False
        inner = classes(key.annotation)
        if not inner or inner[0] not in RUNNER_KIN.inside:
            return True
        cls = inner[0]
    return True


def test_a_value_that_the_embedded_chart_does_not_model_is_refused(helm: Helm) -> None:
    values = values_of("local")[2] | {"schedulerName": "mine"}
    done = helm("template", "gitlab-runner", str(EMBEDDED), values=values)
    assert done.returncode != 0
    assert "schedulerName" in done.stderr


def test_the_managers_pod_is_admitted_under_restricted_and_only_thanks_to_its_seccomp_profile(
    rendered: Rendered, connection: Connection
) -> None:
    api: Any = client.CoreV1Api(connection.api)  # upstream's types know its model classes only
    namespace = {"metadata": {"generateName": "restricted-", "labels": pod_security("restricted")}}
    name = api.create_namespace(namespace).metadata.name
    spec = {key: value for key, value in rendered.pod["spec"].items() if key != "nodeSelector"}
    spec |= {"serviceAccountName": "manager"}
    try:
        api.create_namespaced_service_account(name, {"metadata": {"name": "manager"}})
        admitted = api.create_namespaced_pod(name, {"metadata": {"name": "manager"}, "spec": spec}, dry_run="All")
        assert admitted.metadata.name == "manager"
        context = {key: value for key, value in spec["securityContext"].items() if key != "seccompProfile"}
        softer = {"metadata": {"name": "softer"}, "spec": spec | {"securityContext": context}}
        with pytest.raises(client.ApiException) as refused:
            api.create_namespaced_pod(name, softer, dry_run="All")
        assert refused.value.status == 403
        assert "seccompProfile" in str(refused.value.body)
    finally:
        api.delete_namespace(name)
