"""The memory of challenges decides where credentials are sent: it must be believed only when it can be."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from archmerge.memory import Memory, place_of, trusted
from archmerge.tokens import Challenge

if TYPE_CHECKING:
    from pathlib import Path

BASE = "https://registry.example.com"
BEARER = Challenge("bearer", "https://auth.example.com/token", "registry")
NOW = 1_000_000.0


def _memory(place: Path, now: float = NOW) -> Memory:
    return Memory(str(place), clock=lambda: now)


def _written(place: Path, challenge: Challenge = BEARER, base: str = BASE) -> Path:
    memory = _memory(place)
    memory.learn(base, challenge)
    memory.save()
    return place


@pytest.mark.parametrize("challenge", [BEARER, Challenge("basic", "Registry Realm"), Challenge("none")])
def test_what_was_learned_is_recalled_by_the_next_run(tmp_path: Path, challenge: Challenge) -> None:
    place = _written(tmp_path / "new/folder/challenges.json", challenge)
    assert _memory(place).recall(BASE) == challenge
    assert _memory(place).recall("https://registry.example.com:8443") is None
    assert _memory(place).recall("http://registry.example.com") is None


def test_only_the_user_can_read_it_and_no_scope_or_secret_is_in_it(tmp_path: Path) -> None:
    place = _written(tmp_path / "x/challenges.json", BEARER._replace(scope="repository:secret/app:pull", error="e"))
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700
    assert json.loads(place.read_text()) == {BASE: ["bearer", "https://auth.example.com/token", "registry", NOW]}


@pytest.mark.parametrize(
    ("base", "realm", "kept"),
    [
        ("https://r.example", "https://auth.other.example/token", True),
        ("https://r.example", "http://r.example/token", False),
        ("http://r.example:5000", "http://r.example:5000/token", True),
        ("http://r.example:5000", "http://r.example/token", False),
        ("http://r.example:5000", "https://thief.example/token", False),
    ],
    ids=["TLS, TLS", "TLS to plain", "plain, same origin", "plain, other port", "plain, other host"],
)
def test_a_realm_that_anybody_on_the_way_could_have_named_is_not_kept(
    tmp_path: Path, base: str, realm: str, *, kept: bool
) -> None:
    challenge = Challenge("bearer", realm, "s")
    assert trusted(base, challenge) is kept
    place = tmp_path / "challenges.json"
    memory = _memory(place)
    memory.learn(base, challenge)
    memory.save()
    assert (_memory(place).recall(base) is not None) is kept
    # Nor is it believed when it stands there already.
    place.write_text(json.dumps({base: [*challenge[:3], NOW]}))
    place.chmod(0o600)
    assert (_memory(place).recall(base) is not None) is kept


@pytest.mark.parametrize(("age", "believed"), [(0, True), (86400, True), (86401, False), (-10, False)])
def test_it_is_believed_for_a_day(tmp_path: Path, age: float, *, believed: bool) -> None:
    place = _written(tmp_path / "challenges.json")
    assert (_memory(place, NOW + age).recall(BASE) is not None) is believed


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_what_others_could_have_written_is_not_believed(tmp_path: Path, mode: int) -> None:
    place = _written(tmp_path / "challenges.json")
    place.chmod(mode)
    assert _memory(place).recall(BASE) is None


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    place = _written(tmp_path / "elsewhere.json")
    link = tmp_path / "challenges.json"
    link.symlink_to(place)
    assert _memory(link).recall(BASE) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"https://registry.example.com": 1}',
        '{"https://registry.example.com": ["bearer", "https://a/t", "s"]}',
        '{"https://registry.example.com": ["digest", "https://a/t", "s", 1000000]}',
        '{"https://registry.example.com": ["bearer", 7, "s", 1000000]}',
        '{"https://registry.example.com": ["bearer", "not a url", "s", 1000000]}',
        '{"https://registry.example.com": ["bearer", "https://a b/", "s", 1000000]}',
        '{"https://registry.example.com": [["bearer"], "https://a/", "s", 1000000]}',
        '{"https://registry.example.com": ["bearer", "https://a/t", "s", true]}',
        '{"https://registry.example.com": ["bearer", "https://a/t", "s", "1"]}',
        "[" * 100_000,
    ],
)
def test_a_corrupt_file_is_ignored_and_replaced(tmp_path: Path, text: str) -> None:
    place = tmp_path / "challenges.json"
    place.write_text(text)
    place.chmod(0o600)
    assert _memory(place).recall(BASE) is None
    assert _memory(_written(place)).recall(BASE) == BEARER


def test_where_nothing_can_be_written_it_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    memory = _memory(tmp_path / "file/folder/challenges.json")
    memory.learn(BASE, BEARER)
    memory.save()
    assert memory.recall(BASE) is None


def test_concurrent_writers_leave_a_whole_file(tmp_path: Path) -> None:
    place = tmp_path / "challenges.json"

    def write(number: int) -> Any:
        memory = _memory(place)
        memory.learn(f"https://r{number}.example", BEARER)
        memory.save()
        return json.loads(place.read_text())

    with ThreadPoolExecutor(8) as pool:
        assert all(isinstance(found, dict) for found in pool.map(write, range(40)))
    assert [path.name for path in tmp_path.iterdir()] == ["challenges.json"]
    assert 0 < len(json.loads(place.read_text())) <= 64


@pytest.mark.parametrize(
    ("environ", "place"),
    [
        ({"HOME": "/home/me"}, "/home/me/.cache/archmerge/challenges.json"),
        ({"HOME": "/home/me", "XDG_CACHE_HOME": "/c"}, "/c/archmerge/challenges.json"),
        ({"HOME": "/home/me", "XDG_CACHE_HOME": "relative"}, ""),
        ({"HOME": "/home/me", "ARCHMERGE_NO_MEMORY": "1"}, ""),
        ({}, ""),
    ],
)
def test_where_it_is_kept(environ: dict[str, str], place: str) -> None:
    assert place_of(environ) == place
