"""Jobs by the real gitlab-runner: the stack's own config and service account, the small GitLab in GitLab's place."""

import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from multiarch.cluster.api import Api, ApiRefused
from multiarch.cluster.errors import ClusterError
from multiarch.core.files import write_whole
from multiarch.core.secrets import hide, remember
from multiarch.model.readback import Installed, service_account_token
from multiarch.model.release import InstallFailed
from multiarch.rehearse.control_plane.progress import ProgressSink, silent
from multiarch.rehearse.control_plane.sources import BinarySource
from multiarch.rehearse.live.gitlab.body import BodyError, unpacked
from multiarch.rehearse.live.gitlab.config import Connections, check_seconds, config_toml
from multiarch.rehearse.live.gitlab.pipeline import Entry, Pipeline, State
from multiarch.rehearse.live.gitlab.pods import Watch
from multiarch.rehearse.live.gitlab.process import RunningRunner
from multiarch.rehearse.live.gitlab.program import find_runner
from multiarch.rehearse.live.gitlab.server import GitLabServer, Site
from multiarch.rehearse.live.gitlab.sources import commit_folder, lacking
from multiarch.rehearse.live.gitlab.words import last_line, plain_log, why_failed
from multiarch.rehearse.live.job import CiJob, Ended

_LOOK_SECONDS: Final = 0.4
_SILENCE_SECONDS: Final = 60.0
"""How long a runner may not ask while a job waits for it, beside its check interval."""

Tell = Callable[[str, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterPlace:
    """The cluster as the runner reaches it from this machine."""

    api: Api
    """An administrator's, who sees the jobs' pods."""
    server: str
    """URL of the API server."""
    certificate: bytes
    """Its authority's, PEM."""
    address: str
    """An address of this machine that pods reach: the bridge's gateway."""


@dataclass(slots=True, kw_only=True)
class GitLabRunner:
    """Runs jobs by gitlab-runner itself (a `JobRunner`)."""

    program: BinarySource
    installed: Installed
    place: ClusterPlace
    sources: Path
    """A folder: what the project of the jobs has."""
    asked_in_vain: Mapping[str, int] = field(default_factory=dict)
    """After a run: what runner and helper asked of GitLab that the small one has not, and how often."""
    faults: Mapping[str, int] = field(default_factory=dict)
    """After a run: errors of the small GitLab's own. With any, what the jobs did is no proof."""

    @classmethod
    def find(
        cls,
        installed: Installed,
        place: ClusterPlace,
        sources: Path,
        progress: ProgressSink = silent,
        *,
        program: Path | None = None,
    ) -> "tuple[GitLabRunner | None, str]":
        """Return a runner of the stack's own version, or None and why there is none, in words."""
        if missing := lacking():
            return None, missing
        found, reason = find_runner(installed.runner_version, progress, program=program)
        if found is None:
            wanted = f"gitlab-runner {installed.runner_version}".strip()
            return None, hide(f"{wanted} is not available: {reason}")
        return cls(program=found, installed=installed, place=place, sources=sources), ""

    @property
    def what(self) -> str:
        """Say what it is: `gitlab-runner 19.3.1 (path)`."""
        return f"gitlab-runner {self.program.version} ({self.program.origin})"

    def run(self, jobs: Sequence[CiJob], progress: Tell) -> list[Ended]:
        """Run a pipeline; see `JobRunner`. Raises ClusterError, and ValueError for jobs that could never all run."""
        pipeline = Pipeline(jobs)
        token = f"glrt-{secrets.token_urlsafe(24)}"
        bearer = self._bearer()
        remember([token, bearer, *(entry.token for entry in pipeline.entries)])
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="multiarch-gitlab-")))
            sources = commit_folder(self.sources, folder / "sources")
            server = stack.enter_context(
                GitLabServer(self.place.address, pipeline, sources, token, self.installed.config.name)
            )
            stack.callback(self._note, server.site)
            watch = Watch(self.place.api, server.url)
            config = self._configure(folder, server.url, token, bearer)
            try:
                with RunningRunner(self.program.path, config, folder) as running, _canceling(pipeline):
                    self._follow(pipeline, server.site, running, watch, progress)
            except BaseException:
                watch.clear()
                raise
        return [ended(entry, watch) for entry in pipeline.entries]

    def _bearer(self) -> str:
        """Return a token of the runner's own service account."""
        try:
            return service_account_token(self.place.api, self.installed.namespace, self.installed.service_account)
        except (InstallFailed, ApiRefused) as error:
            raise ClusterError(f"gitlab-runner can't log in to the cluster: {hide(str(error))}") from error

    def _configure(self, folder: Path, url: str, token: str, bearer: str) -> Path:
        """Write what the runner reads; the folder is this user's alone, and so is each file."""
        authority = folder / "ca.crt"
        write_whole(authority, self.place.certificate.decode())
        connections = Connections(
            url=url, token=token, server=self.place.server, ca_file=authority, bearer_token=bearer
        )
        config = folder / "config.toml"
        write_whole(config, config_toml(self.installed.config, connections))
        return config

    def _note(self, site: Site) -> None:
        self.asked_in_vain, self.faults = site.asked_in_vain, site.faults

    def _follow(self, pipeline: Pipeline, site: Site, running: RunningRunner, watch: Watch, progress: Tell) -> None:
        """Stay until every job is over, telling what changes."""
        teller = _Teller(progress)
        longest = _SILENCE_SECONDS + check_seconds(self.installed.config)
        while not pipeline.finished:
            running.check()
            watch.look()
            teller.tell(pipeline.entries)
            pipeline.end_overdue()
            silent_for = time.monotonic() - site.last_asked
            if pipeline.waits_for_a_runner and silent_for > longest:
                raise ClusterError(f"gitlab-runner has not asked for a job for {silent_for:.0f} s: {running.said()}")
            pipeline.wait(_LOOK_SECONDS)
        teller.tell(pipeline.entries)


@contextmanager
def _canceling(pipeline: Pipeline) -> Iterator[None]:
    """Cancel the jobs when anything goes wrong: a runner that waits for a pod heeds no signal, but GitLab."""
    try:
        yield
    except BaseException:
        pipeline.cancel()
        raise


class _Teller:
    """Progress of the jobs: each thing once."""

    def __init__(self, progress: Tell) -> None:
        self._progress = progress
        self._told: dict[str, str] = {}

    def tell(self, entries: Sequence[Entry]) -> None:
        """Tell what is new."""
        for entry in entries:
            words = doing(entry)
            if words and self._told.get(entry.name) != words:
                self._told[entry.name] = words
                self._progress(entry.name, words)


def doing(entry: Entry) -> str:
    """Say what a job is at; nothing as long as it waits."""
    match entry.state:
        case State.PENDING:
            return ""
        case State.RUNNING:
            return last_line(bytes(entry.log)) or "taken by gitlab-runner"
        case State.SUCCEEDED:
            return f"succeeded in {entry.ended - entry.began:.0f} s"
        case _:
            return why_failed(entry)


def ended(entry: Entry, watch: Watch) -> Ended:
    """Return what came of a job."""
    try:
        artifacts = unpacked(entry.archive) if entry.archive is not None else {}
    except BodyError:  # refused when it came: it can't be kept
        artifacts = {}
    return Ended(
        job=entry.job,
        succeeded=entry.state is State.SUCCEEDED,
        reason=why_failed(entry),
        log=plain_log(bytes(entry.log)),
        pod=watch.pod(entry.id),
        artifacts=artifacts,
        seconds=max(entry.ended - entry.began, 0.0),
    )
