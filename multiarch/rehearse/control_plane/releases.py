"""Where the projects publish their own programs and the SHA-256 of each: one table, and how to read a checksum."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from multiarch.rehearse.control_plane.errors import BinariesError
from multiarch.rehearse.control_plane.platform import Platform

_SHA256 = re.compile(r"^[0-9a-fA-F]{64}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosts:
    """Base addresses of the projects' releases. A test, or a mirror, puts its own in their place."""

    kubernetes: str = "https://dl.k8s.io/release"
    etcd: str = "https://github.com/etcd-io/etcd/releases/download"
    kwok: str = "https://github.com/kubernetes-sigs/kwok/releases/download"
    kwok_api: str = "https://api.github.com/repos/kubernetes-sigs/kwok/releases/tags"
    helm: str = "https://get.helm.sh"
    containerd: str = "https://github.com/containerd/containerd/releases/download"
    runc: str = "https://github.com/opencontainers/runc/releases/download"
    gitlab_runner: str = "https://gitlab-runner-downloads.s3.amazonaws.com"


class Sums(Enum):
    """How a project publishes its checksums."""

    BARE = auto()
    """A file with the digits, and perhaps the name, of one file (Kubernetes, Helm)."""
    LISTED = auto()
    """A file of `digits  name` lines for a whole release (etcd); names may have folders before them (GitLab Runner)."""
    GITHUB = auto()
    """The release's description by GitHub's API, `assets[].digest`: kwok's release has no checksum file
    (its hack/releases.sh uploads the programs alone)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One program as its project publishes it."""

    tool: str
    url: str
    sums_url: str
    sums: Sums
    member: str | None = None
    """Its path in the archive, when the file is a .tar.gz; None when the file is the program."""

    @property
    def file(self) -> str:
        """Name of the published file."""
        return self.url.rsplit("/", 1)[1]


def releases(versions: Mapping[str, str], platform: Platform, hosts: Hosts) -> dict[str, Release]:
    """Program name to its published file. Raises BinariesError for a platform the projects publish nothing for.

    Sources: kubernetes.io/releases/download, the release pages of etcd and kwok, helm.sh/docs/intro/install.
    """
    if platform.system != "linux":
        raise BinariesError(f"Kubernetes publishes no kube-apiserver for {platform}")
    table = [kubernetes_release(name, versions[name], platform, hosts) for name in versions if name.startswith("kube")]
    etcd, kwok, helm = (f"v{versions[name]}" for name in ("etcd", "kwok", "helm"))
    table += [
        Release(
            tool="etcd",
            url=f"{hosts.etcd}/{etcd}/etcd-{etcd}-{platform}.tar.gz",
            sums_url=f"{hosts.etcd}/{etcd}/SHA256SUMS",
            sums=Sums.LISTED,
            member=f"etcd-{etcd}-{platform}/etcd",
        ),
        Release(
            tool="kwok",
            url=f"{hosts.kwok}/{kwok}/kwok-{platform}",
            sums_url=f"{hosts.kwok_api}/{kwok}",
            sums=Sums.GITHUB,
        ),
        Release(
            tool="helm",
            url=f"{hosts.helm}/helm-{helm}-{platform}.tar.gz",
            sums_url=f"{hosts.helm}/helm-{helm}-{platform}.tar.gz.sha256sum",
            sums=Sums.BARE,
            member=f"{platform}/helm",
        ),
    ]
    return {release.tool: release for release in table}


def kubernetes_release(name: str, version: str, platform: Platform, hosts: Hosts) -> Release:
    """Return one of Kubernetes' own programs as it is published."""
    url = f"{hosts.kubernetes}/v{version}/bin/{platform.system}/{platform.arch}/{name}"
    return Release(tool=name, url=url, sums_url=f"{url}.sha256", sums=Sums.BARE)


def published_sum(release: Release, text: str) -> str:
    """Read the SHA-256 of a release's file out of what its project published: 64 lower-case digits.

    Raises BinariesError when it is not there: what is not published is not checked, and so not used.
    """
    match release.sums:
        case Sums.BARE:
            found = _bare(release.file, text)
        case Sums.LISTED:
            found = _listed(release.file, text)
        case Sums.GITHUB:
            found = _github(release.file, text)
    if found is None or not _SHA256.match(found):
        raise BinariesError(f"no SHA-256 of {release.file} at {release.sums_url}")
    return found.lower()


def _bare(file: str, text: str) -> str | None:
    words = text.split()
    if len(words) == 2 and words[1].lstrip("*") != file:  # noqa: PLR2004 - digits and a name
        return None
    return words[0] if len(words) in {1, 2} else None


def _listed(file: str, text: str) -> str | None:
    for line in text.splitlines():
        words = line.split()
        if len(words) == 2 and words[1].lstrip("*").rpartition("/")[2] == file:  # noqa: PLR2004 - digits and a name
            return words[0]
    return None


def _github(file: str, text: str) -> str | None:
    try:
        assets = json.loads(text)["assets"]
        digests = [asset["digest"] for asset in assets if asset["name"] == file]
    except (ValueError, KeyError, TypeError):
        return None
    if len(digests) != 1 or not isinstance(digests[0], str):
        return None
    return digests[0].removeprefix("sha256:")
