"""A local server with the layout of the projects' release hosts."""

import hashlib
import http.server
import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from multiarch.rehearse.control_plane.platform import Platform
from multiarch.rehearse.control_plane.releases import Hosts
from multiarch.rehearse.control_plane.tools import pinned_versions

PLATFORM = Platform("linux", "amd64")
SAYS = {
    "etcd": "etcd Version: {}",
    "kube-apiserver": "Kubernetes v{}",
    "kube-controller-manager": "Kubernetes v{}",
    "kube-scheduler": "Kubernetes v{}",
    "kubectl": "Client Version: v{}",
    "kwok": "kwok version v{} go1.26.8 (linux/amd64)",
    "helm": "v{}+g1234567",
}


def program(name: str, version: str) -> bytes:
    """A program that does nothing but tell its version."""
    return f"#!/bin/sh\necho '{SAYS[name].format(version)}'\n".encode()


def packed(member: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, data in (("README.md", b"read me"), (member, content)):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o755
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def digits(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


Answer = Callable[[http.server.BaseHTTPRequestHandler], None]


@dataclass
class ReleaseServer:
    """Files by path, answers of another kind by path, and what was asked for."""

    base: str
    files: dict[str, bytes] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @property
    def hosts(self) -> Hosts:
        names = ("kubernetes", "etcd", "kwok", "kwok_api", "helm")
        return Hosts(**{name: f"{self.base}/{name}" for name in names})

    def path(self, tool: str) -> str:
        """Path of a program's file."""
        version = f"v{pinned_versions()[tool]}"
        match tool:
            case "etcd":
                return f"/etcd/{version}/etcd-{version}-linux-amd64.tar.gz"
            case "kwok":
                return f"/kwok/{version}/kwok-linux-amd64"
            case "helm":
                return f"/helm/helm-{version}-linux-amd64.tar.gz"
            case _:
                return f"/kubernetes/{version}/bin/linux/amd64/{tool}"

    def sums_path(self, tool: str) -> str:
        version = f"v{pinned_versions()[tool]}"
        match tool:
            case "etcd":
                return f"/etcd/{version}/SHA256SUMS"
            case "kwok":
                return f"/kwok_api/{version}"
            case "helm":
                return self.path(tool) + ".sha256sum"
            case _:
                return self.path(tool) + ".sha256"

    def publish(self, tool: str, content: bytes, sha256: str | None = None) -> None:
        """Publish a file and its checksum the way the tool's project does."""
        path = self.path(tool)
        name = path.rsplit("/", 1)[1]
        found = sha256 or digits(content)
        listed = f"{'0' * 64}  other.tar.gz\n{found}  {name}\n"
        described = json.dumps({"assets": [{"name": "other"}, {"name": name, "digest": f"sha256:{found}"}]})
        sums = {"etcd": listed, "kwok": described, "helm": f"{found}  {name}\n"}.get(tool, found)
        self.files[path] = content
        self.files[self.sums_path(tool)] = sums.encode()

    def publish_all(self) -> None:
        """Publish every program in its pinned version."""
        for tool, version in pinned_versions().items():
            content = program(tool, version)
            if tool == "etcd":
                content = packed(f"etcd-v{version}-linux-amd64/etcd", content)
            elif tool == "helm":
                content = packed("linux-amd64/helm", content)
            self.publish(tool, content)


def put(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    path.chmod(0o755)
    return path
