"""Where gitlab-runner comes from: PATH in the stack's version, else GitLab's release with its checksum, else none."""

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from multiarch.rehearse.control_plane.platform import Platform
from multiarch.rehearse.control_plane.releases import Hosts
from multiarch.rehearse.control_plane.sources import Origin
from multiarch.rehearse.live.gitlab import program as subject
from multiarch.rehearse.live.gitlab.program import find_runner, runner_release


def says(version: str) -> str:
    return f"#!/bin/sh\necho 'Version:      {version}'\necho 'Git revision: c0ffee'\n"


def put(folder: Path, version: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "gitlab-runner"
    path.write_text(says(version))
    path.chmod(0o755)
    return path


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def release(tmp_path: Path) -> Iterator[tuple[Path, Hosts]]:
    """A host that publishes 19.3.1, laid out as GitLab's (.gitlab/ci/postrelease.gitlab-ci.yml, ci/release_dir)."""
    folder = tmp_path / "host" / "v19.3.1"
    (folder / "binaries").mkdir(parents=True)
    content = says("19.3.1")
    (folder / "binaries" / "gitlab-runner-linux-amd64").write_text(content)
    digits = hashlib.sha256(content.encode()).hexdigest()
    lines = f"{'0' * 64} *binaries/gitlab-runner-linux-arm64\n{digits} *binaries/gitlab-runner-linux-amd64\n"
    (folder / "release.sha256").write_text(lines)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "host")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, Hosts(gitlab_runner=f"http://127.0.0.1:{server.server_address[1]}")
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def amd64(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(subject, "this_machine", lambda: Platform("linux", "amd64"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


NOBODY = Hosts(gitlab_runner="http://127.0.0.1:9")


def test_the_one_on_path_is_taken_in_the_stacks_own_version(tmp_path: Path) -> None:
    path = put(tmp_path / "bin", "19.3.1")
    found, reason = find_runner("19.3.1", cache_root=tmp_path / "cache", hosts=NOBODY)
    assert (found and (found.path, found.version, found.origin), reason) == ((path, "19.3.1", Origin.PATH), "")


def test_another_version_on_path_gives_way_to_the_release(tmp_path: Path, release: tuple[Path, Hosts]) -> None:
    put(tmp_path / "bin", "17.11.0")
    found, _ = find_runner("19.3.1", cache_root=tmp_path / "cache", hosts=release[1])
    assert found is not None
    assert (found.version, found.origin) == ("19.3.1", Origin.OFFICIAL)
    again, _ = find_runner("19.3.1", cache_root=tmp_path / "cache", hosts=NOBODY)
    assert again is not None
    assert again.origin is Origin.CACHE


def test_a_release_with_another_checksum_is_not_used(tmp_path: Path, release: tuple[Path, Hosts]) -> None:
    (release[0] / "binaries" / "gitlab-runner-linux-amd64").write_text(says("19.3.1") + "rm -rf /\n")
    found, reason = find_runner("19.3.1", cache_root=tmp_path / "cache", hosts=release[1])
    assert found is None
    assert "SHA-256" in reason
    assert "not on PATH" in reason


def test_without_any_the_reason_says_what_was_tried(tmp_path: Path) -> None:
    put(tmp_path / "bin", "17.11.0")
    found, reason = find_runner("19.3.1", cache_root=tmp_path / "cache", hosts=NOBODY)
    assert found is None
    assert "17.11.0; this needs 19.3.1" in reason
    assert "no connection to 127.0.0.1" in reason


def test_a_stack_whose_version_is_not_known_takes_the_one_on_path_and_downloads_none(tmp_path: Path) -> None:
    assert find_runner("", cache_root=tmp_path / "cache", hosts=NOBODY) == (
        None, "not on PATH; which version the stack runs is not known, so none is downloaded",
    )  # fmt: skip
    put(tmp_path / "bin", "17.11.0")
    found, _ = find_runner("", cache_root=tmp_path / "cache", hosts=NOBODY)
    assert found is not None
    assert found.version == "17.11.0"


def test_a_program_that_the_caller_names_is_the_only_one_that_is_tried(
    tmp_path: Path, release: tuple[Path, Hosts]
) -> None:
    path = put(tmp_path / "elsewhere", "18.0.0")
    found, reason = find_runner("19.3.1", program=path, cache_root=tmp_path / "cache", hosts=release[1])
    assert (found, reason) == (None, f"{path} is 18.0.0; this needs 19.3.1")
    found, _ = find_runner("18.0.0", program=path, cache_root=tmp_path / "cache", hosts=NOBODY)
    assert found is not None


def test_the_release_is_where_gitlab_publishes_it() -> None:
    found = runner_release("19.4.0", Platform("linux", "arm64"), Hosts())
    base = "https://gitlab-runner-downloads.s3.amazonaws.com/v19.4.0"
    assert (found.url, found.sums_url) == (f"{base}/binaries/gitlab-runner-linux-arm64", f"{base}/release.sha256")
