"""What the real cosign signs by our script is what cosign verifies and archmerge sees: on a registry without a list."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ci.versions import COSIGN_IMAGE
from tests.registry.lab import daemon
from tests.registry.lab.images import image, index
from tests.registry.lab.push import Pusher
from tests.registry.lab.workbench import run

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPTS = Path(__file__).resolve().parents[2] / "ci" / "scripts"
VERSION = COSIGN_IMAGE.partition(":")[2].removesuffix("-dev")
INSTALL = f"go install github.com/sigstore/cosign/{VERSION.partition('.')[0]}/cmd/cosign@{VERSION}"
PLAIN = ("--allow-insecure-registry", "--allow-http-registry")


@pytest.fixture
def cosign() -> str:
    """Of PATH alone: its build takes longer than all tests of this tier."""
    found = shutil.which("cosign")
    if found is None:
        pytest.skip(f"cosign is not installed ({INSTALL})")
    said = subprocess.run([found, "version"], capture_output=True, text=True, check=True)
    if VERSION not in said.stdout + said.stderr:
        pytest.skip(f"this cosign is not {VERSION}, the pinned one ({INSTALL})")
    return found


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[daemon.Daemon]:
    program = daemon.debian_registry()
    if program is None:
        pytest.skip("docker-registry is not installed (apt-get install docker-registry)")
    running = daemon.start(program, tmp_path / "registry")
    yield running
    running.stop()


def test_a_signature_by_the_templates_script_is_seen_by_cosign_and_by_archmerge(
    cosign: str, registry: daemon.Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = {arch: image(arch, layers=1) for arch in ("amd64", "arm64")}
    whole = index([(made, {"platform": {"architecture": arch, "os": "linux"}}) for arch, made in images.items()])
    pusher = Pusher(registry.base)
    for made in images.values():
        pusher.push("team/app", made)
    pusher.push("team/app", whole, "1")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("COSIGN_PASSWORD", "made up")
    unsigned = run(f"--plain-http={registry.host}", "verify", f"{registry.host}/team/app:1", "--require", "signature")
    assert unsigned.code == 4

    for arguments in (["generate-key-pair"], ["signing-config", "create", "--out", "no-log.json"]):
        subprocess.run([cosign, *arguments], cwd=tmp_path, capture_output=True, check=True)
    (tmp_path / "image.digest").write_text(f"{whole.digest}\n")
    given = {
        "CI_PROJECT_DIR": str(tmp_path),
        "MULTIARCH_IMAGE": f"{registry.host}/team/app",
        "MULTIARCH_OPTIONS": "insecure-registry=true",
        "COSIGN_PRIVATE_KEY": (tmp_path / "cosign.key").read_text(),
        "COSIGN_SIGNING_CONFIG": str(tmp_path / "no-log.json"),
    }
    script = "\n".join((SCRIPTS / f"{name}.sh").read_text() for name in ("common", "names", "sign"))
    environ = {**os.environ, **given}
    signed = subprocess.run(["sh", "-c", script], env=environ, capture_output=True, text=True, check=False)
    assert signed.returncode == 0, signed.stderr

    for digest in (whole.digest, *(made.digest for made in images.values())):
        options = ("--key", "cosign.pub", "--insecure-ignore-tlog=true", *PLAIN)
        command = [cosign, "verify", *options, f"{registry.host}/team/app@{digest}"]
        verified = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert verified.returncode == 0, verified.stderr
    seen = run(f"--plain-http={registry.host}", "verify", f"{registry.host}/team/app:1", "--require", "signature")
    assert (seen.code, seen.out.count("has a signature: referrer")) == (0, 2), seen.out
