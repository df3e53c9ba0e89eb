"""The same case for archmerge and for the tool that people come from, where that tool is the reference."""

from __future__ import annotations

import base64
import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from bench.merge.run import PEERS
from tests.registry.lab import daemon
from tests.registry.lab.images import Image, attested, digest, image
from tests.registry.lab.tokens import PASSWORD, USER

if TYPE_CHECKING:
    from pathlib import Path

    from tests.registry.lab.workbench import Workbench

BOTH = "linux/amd64,linux/arm64"


@pytest.fixture
def login(bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A docker config for the registry, by which everybody logs in."""
    auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {bench.host: {"auth": auth}}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.delenv("ARCHMERGE_PASSWORD")
    return tmp_path / "config.json"


def peer(name: str) -> str:
    path, why = daemon.go_tool(PEERS[name], name)
    if path is None:
        pytest.skip(f"{name} could not be built: {why}")
    return str(path)


def ran(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("kind", ["oci", "oci-archive"])
def test_layouts_that_skopeo_writes_are_pushed(
    bench: Workbench, skopeo: str, login: Path, tmp_path: Path, kind: str
) -> None:
    repository = bench.name()
    for arch in ("amd64", "arm64"):
        bench.push(f"{repository}-{arch}", attested(arch, repository.replace("/", "-")), "1")
        source, place = f"docker://{bench.host}/{repository}-{arch}:1", f"{tmp_path}/{arch}.layout"
        ran(skopeo, "copy", "--all", "--src-tls-verify=false", f"--authfile={login}", source, f"{kind}:{place}")
    files = [f"{tmp_path}/{arch}.layout" for arch in ("amd64", "arm64")]
    pushed = bench.run("push", "--from", *files, "--platforms", BOTH, "--target", f"{bench.host}/{repository}:disk")
    assert pushed.code == 0, pushed.err
    assert bench.merge(f"{bench.host}/{repository}-ARCH:1", f"{repository}:registry").digest == pushed.digest


def test_crane_finds_what_is_published_valid(bench: Workbench, login: Path) -> None:
    assert login.exists()
    repository = bench.name()
    assert bench.merge(bench.pair(repository, apart=True), f"{repository}:1").code == 0
    ran(peer("crane"), "validate", "--insecure", "--remote", f"{bench.host}/{repository}:1")


def test_an_index_that_crane_made_is_amended(bench: Workbench, login: Path) -> None:
    assert login.exists()
    repository = bench.name()
    bench.pair(repository, apart=False)
    place = f"{bench.host}/{repository}"
    ran(
        peer("crane"),
        "index",
        "append",
        "--insecure",
        "-t",
        f"{place}:1",
        "-m",
        f"{place}:1-amd64",
        "-m",
        f"{place}:1-arm64",
    )
    new = bench.push(repository, image("arm64", seed="new"), "new")
    old = bench.pusher(repository).manifest(repository, "1")["manifests"]
    amended = bench.run("push", "--amend", "--target", f"{place}:1", f"linux/arm64={place}:new")
    assert amended.code == 0, amended.err
    entries = bench.pusher(repository).manifest(repository, "1")["manifests"]
    assert [entry["digest"] for entry in entries] == [old[0]["digest"], new]


def test_what_oras_attaches_is_carried_along_and_oras_finds_it(bench: Workbench, login: Path, tmp_path: Path) -> None:
    assert login.exists()
    oras, repository = peer("oras"), bench.name()
    template = bench.pair(repository, apart=True)
    sbom = tmp_path / "sbom.json"
    sbom.write_text('{"spdxVersion": "SPDX-2.3"}')
    for arch in ("amd64", "arm64"):
        subject = f"{bench.host}/{repository}-{arch}:1"
        ran(oras, "attach", "--plain-http", "--disable-path-validation", "--artifact-type", "application/spdx+json",
            subject, f"{sbom}:application/spdx+json")  # fmt: skip
    assert bench.merge(template, f"{repository}:1", "--referrers").code == 0
    assert bench.run("verify", f"{bench.host}/{repository}:1", "--require", "sbom").code == 0
    for child in bench.pusher(repository).manifest(repository, "1")["manifests"]:
        found = ran(oras, "discover", "--plain-http", f"{bench.host}/{repository}@{child['digest']}")
        assert "application/spdx+json" in found


def test_a_nondistributable_layer_without_an_address_goes_where_skopeo_puts_it(
    bench: Workbench, skopeo: str, login: Path
) -> None:
    repository = bench.name()
    made = image("amd64", layers=2)
    body = json.loads(made.body)
    body["layers"][0]["mediaType"] = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
    bench.push(f"{repository}-amd64", Image(json.dumps(body).encode(), made.media_type, made.blobs), "1")
    source = f"{bench.host}/{repository}-amd64:1"
    ran(skopeo, "copy", "--src-tls-verify=false", "--dest-tls-verify=false", f"--authfile={login}",
        f"docker://{source}", f"docker://{bench.host}/{repository}-skopeo:1")  # fmt: skip
    assert bench.run("push", "--target", f"{bench.host}/{repository}:1", source).code == 0
    layer = digest(made.blobs[1])
    for place in (f"{repository}-skopeo", repository):
        assert bench.pusher(place).call("HEAD", f"/v2/{place}/blobs/{layer}")[0] == 200
