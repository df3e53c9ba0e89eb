"""A fake registry with a pair of images, and a session that never waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from archmerge import Options, Session
from archmerge.session import Hooks
from tests.registry.lab.images import Image, digest, image
from tests.unit.archmerge.fake_registry import FakeRegistry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    registry = FakeRegistry()
    yield registry
    registry.close()


@pytest.fixture
def put(fake: FakeRegistry) -> Callable[..., str]:
    """Place an image and all that it refers to into the fake registry."""

    def place(repository: str, made: Image, *tags: str) -> str:
        for child in made.children:
            place(repository, child)
        for blob in made.blobs:
            assert fake.add_blob(repository, blob) == digest(blob)
        return fake.add(repository, made.body, made.media_type, *tags)

    return place


@pytest.fixture
def pair(put: Callable[..., str]) -> str:
    """`app-amd64:1` and `app-arm64:1`; also as `app:1-ARCH`."""
    for arch in ("amd64", "arm64"):
        put(f"app-{arch}", image(arch, layers=2), "1")
        put("app", image(arch, layers=2), f"1-{arch}")
    return "app"


@pytest.fixture
def open_session(fake: FakeRegistry) -> Iterator[Callable[..., Session]]:
    opened: list[Session] = []

    def make(environ: Mapping[str, str] | None = None, note: list[str] | None = None, **options: object) -> Session:
        notes = [] if note is None else note
        settings = Options(plain_http=frozenset({fake.host}), attempts=2, deadline=20)._replace(**options)  # type: ignore[arg-type]  # a test's own options
        hooks = Hooks(note=notes.append, wait=lambda _seconds: None)
        opened.append(
            Session(settings, primary=fake.host, environ=dict(environ or {"HOME": "/nonexistent"}), hooks=hooks)
        )
        return opened[-1]

    yield make
    for session in opened:
        session.close()
