"""Which containers run on a node: containerd's own account, and beside it the kernel's. Only read.

containerd keeps a folder for each of its tasks, with what it gave to runc (core/runtime/v2/bundle.go); the kernel knows
which processes are in the node's cgroup. A container that only one of them knows is one, too.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from multiarch.rehearse.nodes import cgroups
from multiarch.rehearse.nodes.architectures import Arch

TASKS: Final = "run/containerd/io.containerd.runtime.v2.task/k8s.io"
_ANNOTATION: Final = "io.kubernetes.cri."
SANDBOX: Final = "(sandbox)"
"""In place of a container's name: what holds its pod open."""


def containers(pid: int | None, arch: Arch) -> Sequence[str] | None:
    """Return `namespace/pod/container` of each container of a node, by a process of it; None when that is gone."""
    root = Path(f"/proc/{pid}/root")
    try:
        root.readlink()  # nothing but a living process has one
        known = {folder.name: named(folder) for folder in _folders(root / TASKS)}
        return sorted(known.get(one) or unnamed(one) for one in {*known, *in_cgroups(arch)})
    except OSError:
        return None


def named(folder: Path) -> str:
    """Return a task's name; one that is only just being made, or taken away, has none."""
    try:
        spec: Mapping[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    said = {name.removeprefix(_ANNOTATION): text for name, text in (spec.get("annotations") or {}).items()}
    if "sandbox-name" not in said:
        return ""
    name = SANDBOX if said.get("container-type") == "sandbox" else said.get("container-name", "")
    return f"{said.get('sandbox-namespace', '')}/{said['sandbox-name']}/{name}"


def unnamed(identity: str) -> str:
    """Return the name of a container of which only its id is known."""
    return f"container {identity[:12]}"


def in_cgroups(arch: Arch, found: cgroups.Cgroups | None = None) -> set[str]:
    """Return the names of the cgroups of a node in which some process is: containers' ids."""
    tops = [path / cgroups.NAME / arch for path in (found or cgroups.here()).hierarchies]
    return {folder.name for top in tops for folder in _occupied(top)}


def _occupied(top: Path) -> Iterator[Path]:
    for folder, _, _ in os.walk(top):
        try:
            if (Path(folder) / "cgroup.procs").read_text(encoding="ascii").strip():
                yield Path(folder)
        except OSError:  # it has just gone
            continue


def _folders(place: Path) -> list[Path]:
    """List a folder; containerd makes this one with its first task."""
    try:
        return list(place.iterdir())
    except FileNotFoundError:
        return []
