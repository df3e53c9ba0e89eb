"""Round trips are the product: the proxy counts them, and these numbers are promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.registry.lab.images import image

if TYPE_CHECKING:
    from tests.registry.lab.faults import Headers
    from tests.registry.lab.proxy import Call
    from tests.registry.lab.workbench import Workbench

# Long beside the few milliseconds by which requests of one wave come in apart, so that causes are told from chance.
DELAY = 0.15
FOUR = ("linux/amd64", "linux/arm64", "linux/arm/v7", "linux/386")
MANY_TAGS = "a,b,c,d,e,latest"


def _push_all(bench: Workbench, repository: str, *, apart: bool) -> str:
    for platform in FOUR:
        arch, variant = [*platform.split("/")[1:], ""][:2]
        made = image(arch, variant=variant, seed=repository.replace("/", "-"))
        where, tag = (f"{repository}-{arch}", "1") if apart else (repository, f"1-{arch}")
        bench.push(where, made, tag)
    return f"{bench.host}/{repository}-ARCH:1" if apart else f"{bench.host}/{repository}:1-ARCH"


@pytest.mark.parametrize("platforms", [FOUR[:2], FOUR], ids=["2 platforms", "4 platforms"])
@pytest.mark.parametrize(
    ("apart", "tags", "trips"),
    [
        pytest.param(False, (), 5, id="same repository"),
        pytest.param(False, ("--tags", MANY_TAGS, "--tags-at-once"), 5, id="same repository, 7 tags at once"),
        pytest.param(False, ("--tags", MANY_TAGS), 6, id="same repository, 6 moving tags after the first"),
        pytest.param(True, (), 6, id="other repositories"),
        pytest.param(True, ("--tags", MANY_TAGS, "--tags-at-once"), 6, id="other repositories, 7 tags at once"),
        pytest.param(True, ("--tags", MANY_TAGS), 7, id="other repositories, 6 moving tags after the first"),
    ],
)
def test_trips_are_exact_whatever_the_number_of_platforms_and_tags(
    either: Workbench, platforms: tuple[str, ...], *, apart: bool, tags: tuple[str, ...], trips: int
) -> None:
    repository = either.name()
    template = _push_all(either, repository, apart=apart)
    # A busy machine may hold a request back until an answer of its own wave is out, and then it counts as caused by
    # that: chance can only add trips, so the least of three runs is what the program makes.
    for number in range(3):
        target = f"{repository}/n{number}" if apart else repository
        either.proxy.reset()
        either.proxy.delay = DELAY * (number + 1)
        ran = either.run(
            *("push", "--template", template, "--platforms", ",".join(platforms)),
            *("--target", f"{either.host}/{target}:n{number}", *tags),
        )
        depth, seen = either.proxy.depth, either.proxy.seen
        assert ran.code == 0, ran.err
        assert either.digest_of(target, f"n{number}") == ran.digest
        if depth <= trips:
            break
    assert depth == trips, seen


def test_requests_of_the_smallest_run_are_exactly_the_needed_ones(bench: Workbench) -> None:
    repository = bench.name()
    template = bench.pair(repository, apart=False)
    bench.proxy.reset()
    assert bench.merge(template, f"{repository}:1").code == 0
    kinds = sorted(request.kind for request in bench.proxy.seen)
    assert kinds == ["blob-get"] * 2 + ["manifest-get"] * 3 + ["manifest-put", "ping", "token"]


@pytest.mark.parametrize(("apart", "trips"), [(False, 4), (True, 5)], ids=["same repository", "other repositories"])
def test_gitlabs_known_token_endpoint_saves_a_trip(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, *, apart: bool, trips: int
) -> None:
    repository = bench.name()
    template = bench.pair(repository, apart=apart)
    monkeypatch.setenv("CI_REGISTRY", bench.host)
    monkeypatch.setenv("CI_SERVER_URL", bench.proxy.base)
    bench.proxy.reset()
    bench.proxy.delay = DELAY
    assert bench.merge(template, f"{repository}:1").code == 0
    assert bench.proxy.depth == trips
    assert bench.proxy.seen[0].path.startswith("/jwt/auth?service=container_registry&account=builder&scope=")


def test_a_wrong_guess_of_the_token_endpoint_falls_back_to_asking(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = bench.name()
    template = bench.pair(repository, apart=False)
    monkeypatch.setenv("CI_REGISTRY", bench.host)
    monkeypatch.setenv("CI_SERVER_URL", bench.proxy.base)
    bench.proxy.fault = lambda call: call.path.startswith("/jwt/auth") and call.answer(404)
    ran = bench.merge(template, f"{repository}:1")
    assert ran.code == 0, ran.err
    assert [request.kind for request in bench.proxy.seen][:3] == ["token", "ping", "token"]


def _replaced(text: str, words: dict[str, str]) -> str:
    for old, new in words.items():
        text = text.replace(old, new)
    return text


def test_a_wrong_password_is_tried_once_at_a_known_endpoint(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some servers lock an account after a few wrong passwords."""
    repository = bench.name()
    template = bench.pair(repository, apart=False)
    monkeypatch.setenv("CI_REGISTRY", bench.host)
    monkeypatch.setenv("CI_SERVER_URL", bench.proxy.base)
    monkeypatch.setenv("ARCHMERGE_PASSWORD", "wrong")
    named = {"/token": "/jwt/auth", "lab-registry": "container_registry"}

    def as_gitlab(_call: Call, code: int, headers: Headers, body: bytes) -> tuple[int, Headers, bytes]:
        changed = [
            (key, _replaced(value, named) if key.lower() == "www-authenticate" else value) for key, value in headers
        ]
        return code, changed, body

    bench.proxy.alter = as_gitlab
    ran = bench.merge(template, f"{repository}:2")
    assert ran.code == 5, ran.err
    assert [request.kind for request in bench.proxy.seen].count("token") == 1


def test_a_repeated_run_writes_nothing(bench: Workbench) -> None:
    repository = bench.name()
    template = bench.pair(repository, apart=True)
    first = bench.merge(template, f"{repository}:1", "--tags", "latest,x")
    bench.proxy.reset()
    bench.proxy.delay = DELAY
    again = bench.merge(template, f"{repository}:1", "--tags", "latest,x")
    assert (again.code, again.digest) == (0, first.digest)
    assert {request.method for request in bench.proxy.seen} == {"GET", "HEAD"}
    assert bench.proxy.depth == 4
    assert "1 unchanged, latest unchanged, x unchanged" in again.err


def test_one_token_serves_all_repositories_each_named_once(bench: Workbench) -> None:
    repository = bench.name()
    template = bench.pair(repository, apart=True)
    bench.tokens.asked.clear()
    assert bench.merge(template, f"{repository}:1").code == 0
    assert [asked["scope"] for asked in bench.tokens.asked] == [
        [
            f"repository:{repository}:pull,push",
            f"repository:{repository}-amd64:pull",
            f"repository:{repository}-arm64:pull",
        ]
    ]


def test_source_and_target_in_one_repository_share_one_scope(bench: Workbench) -> None:
    """Of two scopes for one repository, the second replaces the first (kaniko #181); the lab's server does so."""
    repository = bench.name()
    template = bench.pair(repository, apart=False)
    bench.tokens.asked.clear()
    assert bench.merge(template, f"{repository}:1").code == 0
    assert [asked["scope"] for asked in bench.tokens.asked] == [[f"repository:{repository}:pull,push"]]
