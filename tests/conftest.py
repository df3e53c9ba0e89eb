"""Settings of all tests."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from multiarch.core.secrets import forget
from tests.planes import binaries, connection, control_plane

__all__ = ["binaries", "connection", "control_plane"]

# A deadline is a timed test: on a busy machine it fails for what is right. Speed is for bench/.
settings.register_profile("project", deadline=None)
settings.load_profile("project")


@pytest.fixture(autouse=True)
def _no_secret_of_another_test() -> Iterator[None]:
    """What one test made the process remember as secret hides no word of the next."""
    yield
    forget()
