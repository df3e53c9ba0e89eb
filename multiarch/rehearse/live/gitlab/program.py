"""Have the real gitlab-runner, in the version that the stack runs: from PATH, the cache, or GitLab's own releases."""

import re
import shutil
from pathlib import Path
from typing import Final

from multiarch.rehearse.control_plane import official
from multiarch.rehearse.control_plane.binaries import on_path
from multiarch.rehearse.control_plane.cache import Receipt, default_root
from multiarch.rehearse.control_plane.errors import BinariesError
from multiarch.rehearse.control_plane.platform import Platform, this_machine
from multiarch.rehearse.control_plane.progress import Progress, ProgressSink, State, silent
from multiarch.rehearse.control_plane.releases import Hosts, Release, Sums
from multiarch.rehearse.control_plane.sources import BinarySource, Origin
from multiarch.rehearse.control_plane.tools import SEMVER, Tool, ask_version

NAME: Final = "gitlab-runner"
TOOL: Final = Tool(
    name=NAME,
    module="gitlab.com/gitlab-org/gitlab-runner",
    package="gitlab.com/gitlab-org/gitlab-runner",
    ask=("--version",),
    answer=re.compile(rf"Version:\s+{SEMVER}"),
)
"""It is never built: some of its modules are not public."""


def runner_release(version: str, platform: Platform, hosts: Hosts) -> Release:
    """Return where GitLab publishes a version (docs.gitlab.com/runner/install/linux-manually)."""
    base = f"{hosts.gitlab_runner}/v{version}"
    url = f"{base}/binaries/{NAME}-{platform.system}-{platform.arch}"
    return Release(tool=NAME, url=url, sums_url=f"{base}/release.sha256", sums=Sums.LISTED)


def find_runner(
    version: str,
    progress: ProgressSink = silent,
    *,
    program: Path | None = None,
    cache_root: Path | None = None,
    hosts: Hosts | None = None,
) -> tuple[BinarySource | None, str]:
    """Return gitlab-runner in the version that the stack runs, or None and why there is none.

    `version` is what was read back from the cluster, empty where the manager's image does not say: then the one on
    PATH is taken, whichever it is, and nothing is downloaded. `program` is one that the caller names.
    """
    source, reason = _found(version, program)
    if source is None and program is None:
        if not version:
            return None, f"{reason}; which version the stack runs is not known, so none is downloaded"
        try:
            source = _released(version, progress, cache_root or default_root(), hosts or Hosts())
        except (BinariesError, OSError) as error:
            reason = f"{reason}; {error}"
    if source is not None:
        detail = f"{source.version} from {source.origin}: {source.detail}"
        progress(Progress(step="find", subject=NAME, state=State.DONE, detail=detail))
        return source, ""
    progress(Progress(step="find", subject=NAME, state=State.SKIPPED, detail=reason))
    return None, reason


def _found(version: str, program: Path | None) -> tuple[BinarySource | None, str]:
    """Look where a program may be already; a stack's runner is of one version, and another one may do otherwise."""
    if program is None and version:
        return on_path(TOOL, version)
    where = str(program) if program else shutil.which(NAME)
    if where is None:
        return None, "not on PATH"
    told, reason = ask_version(TOOL, Path(where))
    if told is None:
        return None, f"{where} {reason}"
    if version and told != version:
        return None, f"{where} is {told}; this needs {version}"
    return BinarySource(name=NAME, path=Path(where), version=told, origin=Origin.PATH, detail=where), ""


def _released(version: str, progress: ProgressSink, root: Path, hosts: Hosts) -> BinarySource:
    platform = this_machine()
    if platform.system != "linux":
        raise BinariesError(f"a rehearsal with real nodes runs on Linux, and this is {platform}")
    versions = {NAME: version}
    shelf = official.shelf_for(root, platform, versions)
    kept = shelf.find(NAME)
    if kept is not None:
        return _source(Origin.CACHE, *kept)

    def waiting(waited: float) -> None:
        detail = "another rehearsal is at it"
        progress(Progress(step="download", subject=NAME, state=State.RUNNING, detail=detail, elapsed=waited))

    release = runner_release(version, platform, hosts)
    downloader = official.Downloader(versions=versions, progress=progress, tools=(TOOL,))
    with shelf.locked(waiting) as scratch:
        kept = shelf.find(NAME)  # another rehearsal may have been faster
        if kept is not None:
            return _source(Origin.CACHE, *kept)
        made = downloader.fetch(release, scratch)
        return _source(Origin.OFFICIAL, *shelf.install(NAME, made, version=version, source=release.url))


def _source(origin: Origin, path: Path, receipt: Receipt) -> BinarySource:
    return BinarySource(name=NAME, path=path, version=receipt.version, origin=origin, detail=receipt.source)
