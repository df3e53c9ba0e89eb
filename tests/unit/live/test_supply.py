"""Images of a run: copied exactly where their registry answers, else made and said to be, else not had and said why."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from archmerge import Options, UsageError, parse_platform
from archmerge.index import build_index
from archmerge.registry import Registry
from multiarch.rehearse.control_plane.progress import Progress, State
from multiarch.rehearse.images import have
from multiarch.rehearse.images.archive import packed, text
from multiarch.rehearse.images.model import Image, index_of, layer_of
from multiarch.rehearse.images.push import push
from multiarch.rehearse.images.recipes import taking_from
from multiarch.rehearse.live import digests
from multiarch.rehearse.live.supply import Had, Supplied, supply
from multiarch.rehearse.mirror.registry import LocalRegistry
from multiarch.rehearse.nodes.architectures import Arch, native_here

NOBODY = "127.0.0.1:1"
"""A registry that nobody runs."""
UNKNOWN = "sha256:" + "0" * 64


def image(arch: str, *more: str) -> Image:
    layers = [layer_of(packed([text(name, name)])) for name in (f"of-{arch}", "shared", *more)]
    return Image(arch=arch, layers=tuple(layers), run={"Cmd": ["sh"]})


def images(*arches: str) -> dict[str, Image]:
    return {arch: image(arch) for arch in arches or tuple(Arch)}


@pytest.fixture(autouse=True)
def no_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both registries are the small one, and whatever is not in the cache can't be made."""
    monkeypatch.setenv("PATH", "/nonexistent")


@pytest.fixture
def local() -> Iterator[LocalRegistry]:
    with LocalRegistry() as running:
        yield running


@pytest.fixture
def upstream() -> Iterator[LocalRegistry]:
    """Plays the registry that images come from: its name is its address."""
    with LocalRegistry() as running, running.session() as session:
        push(images(), session.registry(running.host), "group/app", "1")
        yield running


def options(*registries: LocalRegistry) -> Options:
    return Options(plain_http=frozenset({NOBODY, *(one.host for one in registries)}))


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache that has what the base and the sandbox are made of, and nothing of the others."""
    shelf = have.shelf_for(tmp_path)
    shelf.folder.mkdir(parents=True)
    for name in have.layer_names(native_here(), ("base", "pause")):
        made = shelf.folder / f"{name}.made"
        made.write_bytes(packed([text(name, name)]))
        shelf.install(name, made, version="1", source=f"Debian {name}")
    return tmp_path


def architectures(registry: LocalRegistry, repository: str, tag: str) -> list[str]:
    with registry.session() as session:
        return [str(entry.platform) for entry in session.registry(registry.host).manifest(repository, tag).images]


def test_an_image_is_copied_whole_each_layer_once_and_keeps_its_digest(
    local: LocalRegistry, upstream: LocalRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: Counter[str] = Counter()
    opened = Registry.open_blob

    def counting(self: Registry, repository: str, digest: str) -> Any:
        read[digest] += 1
        return opened(self, repository, digest)

    monkeypatch.setattr(Registry, "open_blob", counting)
    digest = index_of(images()).digest
    by_tag, by_digest = f"{upstream.host}/group/app:1", f"{upstream.host}/group/app@{digest}"
    told: list[Progress] = []
    found = supply({by_tag: None, by_digest: "base"}, local, told.append, options=options(upstream))
    for reference, one in found.items():
        assert (one.had, one.use) == (Had.PULLED, reference)
        assert str(one) == f"pulled from {upstream.host}"
    assert digests.changed_references(found.values()) == {}
    with local.session() as session:
        assert session.registry(local.host).manifest("group/app", digest).digest == digest
    assert architectures(local, "group/app", "1") == ["linux/amd64", "linux/arm64"]
    assert set(read.values()) == {1}, "the second reference, and what architectures share, cost nothing"
    assert len(read) == 5
    shares = [one.fraction for one in told if one.subject == by_tag and one.fraction is not None]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert [one.state for one in told if one.subject == by_tag][-1] is State.DONE


def test_architectures_that_no_node_has_stay_where_they_are_and_a_digest_is_replaced(
    local: LocalRegistry, upstream: LocalRegistry
) -> None:
    more = {**images(), "s390x": image("s390x")}
    with upstream.session() as session:
        digest = push(more, session.registry(upstream.host), "group/app", "3")
    asked = f"{upstream.host}/group/app:3@{digest}"
    one = supply({asked: None}, local, options=options(upstream))[asked]
    assert one.had is Had.PULLED
    assert one.use == f"{upstream.host}/group/app:3-{digest.replace(':', '-')[:19]}"
    assert digests.changed_references([one]) == {asked: one.use}
    assert architectures(local, "group/app", one.use.rpartition(":")[2]) == ["linux/amd64", "linux/arm64"]
    with local.session() as session:
        store = session.registry(local.host)
        assert not store.has_blob("group/app", image("s390x").layers[0].digest)


@pytest.mark.parametrize("indexed", [True, False])
def test_an_image_of_one_architecture_is_copied_as_it_is_and_said_to_be(
    local: LocalRegistry, upstream: LocalRegistry, *, indexed: bool
) -> None:
    """Also by its digest: so the nodes get what they would get, and the job shows what comes of that."""
    single = image("amd64")
    with upstream.session() as session:
        store = session.registry(upstream.host)
        digest = push({"amd64": single}, store, "group/one", "1")
        if not indexed:
            digest = single.manifest.digest
            store.put_manifest("group/one", "1", single.manifest)
    asked = f"{upstream.host}/group/one@{digest}"
    one = supply({asked: None}, local, options=options(upstream))[asked]
    assert (one.had, one.use) == (Had.PULLED, asked)
    assert str(one) == f"pulled from {upstream.host}: there is none for arm64"
    with local.session() as session:
        assert session.registry(local.host).manifest("group/one", digest).digest == digest


def test_an_image_for_other_machines_alone_is_not_pulled(local: LocalRegistry, upstream: LocalRegistry) -> None:
    with upstream.session() as session:
        push(images("s390x"), session.registry(upstream.host), "group/app", "z")
    asked = f"{upstream.host}/group/app:z"
    one = supply({asked: None}, local, options=options(upstream))[asked]
    assert one.had is Had.NOT
    assert str(one) == f"can't be had: {asked} is for neither amd64 nor arm64"


def test_a_registry_that_does_not_answer_is_asked_and_told_once_and_what_is_made_says_how_it_differs(
    local: LocalRegistry, cache: Path
) -> None:
    wanted: Mapping[str, Any] = {
        f"{NOBODY}/pause:3.10": "pause",
        f"{NOBODY}/busybox": "base",
        f"{NOBODY}/kaniko:1": None,
    }
    told: list[Progress] = []
    pause, base, kaniko = supply(wanted, local, told.append, options=options(), cache_root=cache).values()
    (said,) = [one for one in told if one.subject == NOBODY]
    assert said.state is State.SKIPPED
    assert "refused" in said.detail
    assert str(pause) == "made here: Debian's tini and busybox's sleep, in place of Kubernetes' pause"
    assert str(base) == "made here"
    assert (kaniko.had, kaniko.use) == (Had.NOT, "")
    assert str(kaniko) == f"can't be had: {NOBODY} does not answer"
    assert pause.reason == base.reason == kaniko.reason
    assert pause.use == pause.reference
    for repository, tag in (("pause", "3.10"), ("busybox", "latest")):
        assert architectures(local, repository, tag) == ["linux/amd64", "linux/arm64"]


def test_what_a_registry_that_answers_has_not_is_made_and_the_reason_is_its_own(
    local: LocalRegistry, upstream: LocalRegistry, cache: Path
) -> None:
    asked = f"{upstream.host}/group/gone:1"
    one = supply({asked: "base"}, local, options=options(upstream), cache_root=cache)[asked]
    assert one.had is Had.MADE
    assert "404" in one.reason


def test_nothing_is_made_that_nothing_needs(local: LocalRegistry, upstream: LocalRegistry, tmp_path: Path) -> None:
    """The cache is empty, and nothing can be made here: it would fail."""
    asked = f"{upstream.host}/group/app:1"
    assert supply({asked: "buildkit"}, local, options=options(upstream), cache_root=tmp_path)[asked].had is Had.PULLED


@pytest.mark.parametrize("tag", ["", ":1"])
def test_a_digest_of_what_was_made_leads_to_it_by_a_tag(local: LocalRegistry, cache: Path, tag: str) -> None:
    asked = f"{NOBODY}/group/helper{tag}@{UNKNOWN}"
    one = supply({asked: "base"}, local, options=options(), cache_root=cache)[asked]
    assert one.had is Had.MADE
    name, _, found = one.use.rpartition(":")
    assert name == f"{NOBODY}/group/helper"
    assert architectures(local, "group/helper", found) == ["linux/amd64", "linux/arm64"]
    assert digests.changed_references([one]) == {asked: one.use}


def test_a_made_image_can_be_changed_before_it_is_stored(local: LocalRegistry, cache: Path) -> None:
    asked = f"{NOBODY}/app:1"
    change = {"base": lambda made: taking_from(made, local.host)}
    supply({asked: "base"}, local, options=options(), cache_root=cache, change=change)  # type: ignore[arg-type]  # a Name
    with local.session() as session:
        store = session.registry(local.host)
        for entry in store.manifest("app", "1").images:
            assert len(store.manifest("app", entry.digest).layers) == 2


def test_two_images_that_differ_in_their_registry_alone_are_refused_before_anything_is_asked(
    local: LocalRegistry,
) -> None:
    with pytest.raises(UsageError, match="differ in their registry alone"):
        supply({"a.example/app:1": None, "b.example/app:1": None}, local)
    same = {"busybox": None, "docker.io/library/busybox:latest": None}
    with pytest.raises(UsageError, match="'UPPER'"):  # the one before it are one image, and no clash
        supply({**same, "UPPER": None}, local)


def test_a_lie_in_an_index_is_copied_as_the_lie_it_is(local: LocalRegistry, upstream: LocalRegistry) -> None:
    """A mislabelled image fails where it runs, not here: a cluster would get it as well."""
    native = image("amd64", "again")
    descriptor = native.manifest.descriptor._replace(platform=parse_platform("linux/arm64"))
    with upstream.session() as session:
        store = session.registry(upstream.host)
        push({"amd64": native}, store, "group/app", "x")
        index = build_index([descriptor])
        store.put_manifest("group/app", "lie", index)
    asked = f"{upstream.host}/group/app:lie"
    one = supply({asked: None}, local, options=options(upstream))[asked]
    assert (one.had, one.detail) == (Had.PULLED, "there is none for amd64")


def test_only_what_can_not_be_found_by_its_own_name_is_changed_in_pods() -> None:
    kept = Supplied(reference="host/app:1", had=Had.PULLED, use="host/app:1")
    absent = Supplied(reference="host/kaniko:1", had=Had.NOT, reason="host does not answer")
    assert digests.changed_references([kept, absent]) == {}


def test_the_runs_registry_listens_where_pods_reach_it() -> None:
    """And speaks with this process there, whatever proxy the environment has."""
    with pytest.MonkeyPatch.context() as patch, LocalRegistry("127.0.0.2") as local:
        patch.setenv("http_proxy", f"http://{NOBODY}")
        patch.delenv("no_proxy", raising=False)
        assert local.host.startswith("127.0.0.2:")
        with local.session() as session:
            push(images(), session.registry(local.host), "app", "1")
