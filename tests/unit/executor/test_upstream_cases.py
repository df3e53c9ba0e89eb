"""The model gives what gitlab-runner's own tests expect (upstream_cases.yaml names each)."""

from pathlib import Path
from typing import Any

import pytest
import tomli_w
import yaml

from multiarch.model.executor import ExecutorConfig, Job, JobRefusal, Pod, Service, build_pod, parse_config
from multiarch.model.executor.config import config_of
from multiarch.model.executor.overwrites import evaluate
from multiarch.model.executor.security import capabilities, container_context
from multiarch.model.executor.table import Table

CASES: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "upstream_cases.yaml").read_text())


def cases(group: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", CASES[group], ids=lambda case: case["from"])


def config(case: dict[str, Any]) -> ExecutorConfig:
    """Take the case through TOML text, as the cluster's config comes."""
    runner = {key: case[key] for key in ("name", "token", "shell") if key in case}
    return parse_config(tomli_w.dumps({"runners": [{**runner, "kubernetes": case.get("config", {})}]}))


def pod_of(case: dict[str, Any]) -> Pod | JobRefusal:
    job = Job(
        name="",
        image="test-image",
        variables=case.get("variables", {}),
        timeout=7200,
        id=0,
        project_id=0,
        sha="",
        ref="",
    )
    return build_pod(config(case), job, "19.1.1")


@cases("overwrites")
def test_overwrites_are_upstreams(case: dict[str, Any]) -> None:
    if "refused" in case:
        outcome = pod_of(case)
        assert isinstance(outcome, JobRefusal)
        # Upstream wraps resource errors as `invalid build limits specified: ...`.
        assert outcome.reason.split(" specified: ")[-1] == case["refused"]
        return
    result = evaluate(config(case).kubernetes, list(case.get("variables", {}).items()))
    for field, expected in case["expect"].items():
        seen = getattr(result, field)
        if field in ("requests", "limits"):
            seen = {container: values for container, values in seen.items() if values}
        assert seen == expected, field


@pytest.mark.parametrize("case", CASES["service_resources"]["cases"], ids=lambda case: case["from"])
def test_a_services_own_variables_change_its_resources(case: dict[str, Any]) -> None:
    whole = config({"config": CASES["service_resources"]["config"]})
    job = Job(name="j", image="i", services=(Service(name="someimage:tag", variables=case["variables"]),))
    pod = build_pod(whole, job, "19.1.1")
    assert isinstance(pod, Pod)
    container = pod.manifest["spec"]["containers"][2]
    assert container["name"] == "svc-0"
    assert container["resources"] == {"requests": case["requests"], "limits": case["limits"]}


@cases("tolerations")
def test_tolerations_are_upstreams(case: dict[str, Any]) -> None:
    pod = pod_of(case)
    assert isinstance(pod, Pod)
    assert pod.manifest["spec"]["tolerations"] == case["expect"]


@cases("helper_image")
def test_helper_image_is_upstreams(case: dict[str, Any]) -> None:
    pod = pod_of(case)
    if "refused" in case:
        assert pod == JobRefusal(case["refused"])
        return
    assert isinstance(pod, Pod)
    spec = pod.manifest["spec"]
    assert pod.helper_image == case["expect"]
    assert [container["image"] for container in (spec["containers"][1], spec["initContainers"][0])] == [
        case["expect"],
        case["expect"],
    ]


@cases("capabilities")
def test_capabilities_are_upstreams(case: dict[str, Any]) -> None:
    settings = Table("k", {"cap_add": case["add"], "cap_drop": case["drop"]})
    assert capabilities(settings, Table("own", {}), case["default_drop"]) == case["expect"]


@cases("container_context")
def test_container_security_context_is_upstreams(case: dict[str, Any]) -> None:
    settings = {**case.get("config", {}), "build_container_security_context": case.get("own", {})}
    whole = config_of({"runners": [{"kubernetes": settings}]})
    context = container_context(whole.kubernetes, "build_container_security_context", case.get("user", ""), ())
    assert context == case["expect"]


@cases("labels")
def test_labels_are_upstreams(case: dict[str, Any]) -> None:
    pod = pod_of(case)
    assert isinstance(pod, Pod)
    labels = pod.manifest["metadata"]["labels"]
    assert case["present"].items() <= labels.items()
    assert not set(case["absent"]) & set(labels)


@cases("annotations")
def test_annotations_are_upstreams(case: dict[str, Any]) -> None:
    pod = pod_of(case)
    assert isinstance(pod, Pod)
    assert case["present"].items() <= pod.manifest["metadata"]["annotations"].items()


@cases("spec")
def test_pod_spec_field_is_upstreams(case: dict[str, Any]) -> None:
    pod = pod_of(case)
    assert isinstance(pod, Pod)
    value: Any = pod.manifest["spec"]
    for key in case["path"]:
        value = value.get(key)
    assert value == case["expect"]
