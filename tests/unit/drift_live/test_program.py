"""What a plan says is compared, and what a plan can only make up is not."""

from typing import Any

from components.runner.values import token_checksum
from multiarch.drift.live.difference import SECRET
from multiarch.drift.live.program import Program, program_of, unknown_paths
from multiarch.drift.live.request import StateResource
from multiarch.model.plan.model import Plan, PlannedResource
from multiarch.model.providers.values import UNKNOWN, SecretValue
from tests.unit.drift_live.stubs import planned

IMAGE = "multiarch:index:MultiArchImage"
RELEASE = "kubernetes:helm.sh/v3:Release"
MADE_UP, REAL = f"sha256:{'0' * 64}", f"sha256:{'1' * 64}"


def read(*resources: PlannedResource, state: tuple[StateResource, ...] | None = None) -> Program:
    return program_of(Plan(stack="s", resources=resources), state)


def secret(**more: Any) -> PlannedResource:
    inputs = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "token", "namespace": "ci"}}
    return planned("kubernetes:core/v1:Secret", {**inputs, **more}, "token")


def mirrored() -> tuple[PlannedResource, PlannedResource]:
    outputs = {"target": "host/x:1", "publishedDigest": MADE_UP, "digest": MADE_UP, "reference": f"host/x@{MADE_UP}"}
    image = planned(IMAGE, {"target": "host/x:1"}, "image", outputs=outputs)
    values = {"runners": {"config": f'helper_image = "host/x:1@{MADE_UP}"'}, "image": {"tag": "v1"}}
    release = planned(RELEASE, {"name": "r", "values": values}, "r", property_dependencies={"values": (image.urn,)})
    return image, release


def test_of_a_secret_only_keys_are_known() -> None:
    (wanted,) = read(secret(stringData=SecretValue({"a": "glrt-x", "b": ""}))).objects
    assert wanted.manifest["stringData"] == {"a": SECRET, "b": SECRET}
    assert "glrt-x" not in repr(wanted)


def test_a_placeholders_checksum_is_not_compared_and_a_stated_revision_is() -> None:
    token = secret(stringData=SecretValue({"runner-token": "glrt-rehearsal-placeholder"}))
    annotations = {"checksum": token_checksum("glrt-rehearsal-placeholder"), "revision": "7"}
    release = planned(RELEASE, {"name": "r", "values": {"podAnnotations": annotations}})
    (wanted,) = read(token, release).releases
    assert wanted.values == {"podAnnotations": {"checksum": UNKNOWN, "revision": "7"}}


def test_a_digest_that_the_rehearsal_made_up_is_unknown_without_a_state() -> None:
    (wanted,) = read(*mirrored()).releases
    assert wanted.values == {"runners": {"config": UNKNOWN}, "image": {"tag": "v1"}}
    assert list(unknown_paths(wanted.values)) == ["runners.config"]
    assert list(unknown_paths({"a.b": [{"c": UNKNOWN}]}, "values")) == ['values["a.b"][0].c']


def test_and_is_the_published_one_where_the_state_knows_it() -> None:
    image, release = mirrored()
    # A refresh found another image in the registry; what was published is what the runner got.
    outputs = {"publishedDigest": REAL, "digest": f"sha256:{'2' * 64}", "reference": f"host/x@{REAL}"}
    state = (StateResource(urn=image.urn, type=IMAGE, outputs=outputs),)
    (wanted,) = read(image, release, state=state).releases
    assert wanted.values["runners"]["config"] == f'helper_image = "host/x:1@{REAL}"'


def test_an_answer_that_nothing_was_computed_from_hides_nothing() -> None:
    cluster = planned("gcp:container/x:X", {}, "x", outputs={"name": "a-rather-long-name"})
    config = planned(
        "kubernetes:core/v1:ConfigMap",
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "a-rather-long-name"}},
    )
    (wanted,) = read(cluster, config).objects
    assert wanted.manifest["data"] == {"a": "a-rather-long-name"}


def test_an_object_named_by_pulumi_is_found_by_its_state_or_not_at_all() -> None:
    inputs = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "ci"}}
    resource = planned("kubernetes:core/v1:ConfigMap", inputs)
    (wanted,) = read(resource).objects
    assert "known only to a deployment" in wanted.unclear
    state = (StateResource(urn=resource.urn, type=resource.type, id="ci/it-1a2b3c4d"),)
    (wanted,) = read(resource, state=state).objects
    assert (wanted.manifest["metadata"]["name"], wanted.unclear) == ("it-1a2b3c4d", "")


def test_what_is_no_single_object_is_told() -> None:
    (wanted,) = read(planned("kubernetes:yaml:ConfigGroup", {"files": ["x"]})).objects
    assert "not a single object" in wanted.unclear
