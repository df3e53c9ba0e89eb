from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.drift_gitlab.fake import FakeGitLab

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def gitlab() -> Iterator[FakeGitLab]:
    fake = FakeGitLab()
    yield fake
    fake.close()
