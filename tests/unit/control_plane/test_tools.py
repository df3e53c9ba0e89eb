import shutil
import subprocess
from pathlib import Path

import pytest

from multiarch.rehearse.control_plane.errors import BinariesError
from multiarch.rehearse.control_plane.tools import (
    TOOLS,
    TOOLS_MODULE,
    ask_version,
    pinned_versions,
    requirements,
    version_in,
)
from tests.unit.control_plane.release_server import SAYS, program, put

BY_NAME = {tool.name: tool for tool in TOOLS}


def test_versions_are_read_from_go_mod_and_from_nowhere_else(tmp_path: Path) -> None:
    text = (TOOLS_MODULE / "go.mod").read_text(encoding="utf-8")
    pinned = requirements(text)["k8s.io/kubernetes"]
    (tmp_path / "go.mod").write_text(text.replace(f"k8s.io/kubernetes {pinned}", "k8s.io/kubernetes v1.99.7"))
    assert pinned_versions(tmp_path)["kube-apiserver"] == "1.99.7"
    assert pinned_versions(tmp_path)["etcd"] == pinned_versions()["etcd"]


def test_requirements_are_read_in_blocks_and_single_lines_without_comments() -> None:
    text = """module m

go 1.26.0

require a.example/b v1.2.3 // indirect
require (
\tc.example/d v0.0.0-20260101000000-0123456789ab
\t// e.example/f v9.9.9
)
replace (
\tg.example/h v1.0.0 => ./h
)
"""
    assert requirements(text) == {"a.example/b": "v1.2.3", "c.example/d": "v0.0.0-20260101000000-0123456789ab"}


def test_a_go_mod_without_a_pin_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module m\nrequire k8s.io/kubernetes v1.36.3\n")
    with pytest.raises(BinariesError, match=r"no requirement for go\.etcd\.io/etcd/server/v3"):
        pinned_versions(tmp_path)
    with pytest.raises(BinariesError, match="No such file"):
        pinned_versions(tmp_path / "absent")


@pytest.mark.skipif(shutil.which("go") is None, reason="needs Go")
def test_go_agrees_with_our_reading_of_go_mod() -> None:
    command = ["go", "list", "-mod=readonly", "-m", "-f", "{{.Path}} {{.Version}}"]
    modules = sorted({tool.module for tool in TOOLS})
    done = subprocess.run([*command, *modules], cwd=TOOLS_MODULE, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"Go cannot read its modules here: {done.stderr.strip()}")
    read = requirements((TOOLS_MODULE / "go.mod").read_text(encoding="utf-8"))
    assert dict(line.split() for line in done.stdout.splitlines()) == {name: read[name] for name in modules}


@pytest.mark.parametrize(
    ("name", "output", "version"),
    [
        ("etcd", "etcd Version: 3.6.8\nGit SHA: 1f08c68\nGo Version: go1.24.1\n", "3.6.8"),
        ("kube-apiserver", "Kubernetes v1.36.3\n", "1.36.3"),
        ("kube-scheduler", "Kubernetes v1.37.0-rc.1\n", "1.37.0-rc.1"),
        ("kubectl", "Client Version: v1.36.3\nKustomize Version: v5.8.1\n", "1.36.3"),
        ("kubectl", "Client Version: v1.32.4-dispatcher\n", "1.32.4-dispatcher"),
        ("kwok", "kwok version v0.8.0 go1.26.8 (linux/amd64)\n", "0.8.0"),
        ("helm", "WARNING: Kubernetes configuration file is group-readable\nv3.22.0+g1234567\n", "3.22.0"),
        ("helm", "v4.0.1+g12", "4.0.1"),
        ("helm", "", None),
        ("etcd", "Go Version: go1.24.1", None),
        ("kube-apiserver", "Kubernetes devel", None),
    ],
)
def test_a_version_is_found_in_what_a_program_prints_or_not_at_all(name: str, output: str, version: str | None) -> None:
    assert version_in(BY_NAME[name], output) == version


@pytest.mark.parametrize("name", SAYS)
def test_a_program_is_asked_for_its_version(tmp_path: Path, name: str) -> None:
    assert ask_version(BY_NAME[name], put(tmp_path, name, program(name, "1.2.3"))) == ("1.2.3", "")


def test_a_program_that_does_not_tell_is_no_version(tmp_path: Path) -> None:
    assert ask_version(BY_NAME["etcd"], put(tmp_path, "etcd", b"#!/bin/sh\nexit 3\n")) == (
        None,
        "did not print its version (exit 3)",
    )
    version, reason = ask_version(BY_NAME["etcd"], put(tmp_path, "no-program", b"\x7fELF"))
    assert version is None
    assert "does not run" in reason
