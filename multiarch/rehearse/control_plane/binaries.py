"""Have the control plane's programs, in the pinned versions: from PATH, the cache, official releases, or source."""

import os
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from multiarch.rehearse.control_plane import build, official
from multiarch.rehearse.control_plane.cache import Receipt, Shelf, default_root
from multiarch.rehearse.control_plane.errors import BinariesError
from multiarch.rehearse.control_plane.golang import have_go
from multiarch.rehearse.control_plane.platform import Platform, this_machine
from multiarch.rehearse.control_plane.progress import Progress, ProgressSink, State, silent
from multiarch.rehearse.control_plane.releases import Hosts, Release, releases
from multiarch.rehearse.control_plane.sources import Binaries, BinarySource, Origin
from multiarch.rehearse.control_plane.tools import TOOLS, TOOLS_MODULE, Tool, ask_version, pinned_versions

Mode = Literal["auto", "path", "official", "build"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """Programs that one Go module pins, and that are had in the same ways."""

    tools: tuple[Tool, ...]
    """In the order in which they are needed; one cache folder holds them, so they are of one `variant`."""
    module_dir: Path
    stamps: Callable[[Mapping[str, str]], dict[str, str]]
    """From the versions to the variables that the linker sets."""
    releases: Callable[[Mapping[str, str], Platform, Hosts], dict[str, Release]]
    """Where the projects publish them."""

    def __post_init__(self) -> None:
        """Refuse tools whose builds would be kept under one key and are not alike."""
        if len({tool.variant for tool in self.tools}) != 1:
            raise ValueError(f"{', '.join(tool.name for tool in self.tools)} are not built alike")


CONTROL_PLANE = Kit(tools=TOOLS, module_dir=TOOLS_MODULE, stamps=build.stamps, releases=releases)


def on_path(tool: Tool, wanted: str) -> tuple[BinarySource | None, str]:
    """Find a program of the wanted version on PATH: it, or None and why not."""
    found = shutil.which(tool.name)
    if found is None:
        return None, "not on PATH"
    path = Path(os.path.realpath(found))
    version, reason = ask_version(tool, path)
    if version is None:
        return None, f"{found} {reason}"
    if version != wanted:
        return None, f"{found} is {version}; this needs {wanted}"
    return BinarySource(name=tool.name, path=path, version=version, origin=Origin.PATH, detail=found), ""


@dataclass(slots=True, kw_only=True)
class _Search:
    """One run: what was found, and why each of the others was not found in each way that was tried."""

    kit: Kit
    versions: Mapping[str, str]
    platform: Platform
    root: Path
    progress: ProgressSink
    hosts: Hosts
    limits: official.Limits
    found: dict[str, BinarySource] = field(default_factory=dict)
    reasons: dict[str, list[str]] = field(default_factory=dict)

    @property
    def missing(self) -> list[Tool]:
        return [tool for tool in self.kit.tools if tool.name not in self.found]

    @property
    def built(self) -> Shelf:
        """The cache's folder for builds."""
        kit = self.kit
        stamps = kit.stamps(self.versions)
        return build.shelf_for(self.root, self.platform, stamps, kit.module_dir, kit.tools[0].variant)

    def take(self, source: BinarySource, step: str = "find") -> None:
        self.found[source.name] = source
        if step == "find":  # downloads and builds have told of their end themselves
            detail = f"{source.version} from {source.origin}: {source.detail}"
            self.progress(Progress(step="find", subject=source.name, state=State.DONE, detail=detail))

    def miss(self, tool: Tool, step: str, reason: str) -> None:
        self.reasons.setdefault(tool.name, []).append(reason)
        self.progress(Progress(step=step, subject=tool.name, state=State.SKIPPED, detail=reason))

    def look_on_path(self) -> None:
        wanted = self.missing
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda tool: on_path(tool, self.versions[tool.name]), wanted))
        for tool, (source, reason) in zip(wanted, answers, strict=True):
            if source is None:
                self.miss(tool, "find", reason)
            else:
                self.take(source)

    def look_in(self, shelf: Shelf, tools: list[Tool]) -> None:
        with ThreadPoolExecutor(4) as pool:  # hashing leaves Python's lock
            answers = list(pool.map(lambda tool: shelf.find(tool.name), tools))
        for tool, answer in zip(tools, answers, strict=True):
            if answer is not None:
                self.take(_cached(tool, *answer))
            elif shelf.holds(tool.name):
                self.miss(tool, "find", f"{shelf.folder / tool.name} is not the file that was put there")

    def download(self, *, or_else: bool) -> None:
        """Download what is missing; with `or_else` what can't be had is left for another way."""
        try:
            table = self.kit.releases(self.versions, self.platform, self.hosts)
        except BinariesError as error:
            if not or_else:
                raise
            for tool in self.missing:
                self.miss(tool, "download", str(error))
            return
        shelf = official.shelf_for(self.root, self.platform, self.versions)
        pins = official.read_pins(self.kit.module_dir)
        downloader = official.Downloader(
            versions=self.versions, progress=self.progress, limits=self.limits, pins=pins, tools=self.kit.tools
        )
        with shelf.locked(self._waiting("download")) as scratch:
            self.look_in(shelf, self.missing)  # another rehearsal may have been faster
            for tool in self.missing:
                try:
                    made = downloader.fetch(table[tool.name], scratch)
                except BinariesError as error:
                    if not or_else:
                        raise BinariesError(f"{tool.name} {self.versions[tool.name]}: {error}") from error
                    self.miss(tool, "download", str(error))
                    continue
                url = table[tool.name].url
                placed = shelf.install(tool.name, made, version=self.versions[tool.name], source=url)
                self.take(_made(tool, Origin.OFFICIAL, *placed), "download")

    def build(self) -> None:
        """Build what is missing."""
        shelf = self.built
        with shelf.locked(self._waiting("build")) as scratch:
            self.look_in(shelf, self.missing)  # another rehearsal may have been faster
            if not self.missing:
                return
            toolchain = have_go(self.root, self.progress, self.kit.module_dir)
            builder = build.Builder(
                toolchain=toolchain,
                versions=self.versions,
                stamps=self.kit.stamps(self.versions),
                platform=self.platform,
                progress=self.progress,
                module_dir=self.kit.module_dir,
            )
            for tool in self.missing:
                made = builder.build(tool, scratch)
                source = f"built by Go {toolchain.version}"
                placed = shelf.install(tool.name, made, version=self.versions[tool.name], source=source)
                self.take(_made(tool, Origin.BUILD, *placed), "build")

    def _waiting(self, step: str) -> Callable[[float], None]:
        def tell(waited: float) -> None:
            detail = "another rehearsal is building it"
            self.progress(Progress(step=step, subject="programs", state=State.RUNNING, detail=detail, elapsed=waited))

        return tell


def _cached(tool: Tool, path: Path, receipt: Receipt) -> BinarySource:
    detail = f"{receipt.source}, {receipt.made[:10]}"
    return BinarySource(name=tool.name, path=path, version=receipt.version, origin=Origin.CACHE, detail=detail)


def _made(tool: Tool, origin: Origin, path: Path, receipt: Receipt) -> BinarySource:
    return BinarySource(name=tool.name, path=path, version=receipt.version, origin=origin, detail=receipt.source)


def prepare_binaries(  # noqa: PLR0913 - each has a default; only tests and other kits give them
    mode: Mode = "auto",
    progress: Callable[[Progress], None] = silent,
    *,
    kit: Kit = CONTROL_PLANE,
    cache_root: Path | None = None,
    hosts: Hosts | None = None,
    limits: official.Limits | None = None,
) -> Binaries:
    """Have all programs of a kit in the pinned versions, in one of the ways `mode` allows.

    `path`: from PATH, or not at all. `official`: the projects' own releases, or their cached copies. `build`: built
    from source, or a cached build. `auto`: for each program, from PATH, else the cache, else official, else built.

    Raises BinariesError, saying what was tried, for a program that can't be had.
    """
    search = _Search(
        kit=kit,
        versions=pinned_versions(kit.module_dir, kit.tools),
        platform=this_machine(),
        root=cache_root or default_root(),
        progress=progress,
        hosts=hosts or Hosts(),
        limits=limits or official.Limits(),
    )
    if mode in {"auto", "path"}:
        search.look_on_path()
    if mode in {"auto", "build"}:
        search.look_in(search.built, search.missing)
    if mode in {"auto", "official"}:
        search.look_in(official.shelf_for(search.root, search.platform, search.versions), search.missing)
    if mode in {"auto", "official"} and search.missing:
        search.download(or_else=mode == "auto")
    if mode in {"auto", "build"} and search.missing:
        try:
            search.build()
        except BinariesError as error:
            raise _not_had(search, str(error)) from error
    if search.missing:
        raise _not_had(search, "")
    return Binaries({tool.name: search.found[tool.name] for tool in kit.tools})


def _not_had(search: _Search, last: str) -> BinariesError:
    tool = search.missing[0]
    tried = [*search.reasons.get(tool.name, []), *([last] if last else [])]
    return BinariesError(f"{tool.name} {search.versions[tool.name]} is not available: {'; '.join(tried)}")
