"""The fault matrix: each kind of request meets each fault, once and for good.

Whatever happens, either the run succeeds with the right digest, or it ends with a distinct exit code and the tags
that were there before are as they were.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.registry.lab import faults
from tests.registry.lab.images import image

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.registry.lab.faults import Fault
    from tests.registry.lab.proxy import Call
    from tests.registry.lab.workbench import Ran, Workbench

# In the order in which a run across repositories makes them, the last four after a refused mount.
KINDS = (
    "ping", "token", "manifest-get", "blob-get", "mount", "blob-head", "upload-start", "upload", "manifest-put-child",
    "manifest-put",
)  # fmt: skip
UPLOADING = ("blob-head", "upload-start", "upload")
PASSING = {"429": faults.status(429), "429 with Retry-After": faults.status(429, Retry_After="1")} | {
    str(code): faults.status(code) for code in (408, 500, 502, 503, 504)
}
ONCE = PASSING | {"connection dropped": faults.DROP, "dropped inside the body": faults.DROP_INSIDE}
# What a fault that stays leads to, where that isn't exit code 7.
LASTING_401 = {"ping": 0, "mount": 0, "blob-head": 0}
WEB_PAGE = {"ping": 0, "token": 10, "manifest-get": 10, "blob-get": 10, "blob-head": 6, "mount": 0}
WEB_PAGE |= {"upload-start": 6, "upload": 6, "manifest-put-child": 10, "manifest-put": 10}


class Scene(NamedTuple):
    """Two staging repositories, a target with a tag `latest` from before, and what the merge should give."""

    bench: Workbench
    repository: str
    template: str
    old: str

    def run(self, kind: str, fault: Fault, times: int | None, *more: str) -> Ran:
        bench = self.bench
        bench.proxy.reset()
        struck = faults.inject(bench.proxy, kind, fault, times)
        if kind in UPLOADING:
            inner = bench.proxy.fault
            bench.proxy.fault = lambda call: _decline(call) or bool(inner and inner(call))
        ran = bench.merge(self.template, f"{self.repository}:1", "--tags", "latest", *more)
        bench.proxy.reset()
        assert struck, f"no request of kind {kind} was made"
        return ran

    def check(self, ran: Ran, code: int) -> None:
        assert ran.code == code, ran.err
        latest, first = (self.bench.digest_of(self.repository, tag) for tag in ("latest", "1"))
        if code:
            assert latest == self.old
            assert "Traceback" not in ran.err
        else:
            assert ran.digest == latest == first


def _decline(call: Call) -> bool:
    return call.kind == "mount" and call.answer(405)


@pytest.fixture(scope="module")
def staged(debian: Workbench) -> str:
    debian.reset()
    return debian.pair(debian.name("staged"), apart=True, layers=2)


@pytest.fixture
def scene(bench: Workbench, staged: str) -> Iterator[Scene]:
    repository = bench.name()
    old = bench.push(repository, image("amd64", seed="old", layers=1), "latest")
    yield Scene(bench, repository, staged, old)
    bench.proxy.reset()


@pytest.mark.parametrize("name", ONCE)
@pytest.mark.parametrize("kind", KINDS)
def test_a_passing_fault_is_overcome(scene: Scene, kind: str, name: str) -> None:
    if name == "dropped inside the body" and kind not in ("token", "manifest-get", "blob-get"):
        name = "connection dropped"  # the other answers have no body to be dropped in
    scene.check(scene.run(kind, ONCE[name], 1), 0)


@pytest.mark.parametrize("name", [*PASSING, "connection dropped"])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "mount"])
def test_a_lasting_fault_ends_with_7_and_old_tags_untouched(scene: Scene, kind: str, name: str) -> None:
    deadline = ("--deadline", "1") if "Retry-After" in name else ("--retries", "1")
    scene.check(scene.run(kind, ONCE[name], None, *deadline), 7)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("ping", "token")])
def test_a_401_midway_is_answered_with_a_new_token(scene: Scene, kind: str) -> None:
    scene.check(scene.run(kind, faults.unauthorized(), 1), 0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_lasting_401_ends_with_5_unless_there_is_another_way(scene: Scene, kind: str) -> None:
    scene.check(scene.run(kind, faults.unauthorized(), None), LASTING_401.get(kind, 5))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("ping", "mount", "blob-head")])
def test_a_lasting_403_ends_with_5(scene: Scene, kind: str) -> None:
    ran = scene.run(kind, faults.status(403), None)
    scene.check(ran, 5)
    assert "LAB fault" in ran.err or kind == "token"  # the registry's own words are shown


def test_a_mount_that_gets_no_answer_leads_to_a_copy(scene: Scene) -> None:
    scene.check(scene.run("mount", faults.DROP, None), 0)


@pytest.mark.parametrize("status", [202, 400, 401, 403, 404, 405, 409, 412, 415, 416, 422, 429, 500, 501, 502, 503])
def test_each_refusal_of_a_mount_leads_to_a_copy(scene: Scene, status: int) -> None:
    ran = scene.run("mount", faults.DECLINED_MOUNT if status == 202 else faults.status(status), None)
    scene.check(ran, 0)
    assert "copied:" in ran.err


@pytest.mark.parametrize("status", [202, 400, 401, 403, 404, 405])
def test_each_refusal_of_a_mount_ends_with_8_where_copying_is_forbidden(scene: Scene, status: int) -> None:
    ran = scene.run("mount", faults.DECLINED_MOUNT if status == 202 else faults.status(status), None, "--no-copy")
    scene.check(ran, 8)
    assert f"it answered {status}" in ran.err
    assert scene.bench.digest_of(scene.repository, "1") is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_web_page_in_the_registrys_place_is_never_taken_for_an_answer(scene: Scene, kind: str) -> None:
    ran = scene.run(kind, faults.WEB_PAGE, None)
    scene.check(ran, WEB_PAGE[kind])


@pytest.mark.parametrize("times", [1, None])
@pytest.mark.parametrize("kind", ["token", "manifest-get", "blob-get"])
def test_a_truncated_body_is_never_taken_for_whole(scene: Scene, kind: str, times: int | None) -> None:
    scene.check(scene.run(kind, faults.TRUNCATE, times, "--retries", "1"), 0 if times else 7)


@pytest.mark.parametrize("kind", ["token", "manifest-get", "blob-get"])
def test_a_body_that_drips_ends_at_the_deadline(scene: Scene, kind: str) -> None:
    scene.check(scene.run(kind, faults.SLOW, None, "--deadline", "2"), 7)


@pytest.mark.parametrize("kind", ["manifest-get", "manifest-put-child", "manifest-put"])
def test_a_missing_digest_header_does_no_harm(scene: Scene, kind: str) -> None:
    scene.check(scene.run(kind, faults.NO_DIGEST, None), 0)


@pytest.mark.parametrize(("kind", "code"), [("manifest-get", 10), ("manifest-put-child", 0), ("manifest-put", 0)])
def test_a_wrong_digest_header_is_noticed(scene: Scene, kind: str, code: int) -> None:
    """On a PUT, what was stored is read back: it is right, so the header alone is wrong."""
    scene.check(scene.run(kind, faults.WRONG_DIGEST, None), code)


@pytest.mark.parametrize("kind", ["manifest-get", "blob-get"])
def test_other_content_than_asked_for_is_noticed(scene: Scene, kind: str) -> None:
    scene.check(scene.run(kind, faults.OTHER_CONTENT, None), 10)


def test_a_token_that_expired_early_is_renewed_once(scene: Scene) -> None:
    scene.bench.tokens.spoil = 1
    scene.bench.tokens.asked.clear()
    ran = scene.bench.merge(scene.template, f"{scene.repository}:1", "--tags", "latest")
    scene.check(ran, 0)
    assert len(scene.bench.tokens.asked) == 2


def test_tokens_refused_together_are_asked_for_apart(scene: Scene) -> None:
    """One scope too many refuses the whole token (kaniko #1007); the mounts are then declined, and blobs copied."""
    tokens = scene.bench.tokens
    grant = tokens.grant
    tokens.grant = lambda user, wanted: grant(user, wanted) if len(wanted) == 1 else None  # type: ignore[method-assign]  # the fault
    try:
        ran = scene.bench.merge(scene.template, f"{scene.repository}:1", "--tags", "latest")
    finally:
        del tokens.grant  # back to the class's own
    scene.check(ran, 0)
    assert "copied:" in ran.err


def test_a_refused_source_scope_names_the_source(scene: Scene) -> None:
    tokens = scene.bench.tokens
    tokens.refuse_together = True
    tokens.allow = lambda user, repository, _action: bool(user) and not repository.endswith("-arm64")
    ran = scene.bench.merge(scene.template, f"{scene.repository}:1", "--tags", "latest")
    scene.check(ran, 5)
    assert "staged-arm64" in ran.err


def test_a_failed_moving_tag_is_told_from_the_tags_that_moved(scene: Scene) -> None:
    bench = scene.bench
    bench.proxy.reset()
    bench.proxy.fault = lambda call: call.method == "PUT" and call.path.endswith("/latest") and call.answer(400)
    ran = bench.merge(scene.template, f"{scene.repository}:1", "--tags", "latest,x")
    bench.proxy.reset()
    assert ran.code == 6
    assert "tags: 1 written, latest not written, x written" in ran.err
    assert bench.digest_of(scene.repository, "latest") == scene.old
    assert bench.digest_of(scene.repository, "1") == bench.digest_of(scene.repository, "x")


def test_an_immutable_tag_with_this_digest_already_is_success(scene: Scene) -> None:
    bench = scene.bench
    first = bench.merge(scene.template, f"{scene.repository}:1")
    bench.proxy.reset()
    # The look at the target's tag fails, so that the tag is written again, and refused as ECR does it.
    denied = {"manifest-put": 400}
    looked = f"/v2/{scene.repository}/manifests/1"
    bench.proxy.fault = lambda call: (
        (call.path == looked and call.method == "GET" and call.answer(404))
        or (call.kind in denied and call.answer(denied[call.kind]))
    )
    again = bench.merge(scene.template, f"{scene.repository}:1")
    bench.proxy.reset()
    assert (again.code, again.digest) == (0, first.digest)
    assert "1 unchanged" in again.err
