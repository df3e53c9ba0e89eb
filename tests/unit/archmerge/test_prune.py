"""`prune` deletes what nothing kept reaches: in 10,000 generated registries, and in one interrupted anywhere."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from archmerge import ArchmergeError, MergeRequest, RefusedError, Session, Source, UnknownError, merge
from archmerge.cli import main
from archmerge.inspection import verify
from archmerge.pruning import Found, Rules, plan, prune
from tests.registry.lab.images import Image, image

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.archmerge.fake_registry import FakeRegistry

DAY = 86400.0


class Generated:
    """A repository as it may be: indexes over images, attestations, signatures of anything, tags on anything."""

    def __init__(self, chance: random.Random) -> None:
        self.children: dict[str, set[str]] = {}
        self.subject: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.ages: dict[str, float] = {}
        images = [self._digest(n) for n in range(chance.randint(1, 6))]
        for digest in images:
            self.children[digest] = set()
            if chance.random() < 0.9:
                self.ages[digest] = chance.choice([0.0, 6 * DAY, 8 * DAY])
        everything = list(images)
        for number in range(chance.randint(0, 4)):
            digest = self._digest(100 + number)
            self.children[digest] = set(chance.sample(everything, chance.randint(1, len(everything))))
            own = [self.ages[child] for child in self.children[digest] if child in self.ages]
            if own:
                self.ages[digest] = min(own)
            everything.append(digest)
        for number in range(chance.randint(0, 4)):
            digest = self._digest(200 + number)
            self.children[digest], self.subject[digest] = set(), chance.choice(everything)
            everything.append(digest)
        names = ["latest", "1.2", "main", "1-amd64", "1-arm64", "2-amd64", "2-arm64", "x-amd64-debug"]
        for name in chance.sample(names, chance.randint(0, len(names))):
            self.tags[name] = chance.choice(everything)
        for _ in range(chance.randint(0, 2)):
            spoken_of = chance.choice([*everything, self._digest(999)])
            ending = chance.choice(["", ".sig", ".att"])
            self.tags[spoken_of.replace(":", "-") + ending] = chance.choice(everything)

    @staticmethod
    def _digest(number: int) -> str:
        return f"sha256:{number:064x}"

    def found(self) -> Found:
        leads = {
            digest: {*children, *(own for own, of in self.subject.items() if of == digest), *self._of(digest)}
            for digest, children in self.children.items()
        }
        return Found(self.tags, leads, self.children, self.ages)

    def _of(self, digest: str) -> set[str]:
        return {self.subject[digest]} if digest in self.subject else set()

    def reachable(self, roots: set[str]) -> set[str]:
        """Written by hand, and not asked of the code under test: grow until nothing is added."""
        while True:
            more = {child for digest in roots for child in self.children.get(digest, set())}
            more |= {digest for digest, subject in self.subject.items() if subject in roots}
            more |= {self.tags[tag] for tag in self.tags if tag[:7] == "sha256-" and self._spoken_of(tag) in roots}
            if more <= roots:
                return roots
            roots = roots | more

    @staticmethod
    def _spoken_of(tag: str) -> str:
        return tag.partition(".")[0].replace("-", ":", 1)


def _kept(registry: Generated, rules: Rules) -> set[str]:
    kept = set()
    for tag, digest in registry.tags.items():
        if tag[:7] == "sha256-":
            if registry._spoken_of(tag) not in registry.children:
                kept.add(digest)
            continue
        per_architecture = tag.endswith(("-amd64", "-arm64")) and tag not in rules.keep
        old = rules.days == 0 or registry.ages.get(digest, -1) >= rules.days * DAY
        if not (per_architecture and old):
            kept.add(digest)
    return registry.reachable(kept)


def test_nothing_that_a_kept_tag_reaches_is_ever_deleted_and_parents_go_first() -> None:
    chance, deleted = random.Random(16), 0  # noqa: S311 - the same registries in every run
    for _ in range(10_000):
        registry = Generated(chance)
        rules = Rules(keep=chance.choice([(), ("1-amd64",)]), days=chance.choice([0.0, 7.0]))
        decided = plan(registry.found(), rules)
        assert not set(decided.delete) & _kept(registry, rules)
        assert len(set(decided.delete)) == len(decided.delete)
        place = {digest: number for number, digest in enumerate(decided.delete)}
        for parent in decided.delete:
            assert all(place[parent] < place[child] for child in registry.children[parent] if child in place)
        deleted += len(decided.delete)
    assert deleted > 5_000  # it does delete


def _old(arch: str, seed: str, days: float = 30) -> Image:
    created = datetime.now(UTC) - timedelta(days=days)
    config: dict[str, Any] = {"architecture": arch, "os": "linux", "created": f"{created:%FT%T}.123456789Z"}
    return image(arch, seed=seed, layers=1, config=config)


@pytest.fixture
def used(fake: FakeRegistry, put: Callable[..., str], open_session: Callable[..., Session]) -> FakeRegistry:
    """Two releases: one is there, the index of the other is gone; a signature of an image of each."""
    for release in ("1", "2"):
        for arch in ("amd64", "arm64"):
            own = put("app", _old(arch, release), f"{release}-{arch}")
            body = json.loads(image("amd64", seed=f"sig{release}{arch}", layers=1).body)
            body |= {"artifactType": "application/vnd.dev.sigstore.bundle.v0.3+json"}
            body["subject"] = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": own, "size": 1}
            put("app", image("amd64", seed=f"sig{release}{arch}", layers=1)._replace(body=json.dumps(body).encode()))
    sources = [Source(f"{fake.host}/app:1-{arch}") for arch in ("amd64", "arm64")]
    merge(MergeRequest(f"{fake.host}/app:1", sources), open_session())
    return fake


def _whole(fake: FakeRegistry, session: Session) -> bool:
    return {check.answer for check in verify(f"{fake.host}/app:1", [], session)[1]} == {"yes"}


@pytest.mark.parametrize("api", [True, False], ids=["referrers", "no referrers"])
def test_a_release_whose_index_is_gone_is_pruned_and_the_other_stays_whole(
    used: FakeRegistry, open_session: Callable[..., Session], *, api: bool
) -> None:
    used.referrers_api = api
    session = open_session()
    before = dict(used.manifests["app"])
    decided = prune(session.registry(used.host), "app", Rules(), delete=False)
    assert used.manifests["app"] == before
    assert decided.tags == {
        "1-amd64": "stays: a kept tag reaches it", "1-arm64": "stays: a kept tag reaches it",
        "2-amd64": "goes", "2-arm64": "goes",
    }  # fmt: skip
    assert len(decided.delete) == (4 if api else 2)
    prune(session.registry(used.host), "app", Rules(), delete=True)
    assert set(used.manifests["app"]) == set(before) - set(decided.delete)
    assert sorted(used.tags["app"]) == ["1", "1-amd64", "1-arm64"]
    assert _whole(used, open_session())


@pytest.mark.parametrize("after", range(4))
def test_wherever_it_is_interrupted_every_kept_tag_still_verifies(
    used: FakeRegistry, open_session: Callable[..., Session], monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    session = open_session()
    registry = session.registry(used.host)
    delete, done = registry.delete, list[str]()

    def interrupted(repository: str, version: str) -> bool:
        if len(done) == after:
            raise KeyboardInterrupt
        done.append(version)
        return delete(repository, version)

    monkeypatch.setattr(registry, "delete", interrupted)
    with pytest.raises(KeyboardInterrupt):
        prune(registry, "app", Rules(), delete=True)
    assert _whole(used, open_session())


def test_young_images_kept_tags_and_images_of_no_known_age_stay(
    fake: FakeRegistry, put: Callable[..., str], open_session: Callable[..., Session]
) -> None:
    put("app", _old("amd64", "young", days=1), "young-amd64")
    put("app", _old("amd64", "named"), "named-amd64")
    put("app", image("amd64", seed="ageless", layers=1), "ageless-amd64")
    put("app", _old("amd64", "reproducible", days=20_000), "reproducible-amd64")
    registry = open_session().registry(fake.host)
    assert prune(registry, "app", Rules(keep=("named-*",)), delete=True).delete == ()
    assert len(prune(registry, "app", Rules(keep=("named-*",), days=0), delete=False).delete) == 3


def test_a_tag_that_moves_meanwhile_stops_it_before_anything_is_deleted(
    used: FakeRegistry, open_session: Callable[..., Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    registry, before = open_session().registry(used.host), dict(used.manifests["app"])
    listed, count = registry.tags, list[int]()

    def moving(repository: str) -> list[str]:
        count.append(1)
        if len(count) == 2:
            used.tags["app"]["new"] = used.tags["app"]["2-amd64"]
        return listed(repository)

    monkeypatch.setattr(registry, "tags", moving)
    with pytest.raises(RefusedError, match="has changed since"):
        prune(registry, "app", Rules(), delete=True)
    assert used.manifests["app"] == before


def test_what_cannot_be_read_stops_it(used: FakeRegistry, open_session: Callable[..., Session]) -> None:
    digest = used.tags["app"]["2-amd64"]
    used.manifests["app"][digest] = ("application/vnd.oci.image.manifest.v1+json", b"<html>")
    before = dict(used.manifests["app"])
    with pytest.raises(ArchmergeError):
        prune(open_session().registry(used.host), "app", Rules(), delete=True)
    assert used.manifests["app"] == before


def test_a_registry_that_deletes_nothing_is_told(
    used: FakeRegistry, open_session: Callable[..., Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = used.answer

    def refusing(method: str, *rest: Any) -> Any:
        return (405, [], b"") if method == "DELETE" else answer(method, *rest)

    monkeypatch.setattr(used, "answer", refusing)
    with pytest.raises(UnknownError, match="deletes no manifests"):
        prune(open_session().registry(used.host), "app", Rules(), delete=True)


def test_the_command_is_a_dry_run_unless_it_is_told_to_delete(
    used: FakeRegistry, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/nonexistent")
    before = dict(used.manifests["app"])
    assert main(["prune", f"--plain-http={used.host}", f"{used.host}/app"]) == 0
    said = capsys.readouterr()
    assert used.manifests["app"] == before
    assert "2-amd64: goes" in said.out
    assert said.out.count("would delete") == 4
    assert "--delete does it" in said.err
    assert main(["prune", f"--plain-http={used.host}", f"{used.host}/app:1"]) == 2
    assert main(["prune", "--delete", "--json", f"--plain-http={used.host}", f"{used.host}/app"]) == 0
    assert len(before) - len(used.manifests["app"]) == 4
