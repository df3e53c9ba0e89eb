"""What is in the registry after a pipeline, read back by skopeo, which is nobody's code under test."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.registry.lab.tokens import PASSWORD, USER

if TYPE_CHECKING:
    from pathlib import Path


class Published(NamedTuple):
    """An index: its digest, its entries' platforms in their order, and each platform's own config."""

    digest: str
    platforms: list[str]
    configs: dict[str, dict[str, Any]]
    annotations: dict[str, str]


def read(skopeo: str, reference: str, scratch: Path) -> Published:
    """Read `reference` (HOST/PATH:TAG); asserts that every child's config says what its entry says."""
    auth = scratch / "skopeo.json"
    logged_in = [
        skopeo,
        "login",
        "--tls-verify=false",
        "--authfile",
        str(auth),
        "-u",
        USER,
        "--password-stdin",
        reference.partition("/")[0],
    ]
    subprocess.run(logged_in, input=PASSWORD, text=True, check=True, capture_output=True)
    index = json.loads(_run(skopeo, auth, "inspect", "--raw", f"docker://{reference}"))
    repository = reference.rpartition(":")[0]
    entries = [entry for entry in index["manifests"] if entry["platform"]["os"] != "unknown"]
    platforms = [f"{entry['platform']['os']}/{entry['platform']['architecture']}" for entry in entries]
    configs = {}
    for platform, entry in zip(platforms, entries, strict=True):
        config = json.loads(_run(skopeo, auth, "inspect", "--config", f"docker://{repository}@{entry['digest']}"))
        assert f"{config['os']}/{config['architecture']}" == platform
        configs[platform] = config
    digest = _run(skopeo, auth, "inspect", "--format", "{{.Digest}}", f"docker://{reference}").strip()
    return Published(digest, platforms, configs, index.get("annotations", {}))


def _run(skopeo: str, auth: Path, command: str, *arguments: str) -> str:
    argv = [skopeo, command, "--tls-verify=false", "--authfile", str(auth), *arguments]
    ran = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout
