"""Download the projects' own release programs: pinned, short time limits, refused unless the published SHA-256 fits."""

import hashlib
import shutil
import socket
import tarfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import urllib3

from multiarch.rehearse.control_plane.cache import Shelf, key
from multiarch.rehearse.control_plane.errors import BinariesError
from multiarch.rehearse.control_plane.platform import Platform
from multiarch.rehearse.control_plane.progress import NOT_TRIED, Progress, ProgressSink, State
from multiarch.rehearse.control_plane.releases import Release, published_sum
from multiarch.rehearse.control_plane.tools import TOOLS, TOOLS_MODULE, Tool, ask_version

PINS = "official.sha256"
"""Optional file beside go.mod: lines `digits  name`, name being that of the published file with its version and
platform path, `v1.36.3/bin/linux/amd64/kube-apiserver`. A pinned file must fit both sums."""

_CHUNK = 1 << 16
_SUMS_LIMIT = 4 << 20
_FILE_LIMIT = 512 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds. A machine without a way out must learn it fast; a slow way out may take its time, but not forever."""

    connect: float = 3.0
    stall: float = 10.0
    """Longest silence."""
    total: float = 600.0
    """For one file."""


class _NoWayOut(Exception):  # noqa: N818 - no error of its own: it is told as BinariesError
    """No connection, as against an answer that does not please."""


def shelf_for(root: Path, platform: Platform, versions: Mapping[str, str]) -> Shelf:
    """Return the cache's folder for official programs of these versions for this platform."""
    stated = " ".join(f"{name}={version}" for name, version in sorted(versions.items()))
    return Shelf(root / "binaries" / f"official-{platform}-{key(stated, str(platform))}")


def read_pins(module_dir: Path = TOOLS_MODULE) -> dict[str, str]:
    """Read the optional pins: end of an address to SHA-256."""
    path = module_dir / PINS
    if not path.exists():
        return {}
    rows = [line.split("#", 1)[0].split() for line in path.read_text(encoding="utf-8").splitlines()]
    return {row[1]: row[0].lower() for row in rows if len(row) == 2}  # noqa: PLR2004 - digits and a name


@dataclass(slots=True, kw_only=True)
class Downloader:
    """Downloads of one run. Once no connection can be had, the later downloads of the run are not tried."""

    versions: Mapping[str, str]
    progress: ProgressSink
    limits: Limits = field(default_factory=Limits)
    pins: Mapping[str, str] = field(default_factory=dict)
    tools: Sequence[Tool] = TOOLS
    _refused: str = ""

    def fetch(self, release: Release, scratch: Path) -> Path:
        """Download, check and unpack one program; returns where it is. Raises BinariesError saying why not."""
        began = time.monotonic()
        if self._refused:
            raise BinariesError(f"{NOT_TRIED}, since {self._refused}")
        try:
            wanted = published_sum(release, self._text(release.sums_url))
            return self._fetch(release, scratch, wanted, began)
        except _NoWayOut as error:
            self._refused = str(error)
            raise BinariesError(str(error)) from error
        except (urllib3.exceptions.HTTPError, TimeoutError, OSError, tarfile.TarError) as error:
            raise BinariesError(f"{release.url}: {type(error).__name__}: {error}") from error

    def _fetch(self, release: Release, scratch: Path, wanted: str, began: float) -> Path:
        file = scratch / f"{release.tool}.download"
        try:
            found = self._stream(release, file, began)
            self._compare(release, wanted, found)
            made = scratch / release.tool
            if release.member is None:
                file.replace(made)
            else:
                unpack(file, release.member, made)
        finally:
            file.unlink(missing_ok=True)
        made.chmod(0o755)
        self._check(release, made)
        self._tell(release, State.DONE, began, release.url)
        return made

    def _compare(self, release: Release, wanted: str, found: str) -> None:
        if found != wanted:
            raise BinariesError(
                f"{release.url} has SHA-256 {found}, but {wanted} is published at {release.sums_url}: it is not used"
            )
        for end, pin in self.pins.items():
            if release.url.endswith("/" + end) and pin != found:
                raise BinariesError(f"{release.url} has SHA-256 {found}, but {pin} is pinned: it is not used")

    def _check(self, release: Release, made: Path) -> None:
        tool = next(tool for tool in self.tools if tool.name == release.tool)
        version, reason = ask_version(tool, made)
        if version != self.versions[tool.name]:
            made.unlink()
            raise BinariesError(f"{release.url} {reason or f'says {version}'}; this needs {self.versions[tool.name]}")

    def _text(self, url: str) -> str:
        parts = []
        size = 0
        with self._open(url) as answer:
            for chunk in self._chunks(answer, time.monotonic()):
                size += len(chunk)
                if size > _SUMS_LIMIT:
                    raise BinariesError(f"{url} is too long for a checksum")
                parts.append(chunk)
        return b"".join(parts).decode("utf-8", "replace")

    def _stream(self, release: Release, file: Path, began: float) -> str:
        digest = hashlib.sha256()
        size = 0
        with self._open(release.url) as answer, file.open("wb") as output:
            length = int(answer.headers.get("Content-Length", 0)) or None
            for chunk in self._chunks(answer, began):
                digest.update(chunk)
                output.write(chunk)
                size += len(chunk)
                if size > _FILE_LIMIT:
                    raise BinariesError(f"{release.url} is longer than {_FILE_LIMIT >> 20} MiB")
                share = size / length if length else None
                self._tell(release, State.RUNNING, began, f"{size / (1 << 20):.0f} MiB", share)
        return digest.hexdigest()

    def _chunks(self, answer: urllib3.BaseHTTPResponse, began: float) -> Iterator[bytes]:
        """Yield what arrives, as it arrives: a server that trickles can't stretch the total."""
        while chunk := answer.read1(_CHUNK):
            yield chunk
            if time.monotonic() - began > self.limits.total:
                raise TimeoutError(f"not finished within {self.limits.total:g} s")

    @contextmanager
    def _open(self, url: str) -> Iterator[urllib3.BaseHTTPResponse]:
        host = urlsplit(url).hostname or ""
        timeout = urllib3.Timeout(connect=self.limits.connect, read=self.limits.stall)
        with _pool(url, self.limits.connect) as pool:
            try:
                answer = pool.request("GET", url, preload_content=False, timeout=timeout, retries=_redirects_only())
            except urllib3.exceptions.MaxRetryError as error:
                raise _NoWayOut(f"no connection to {host}: {error.reason}") from error
            except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as error:
                raise _NoWayOut(f"no connection to {host}: {error}") from error
            try:
                if answer.status != 200:  # noqa: PLR2004 - HTTP's OK
                    raise BinariesError(f"{url}: {answer.status} {answer.reason}")
                if downgraded(url, [seen.redirect_location for seen in _history(answer)]):
                    raise BinariesError(f"{url} redirects to an address without TLS: not followed")
                yield answer
            finally:
                answer.close()

    def _tell(self, release: Release, state: State, began: float, detail: str, fraction: float | None = None) -> None:
        elapsed = time.monotonic() - began
        report = Progress(
            step="download", subject=release.tool, state=state, detail=detail, elapsed=elapsed, fraction=fraction
        )
        self.progress(report)


def unpack(archive: Path, member: str, made: Path) -> None:
    """Take one regular file out of a .tar.gz, by its exact path; nothing else of the archive is written."""
    with tarfile.open(archive, "r:gz") as tar:
        for entry in tar:
            if entry.name.removeprefix("./") == member and entry.isfile():
                source = tar.extractfile(entry)
                if source is not None:
                    with source, made.open("wb") as output:
                        shutil.copyfileobj(source, output)
                    return
    raise BinariesError(f"{archive.name} has no file {member}")


def downgraded(url: str, locations: Sequence[str | None]) -> bool:
    """Tell whether an https address was redirected to a plain one, where anyone on the way can change the answer."""
    return url.startswith("https://") and any((place or "").startswith("http://") for place in locations)


def _history(answer: urllib3.BaseHTTPResponse) -> tuple[urllib3.util.retry.RequestHistory, ...]:
    return answer.retries.history if answer.retries else ()


def _redirects_only() -> urllib3.Retry:
    return urllib3.Retry(total=5, connect=0, read=0, status=0, other=0, redirect=5, raise_on_redirect=True)


def _pool(url: str, connect_seconds: float) -> urllib3.PoolManager:
    """Make a pool that goes through the user's proxy, if the environment names one for this address."""
    parts = urlsplit(url)
    proxy = urllib.request.getproxies().get(parts.scheme)
    if proxy and not urllib.request.proxy_bypass(parts.netloc):
        return urllib3.ProxyManager(proxy if "//" in proxy else f"http://{proxy}")
    _resolve(parts.hostname or "", connect_seconds)
    return urllib3.PoolManager()


def _resolve(host: str, seconds: float) -> None:
    """Look a host up within a time limit: the system's resolver has none, and may take half a minute to give up."""
    failures: list[OSError] = []

    def look_up() -> None:
        try:
            socket.getaddrinfo(host, None)
        except OSError as error:
            failures.append(error)

    # A daemon: a resolver that hangs must not hold up the end of the process either.
    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise _NoWayOut(f"{host} has no address within {seconds:g} s")
    if failures:
        raise _NoWayOut(f"{host} has no address: {failures[0].strerror}")
