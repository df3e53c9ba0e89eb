"""Debian's packages for another architecture as well, by apt in folders of its own: the machine's stay untouched.

Apt resolves what a package needs, fetches it, and verifies it by Debian's keys. Nothing is installed and no script of a
package runs. Of the machine's own configuration only how it reaches the network is used (`apt.conf`: proxies).
"""

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final
from urllib.parse import unquote

from multiarch.core.environment import Child, environment
from multiarch.core.secrets import hide
from multiarch.rehearse.images.archive import Entry, members
from multiarch.rehearse.images.model import ImagesError, UnreachedError

SUITE: Final = "bookworm"
"""Debian 12: its Python is 3.11, the oldest that archmerge takes."""
KEYRING: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_PROGRAMS: Final = ("apt-get", "dpkg-deb")
_SECONDS: Final = 600.0
_FILE: Final = re.compile(r"(?P<name>[a-z0-9][a-z0-9+.-]*)_(?P<version>[^_]+)_(?P<arch>[a-z0-9]+)\.deb")
_DROPPED: Final = ("usr/lib/x86_64-linux-gnu/gconv/", "usr/lib/aarch64-linux-gnu/gconv/")
"""Character sets that nothing here speaks, half of the C library."""
_SOURCES: Final = f"""Types: deb
URIs: http://deb.debian.org/debian
Suites: {SUITE} {SUITE}-updates
Components: main
Signed-By: {KEYRING}

Types: deb
URIs: http://deb.debian.org/debian-security
Suites: {SUITE}-security
Components: main
Signed-By: {KEYRING}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package's file."""

    name: str
    version: str
    file: Path

    @property
    def named(self) -> str:
        """Name and version, for people."""
        return f"{self.name} {self.version}"


def missing() -> str:
    """Say what this machine lacks to use Debian's packages, and what to do; empty: nothing."""
    absent = [name for name in _PROGRAMS if shutil.which(name) is None]
    if absent:
        return f"{' and '.join(absent)} not on PATH: the images are made of Debian's packages, on Debian or Ubuntu"
    if not KEYRING.exists():
        return (
            f"{KEYRING} does not exist, by which Debian's packages are verified: apt-get install debian-archive-keyring"
        )
    return ""


@dataclass(frozen=True, slots=True)
class Debian:
    """Debian for one architecture, in a folder."""

    arch: str
    folder: Path

    def update(self) -> None:
        """Fetch the lists of packages. Raises ImagesError, and UnreachedError where they are not reached."""
        if lacking := missing():
            raise ImagesError(lacking)
        for name in ("state/lists/partial", "cache/archives/partial", "etc"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "status").write_bytes(b"")
        (self.folder / "etc" / "debian.sources").write_text(_SOURCES, encoding="utf-8")
        try:
            self._apt("reading Debian's lists of packages", "update", "--error-on=any")
        except ImagesError as error:
            raise UnreachedError(str(error)) from error

    def packages(self, names: Sequence[str], into: str) -> list[Package]:
        """Fetch packages and all that they need, into a folder beside the lists. Raises ImagesError."""
        archives = self.folder / into
        (archives / "partial").mkdir(parents=True, exist_ok=True)
        place = f"Dir::Cache::archives={archives}"
        what = f"fetching {', '.join(names)} for {self.arch}"
        self._apt(what, "install", "--download-only", "--no-install-recommends", "--yes", "-o", place, *names)
        found = [read_name(file) for file in sorted(archives.glob("*.deb"))]
        for name in names:
            if name not in {package.name for package in found}:
                raise ImagesError(f"{what}: apt-get said nothing is wrong, and did not fetch it")
        return found

    def _apt(self, what: str, *words: str) -> None:
        options = [word for option in self._options() for word in ("-o", option)]
        try:
            done = subprocess.run(
                [_on_path("apt-get"), "--quiet", "--quiet", *options, *words],
                env=environment(Child.APT, {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ImagesError(f"{what}: apt-get did not end well: {error}") from error
        if done.returncode:
            said = " | ".join(line for line in done.stderr.splitlines() if line.strip())[-400:]
            raise ImagesError(f"{what}: apt-get failed: {hide(said) or 'it said nothing'}")

    def _options(self) -> Iterator[str]:
        yield f"Dir::State={self.folder / 'state'}"
        yield f"Dir::State::status={self.folder / 'status'}"
        yield f"Dir::Cache={self.folder / 'cache'}"
        yield f"Dir::Log={self.folder}"
        yield f"Dir::Etc::sourcelist={self.folder / 'etc' / 'debian.sources'}"
        for name in ("sourceparts", "preferences", "preferencesparts"):
            yield f"Dir::Etc::{name}=/dev/null"
        yield f"APT::Architecture={self.arch}"
        yield f"APT::Architectures={self.arch}"
        yield "APT::Sandbox::User="  # the folder is this user's alone, and apt's own could not write to it
        yield "Acquire::Languages=none"


def read_name(file: Path) -> Package:
    """Read what a package's file is called. Raises ImagesError."""
    match = _FILE.fullmatch(unquote(file.name))
    if match is None:
        raise ImagesError(f"{file.name} is not named as a Debian package is")
    return Package(name=match["name"], version=match["version"], file=file)


def unpacked(package: Package, kept: Sequence[str]) -> list[Entry]:
    """Return a package's files whose path begins with one of `kept`. Raises ImagesError."""
    with TemporaryFile(dir=package.file.parent) as archive:
        done = subprocess.run(
            [_on_path("dpkg-deb"), "--fsys-tarfile", str(package.file)],
            env=environment(Child.APT, {"LC_ALL": "C"}),
            stdin=subprocess.DEVNULL,
            stdout=archive,
            stderr=subprocess.PIPE,
            check=False,
        )
        if done.returncode:
            raise ImagesError(f"{package.file.name} can't be unpacked: {done.stderr.decode(errors='replace').strip()}")
        archive.seek(0)
        return list(members(archive, tuple(kept), _DROPPED))


def _on_path(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise ImagesError(missing())
    return found
