"""MultiArchImage against a real registry, over gRPC as the engine speaks it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import grpc  # type: ignore[import-untyped]  # grpcio ships no types
import pytest
from pulumi.runtime.proto import provider_pb2 as messages

from multiarch.model.providers.values import UNKNOWN, SecretValue
from tests.registry.lab.daemon import free_port
from tests.registry.lab.images import image, index
from tests.registry.lab.plugin import URN, Plugin, kinds
from tests.registry.lab.tokens import PASSWORD, USER
from tests.registry.lab.workbench import OURS, Workbench

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.registry.lab.proxy import Call

NONE, SOME = messages.DiffResponse.DIFF_NONE, messages.DiffResponse.DIFF_SOME
COMPUTED = ("digest", "publishedDigest", "reference", "platforms", "tagDigests")
Inputs = dict[str, Any]


def environment(home: Path) -> dict[str, str]:
    """Nothing of this machine's credentials or proxies."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(OURS) and not k.lower().endswith("_proxy")}
    return {**kept, "HOME": str(home)}


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plugin]:
    home = tmp_path_factory.mktemp("home")
    started = Plugin(environment(home), home)
    yield started
    errors = started.stop()
    assert PASSWORD not in errors
    assert "Traceback" not in errors


@pytest.fixture
def inputs(bench: Workbench) -> Inputs:
    """Two images in repositories of their own, and a target in a third."""
    repository = bench.name("helper")
    sources = {}
    for arch in ("amd64", "arm64"):
        bench.push(f"{repository}-{arch}", image(arch, seed=repository.replace("/", "-")), "1")
        sources[f"linux/{arch}"] = f"{bench.host}/{repository}-{arch}:1"
    login = {"username": USER, "password": PASSWORD}
    return {
        "target": f"{bench.host}/{repository}:1",
        "sources": sources,
        "credentials": SecretValue({bench.host: login}),
        "plainHttp": [bench.host],
    }


def repository_of(inputs: Inputs) -> str:
    return str(inputs["target"]).partition("/")[2].rpartition(":")[0]


def move_tag(bench: Workbench, inputs: Inputs, tag: str = "1") -> str:
    """Put another index under the tag, behind the resource's back."""
    other = index(
        [
            (image(arch, seed="other"), {"platform": {"architecture": arch, "os": "linux"}})
            for arch in ("amd64", "arm64")
        ]
    )
    return bench.push(repository_of(inputs), other, tag)


def remove(bench: Workbench, repository: str, digest: str) -> None:
    access = [{"type": "repository", "name": repository, "actions": ["pull", "push", "delete"]}]
    header = {"Authorization": f"Bearer {bench.tokens.token('lab', access)}"}
    status, _, body = bench.pusher(repository).call("DELETE", f"/v2/{repository}/manifests/{digest}", None, header)
    assert status == 202, body


def error_of(act: Any) -> str:
    with pytest.raises(grpc.RpcError) as caught:
        act()
    assert caught.value.code() == grpc.StatusCode.UNKNOWN
    text = str(caught.value.details())
    assert PASSWORD not in text
    assert "File " not in text, "a traceback"
    return text


def test_the_provider_says_who_it_is_and_wants_secrets_and_previews(plugin: Plugin) -> None:
    schema = json.loads(plugin.schema())
    assert (schema["name"], schema["version"]) == ("multiarch", plugin.version())
    answer = plugin.configure()
    assert (answer.acceptSecrets, answer.supportsPreview, answer.acceptOutputs) == (True, True, True)


def test_create_publishes_both_architectures_and_says_what_the_registry_has(
    plugin: Plugin, bench: Workbench, inputs: Inputs
) -> None:
    identity, state = plugin.create({**inputs, "tags": ["latest"]})
    repository = repository_of(inputs)
    digest = bench.digest_of(repository, "1")
    assert identity == inputs["target"]
    assert digest is not None
    assert state["digest"] == state["publishedDigest"] == bench.digest_of(repository, "latest") == digest
    assert state["reference"] == f"{bench.host}/{repository}@{digest}"
    assert state["tagDigests"] == {"latest": digest}
    entries = bench.pusher(repository).manifest(repository, "1")["manifests"]
    assert state["platforms"] == {f"linux/{e['platform']['architecture']}": e["digest"] for e in entries}
    assert set(state["platforms"]) == {"linux/amd64", "linux/arm64"}


def test_the_state_holds_no_credentials(plugin: Plugin, inputs: Inputs) -> None:
    _, state = plugin.create(inputs)
    assert "credentials" not in state
    assert PASSWORD not in repr(state)


def test_check_marks_credentials_secret_though_the_program_forgot(plugin: Plugin, inputs: Inputs) -> None:
    answer = plugin.check({**inputs, "credentials": inputs["credentials"].value})
    assert not answer.failures
    assert "4dabf18193072939515e22adb298388d" in str(answer.inputs.fields["credentials"])


def test_check_and_diff_and_previews_send_nothing(plugin: Plugin, bench: Workbench, inputs: Inputs) -> None:
    _, state = plugin.create(inputs)
    bench.proxy.reset()
    plugin.check(inputs)
    plugin.diff(state, {**inputs, "tags": ["latest"]})
    plugin.create(inputs, preview=True)
    plugin.update(state, {**inputs, "tags": ["latest"]}, preview=True)
    assert bench.proxy.seen == []
    assert bench.proxy.connections == 0


def test_a_preview_of_create_knows_the_inputs_and_nothing_else(plugin: Plugin, inputs: Inputs) -> None:
    identity, state = plugin.create(inputs, preview=True)
    assert identity == ""
    assert {key: state[key] for key in COMPUTED} == dict.fromkeys(COMPUTED, UNKNOWN)
    assert state["target"] == inputs["target"]


def test_a_preview_with_unknown_inputs_passes_check_create_diff_and_update(plugin: Plugin, inputs: Inputs) -> None:
    _, state = plugin.create(inputs)
    for unknown in (
        {"target": UNKNOWN},
        {"sources": UNKNOWN},
        {"sources": {**inputs["sources"], "linux/arm64": UNKNOWN}},
        {"tags": UNKNOWN},
        {"tags": [UNKNOWN]},
        {"credentials": UNKNOWN},
        {"credentials": SecretValue({"127.0.0.1:1": UNKNOWN})},
        {"plainHttp": UNKNOWN},
    ):
        changed = {**inputs, **unknown}
        if "credentials" in unknown and isinstance(unknown["credentials"], SecretValue):
            assert list(plugin.failures(changed)) == ['credentials["127.0.0.1:1"]']
        else:
            assert not plugin.failures(changed), unknown
        assert plugin.create(changed, preview=True)[1]["digest"] is UNKNOWN
        plugin.update(state, changed, preview=True)
        plugin.diff(state, changed)


def test_an_unknown_target_or_source_is_told_as_a_change(plugin: Plugin, inputs: Inputs) -> None:
    _, state = plugin.create(inputs)
    assert kinds(plugin.diff(state, {**inputs, "target": UNKNOWN})) == {"target": "UPDATE_REPLACE"}
    sources = {**inputs["sources"], "linux/arm64": UNKNOWN}
    assert kinds(plugin.diff(state, {**inputs, "sources": sources})) == {'sources["linux/arm64"]': "UPDATE"}


def test_the_same_inputs_have_no_diff(plugin: Plugin, inputs: Inputs) -> None:
    _, state = plugin.create({**inputs, "tags": ["a", "b"]})
    answer = plugin.diff(state, {**inputs, "tags": ["b", "a"], "deleteRemote": False})
    assert answer.changes == NONE
    assert kinds(answer) == {}


def test_other_credentials_are_no_difference(plugin: Plugin, inputs: Inputs) -> None:
    _, state = plugin.create(inputs)
    assert plugin.diff(state, {key: value for key, value in inputs.items() if key != "credentials"}).changes == NONE


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"tags": ["latest"]}, {"tags": "ADD"}),
        ({"deleteRemote": True}, {"deleteRemote": "ADD"}),
        ({"plainHttp": None}, {"plainHttp": "DELETE"}),
    ],
)
def test_each_changed_input_is_in_the_detailed_diff(
    plugin: Plugin, inputs: Inputs, change: Inputs, expected: dict[str, str]
) -> None:
    _, state = plugin.create(inputs)
    answer = plugin.diff(state, {key: value for key, value in (inputs | change).items() if value is not None})
    assert answer.changes == SOME
    assert kinds(answer) == expected
    assert list(answer.replaces) == []


def test_another_target_replaces(plugin: Plugin, inputs: Inputs) -> None:
    _, state = plugin.create(inputs)
    answer = plugin.diff(state, {**inputs, "target": inputs["target"] + "-new"})
    assert kinds(answer) == {"target": "UPDATE_REPLACE"}
    assert list(answer.replaces) == ["target"]
    assert not answer.deleteBeforeReplace


def test_a_replaced_image_that_is_deleted_goes_first(plugin: Plugin, inputs: Inputs) -> None:
    _, state = plugin.create({**inputs, "deleteRemote": True})
    assert plugin.diff(state, {**inputs, "target": inputs["target"] + "-new"}).deleteBeforeReplace


def test_a_refresh_of_what_is_as_it_was_changes_nothing(plugin: Plugin, inputs: Inputs) -> None:
    identity, state = plugin.create({**inputs, "tags": ["latest"]})
    found, seen, given = plugin.read(identity, state, inputs)
    assert (found, seen) == (identity, state)
    assert given == inputs


def test_a_moved_tag_shows_and_the_next_update_repairs_it(plugin: Plugin, bench: Workbench, inputs: Inputs) -> None:
    identity, state = plugin.create(inputs)
    moved = move_tag(bench, inputs)
    _, seen, _ = plugin.read(identity, state, inputs)
    assert (seen["digest"], seen["publishedDigest"]) == (moved, state["digest"])
    assert seen["reference"] == state["reference"], "what is deployed by digest has not moved"
    answer = plugin.diff(seen, inputs)
    assert answer.changes == SOME
    assert kinds(answer) == {"digest": "UPDATE"}
    assert not answer.detailedDiff["digest"].inputDiff
    repaired = plugin.update(seen, inputs, identity)
    assert repaired == state
    assert bench.digest_of(repository_of(inputs), "1") == state["digest"]
    assert plugin.diff(repaired, inputs).changes == NONE


def test_a_moved_extra_tag_shows_and_the_next_update_repairs_it(
    plugin: Plugin, bench: Workbench, inputs: Inputs
) -> None:
    inputs = {**inputs, "tags": ["latest"]}
    identity, state = plugin.create(inputs)
    moved = move_tag(bench, inputs, "latest")
    _, seen, _ = plugin.read(identity, state, inputs)
    assert seen["tagDigests"] == {"latest": moved}
    assert kinds(plugin.diff(seen, inputs)) == {"tagDigests.latest": "UPDATE"}
    assert plugin.update(seen, inputs, identity) == state


def test_a_tag_moved_to_something_that_is_no_index_is_drift_and_no_error(
    plugin: Plugin, bench: Workbench, inputs: Inputs
) -> None:
    identity, state = plugin.create(inputs)
    single = bench.push(repository_of(inputs), image("amd64", seed="single"), "1")
    _, seen, _ = plugin.read(identity, state, inputs)
    assert (seen["digest"], seen["platforms"]) == (single, {})
    assert kinds(plugin.diff(seen, inputs)) == {"digest": "UPDATE"}


def test_a_deleted_tag_is_gone(plugin: Plugin, bench: Workbench, inputs: Inputs) -> None:
    identity, state = plugin.create(inputs)
    remove(bench, repository_of(inputs), state["digest"])
    assert plugin.read(identity, state, inputs) == ("", {}, {})


def test_a_server_that_answers_404_to_everything_is_no_proof_that_the_tag_is_gone(
    plugin: Plugin, bench: Workbench, inputs: Inputs
) -> None:
    identity, state = plugin.create(inputs)
    bench.proxy.fault = lambda call: call.answer(404, {"Content-Type": "text/html"}, b"<h1>not found</h1>")
    assert "could not tell whether the image is gone" in error_of(lambda: plugin.read(identity, state, inputs))


def test_a_child_that_was_cleaned_away_is_drift_and_brought_back(
    plugin: Plugin, bench: Workbench, inputs: Inputs
) -> None:
    identity, state = plugin.create(inputs)
    remove(bench, repository_of(inputs), state["platforms"]["linux/arm64"])
    _, seen, _ = plugin.read(identity, state, inputs)
    assert seen["digest"] == state["digest"]
    assert list(seen["platforms"]) == ["linux/amd64"]
    assert kinds(plugin.diff(seen, inputs)) == {'platforms["linux/arm64"]': "ADD"}
    assert plugin.update(seen, inputs, identity) == state
    assert plugin.read(identity, state, inputs)[1] == state


def test_a_registry_that_is_down_is_an_error_and_never_no_drift(
    plugin: Plugin, bench: Workbench, inputs: Inputs
) -> None:
    identity, state = plugin.create(inputs)
    down = f"127.0.0.1:{free_port()}"
    where = {"target": inputs["target"].replace(bench.host, down), "plainHttp": [down]}
    text = error_of(lambda: plugin.read(identity.replace(bench.host, down), {**state, **where}, {**inputs, **where}))
    assert down in text
    assert "refused" in text


@pytest.mark.parametrize("verb", ["create", "read"])
def test_a_wrong_password_is_an_error_that_names_the_source_of_the_credentials(
    plugin: Plugin, bench: Workbench, inputs: Inputs, verb: str
) -> None:
    identity, state = plugin.create(inputs)
    wrong = {**inputs, "credentials": SecretValue({bench.host: {"username": USER, "password": "not-it-at-all"}})}
    text = error_of(lambda: plugin.create(wrong) if verb == "create" else plugin.read(identity, state, wrong))
    assert "401" in text
    assert "the resource's own credentials" in text
    assert "not-it-at-all" not in text
    assert USER not in text


def test_no_credentials_at_all_is_an_error_too(plugin: Plugin, inputs: Inputs) -> None:
    identity, state = plugin.create(inputs)
    without = {key: value for key, value in inputs.items() if key != "credentials"}
    assert "no credentials" in error_of(lambda: plugin.read(identity, state, without))


def test_the_environments_docker_config_serves_where_no_credentials_are_given(
    bench: Workbench, inputs: Inputs, tmp_path: Path
) -> None:
    (tmp_path / ".docker").mkdir()
    login = {"username": USER, "password": PASSWORD}
    (tmp_path / ".docker/config.json").write_text(json.dumps({"auths": {bench.host: login}}))
    own = Plugin(environment(tmp_path), tmp_path)
    without = {key: value for key, value in inputs.items() if key != "credentials"}
    try:
        identity, state = own.create(without)
        assert own.read(identity, state, without)[1] == state
        assert own.read(f"http://{identity}")[0] == identity
    finally:
        own.stop()


def test_a_mislabelled_source_is_refused_and_nothing_is_published(
    plugin: Plugin, bench: Workbench, inputs: Inputs
) -> None:
    repository = repository_of(inputs)
    bench.push(f"{repository}-arm64", image("amd64", seed="mislabelled"), "1")
    text = error_of(lambda: plugin.create(inputs))
    assert "said to be linux/arm64, but its config says linux/amd64" in text
    assert "--allow-mismatch" not in text, "that is an option of another program"
    assert bench.digest_of(repository, "1") is None


def test_a_missing_source_is_refused_and_named(plugin: Plugin, bench: Workbench, inputs: Inputs) -> None:
    sources = dict(inputs["sources"])
    sources["linux/arm64"] = inputs["sources"]["linux/arm64"][: -len(":1")] + ":absent"
    assert ":absent" in error_of(lambda: plugin.create({**inputs, "sources": sources}))
    assert bench.digest_of(repository_of(inputs), "1") is None


def test_sources_by_digest_make_the_preview_of_a_repair_certain(
    plugin: Plugin, bench: Workbench, inputs: Inputs
) -> None:
    repository = repository_of(inputs)
    sources = {
        f"linux/{arch}": f"{bench.host}/{repository}-{arch}@{bench.digest_of(f'{repository}-{arch}', '1')}"
        for arch in ("amd64", "arm64")
    }
    pinned = {**inputs, "sources": sources}
    identity, state = plugin.create(pinned)
    move_tag(bench, inputs)
    _, seen, _ = plugin.read(identity, state, pinned)
    plan = plugin.update(seen, pinned, identity, preview=True)
    assert (plan["digest"], plan["reference"]) == (state["digest"], state["reference"])
    by_tag = plugin.update(seen, inputs, identity, preview=True)
    assert by_tag["digest"] is UNKNOWN, "a tag may lead anywhere by then"


def test_a_source_by_another_name_but_the_same_digest_is_no_difference(
    plugin: Plugin, bench: Workbench, inputs: Inputs
) -> None:
    repository = repository_of(inputs)
    digests = {arch: bench.digest_of(f"{repository}-{arch}", "1") for arch in ("amd64", "arm64")}
    pinned = {f"linux/{arch}": f"{bench.host}/{repository}-{arch}@{digest}" for arch, digest in digests.items()}
    own = {f"linux/{arch}": f"{bench.host}/{repository}@{digest}" for arch, digest in digests.items()}
    _, state = plugin.create({**inputs, "sources": pinned})
    assert plugin.diff(state, {**inputs, "sources": own}).changes == NONE


def test_changed_sources_are_merged_again(plugin: Plugin, bench: Workbench, inputs: Inputs) -> None:
    identity, state = plugin.create(inputs)
    repository = repository_of(inputs)
    bench.push(f"{repository}-arm64", image("arm64", seed="newer"), "2")
    changed = {**inputs, "sources": {**inputs["sources"], "linux/arm64": f"{bench.host}/{repository}-arm64:2"}}
    assert kinds(plugin.diff(state, changed)) == {'sources["linux/arm64"]': "UPDATE"}
    news = plugin.update(state, changed, identity)
    assert news["digest"] != state["digest"]
    assert news["platforms"]["linux/arm64"] == bench.digest_of(f"{repository}-arm64", "2")


def test_delete_keeps_the_image(plugin: Plugin, bench: Workbench, inputs: Inputs) -> None:
    identity, state = plugin.create(inputs)
    bench.proxy.reset()
    plugin.delete(identity, state, inputs)
    assert bench.proxy.seen == []
    assert bench.digest_of(repository_of(inputs), "1") == state["digest"]


def test_delete_remote_removes_it_with_the_credentials_of_the_last_update(
    plugin: Plugin, bench: Workbench, inputs: Inputs
) -> None:
    inputs = {**inputs, "tags": ["latest"], "deleteRemote": True}
    identity, state = plugin.create(inputs)
    plugin.delete(identity, state, inputs)
    repository = repository_of(inputs)
    assert bench.digest_of(repository, "1") is None
    assert bench.digest_of(repository, "latest") is None
    assert bench.digest_of(f"{repository}-arm64", "1") is not None, "the sources are not ours"
    plugin.delete(identity, state, inputs)  # gone already is as good as deleted


def test_delete_remote_takes_nobody_elses_tag_along(plugin: Plugin, bench: Workbench, inputs: Inputs) -> None:
    inputs = {**inputs, "deleteRemote": True}
    identity, state = plugin.create(inputs)
    repository = repository_of(inputs)
    _, headers, body = bench.pusher(repository).call(
        "GET", f"/v2/{repository}/manifests/1", None, {"Accept": "application/vnd.oci.image.index.v1+json"}
    )
    status, _, _ = bench.pusher(repository).call(
        "PUT", f"/v2/{repository}/manifests/theirs", body, {"Content-Type": headers["content-type"]}
    )
    assert status == 201
    assert "theirs" in error_of(lambda: plugin.delete(identity, state, inputs))
    assert bench.digest_of(repository, "theirs") == bench.digest_of(repository, "1") == state["digest"]


def test_delete_remote_leaves_a_tag_that_somebody_moved(plugin: Plugin, bench: Workbench, inputs: Inputs) -> None:
    inputs = {**inputs, "deleteRemote": True}
    identity, state = plugin.create(inputs)
    moved = move_tag(bench, inputs)
    plugin.delete(identity, state, inputs)
    assert bench.digest_of(repository_of(inputs), "1") == moved


def test_an_import_needs_the_id_alone_and_is_without_a_difference(
    bench: Workbench, plugin: Plugin, inputs: Inputs, tmp_path: Path
) -> None:
    identity, state = plugin.create(inputs)
    login = json.dumps({"auths": {bench.host: {"username": USER, "password": PASSWORD}}})
    own = Plugin({**environment(tmp_path), "DOCKER_AUTH_CONFIG": login}, tmp_path)
    try:
        found, seen, given = own.read(f"http://{identity}")
        assert found == identity
        assert seen["digest"] == seen["publishedDigest"] == state["digest"]
        assert not own.failures(given)
        assert own.diff(seen, given).changes == NONE
        assert own.update(seen, given, identity) == seen, "its children make the same index again"
        assert own.read(f"http://{identity}-absent") == ("", {}, {})
        bench.push(repository_of(inputs), image("amd64", seed="one"), "one")
        assert "is not an index" in error_of(lambda: own.read(f"http://{bench.host}/{repository_of(inputs)}:one"))
    finally:
        own.stop()


def test_a_program_that_names_the_imported_images_by_digest_needs_no_update(
    plugin: Plugin, bench: Workbench, inputs: Inputs, tmp_path: Path
) -> None:
    identity, state = plugin.create(inputs)
    login = json.dumps({"auths": {bench.host: {"username": USER, "password": PASSWORD}}})
    own = Plugin({**environment(tmp_path), "DOCKER_AUTH_CONFIG": login}, tmp_path)
    try:
        _, seen, _ = own.read(f"http://{identity}")
    finally:
        own.stop()
    name = f"{bench.host}/{repository_of(inputs)}"
    sources = {platform: f"{name}-x@{digest}" for platform, digest in state["platforms"].items()}
    assert plugin.diff(seen, {**inputs, "sources": sources}).changes == NONE


def test_ignore_changes_also_covers_drift(plugin: Plugin, bench: Workbench, inputs: Inputs) -> None:
    identity, state = plugin.create(inputs)
    move_tag(bench, inputs)
    _, seen, _ = plugin.read(identity, state, inputs)
    assert plugin.diff(seen, inputs, ("digest",)).changes == NONE


def test_a_tag_that_somebody_moves_while_it_is_published_is_told(
    plugin: Plugin, bench: Workbench, inputs: Inputs
) -> None:
    def move_once(call: Call) -> bool:
        if call.method == "HEAD" and call.path.endswith("/manifests/1"):
            bench.proxy.fault = None
            move_tag(bench, inputs)
        return False

    bench.proxy.fault = move_once
    assert "something else writes this tag" in error_of(lambda: plugin.create(inputs))


def test_where_single_tags_can_be_deleted_only_those_go_that_are_still_ours(
    plugin: Plugin, bench: Workbench, inputs: Inputs
) -> None:
    inputs = {**inputs, "tags": ["latest"], "deleteRemote": True}
    identity, state = plugin.create(inputs)
    move_tag(bench, inputs)
    deleted: list[str] = []

    def accept(call: Call) -> bool:
        if call.method != "DELETE":
            return False
        deleted.append(call.path.rpartition("/")[2])
        return call.answer(202)

    bench.proxy.fault = accept
    plugin.delete(identity, state, inputs)
    assert deleted == ["latest"]


@pytest.mark.parametrize("verb", ["Handshake", "GetMapping"])
def test_what_the_engine_may_leave_out_is_told_as_not_implemented(plugin: Plugin, verb: str) -> None:
    request = messages.ProviderHandshakeRequest() if verb == "Handshake" else messages.GetMappingRequest()
    with pytest.raises(grpc.RpcError) as caught:
        getattr(plugin.stub, verb)(request)
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED, "the engine goes on without it only then"


def test_the_provider_has_no_configuration_that_could_differ(plugin: Plugin) -> None:
    assert not plugin.stub.CheckConfig(messages.CheckRequest(urn=URN)).failures
    assert plugin.stub.DiffConfig(messages.DiffRequest(urn=URN)).changes != SOME
