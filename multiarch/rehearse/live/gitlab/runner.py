"""Jobs by the real gitlab-runner: the stack's own configs and service accounts, the small GitLab in GitLab's place.

One process has all runners of a stack, each with its own token, tags, settings and account.
"""

import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from multiarch.cluster.api import Api, ApiRefused
from multiarch.cluster.errors import ClusterError
from multiarch.core.files import write_whole
from multiarch.core.secrets import hide, remember
from multiarch.model.executor import ExecutorConfig, JobRefusal
from multiarch.model.readback import Installed, service_account_token
from multiarch.model.release import InstallFailed
from multiarch.rehearse.claims.pods import build
from multiarch.rehearse.claims.scene import Scene
from multiarch.rehearse.control_plane.progress import ProgressSink, silent
from multiarch.rehearse.control_plane.sources import BinarySource
from multiarch.rehearse.live import room
from multiarch.rehearse.live.git import lacking
from multiarch.rehearse.live.gitlab.body import BodyError, unpacked
from multiarch.rehearse.live.gitlab.config import Connections, check_seconds, config_toml
from multiarch.rehearse.live.gitlab.pipeline import Entry, Pipeline, Registered, State
from multiarch.rehearse.live.gitlab.pods import Watch
from multiarch.rehearse.live.gitlab.process import RunningRunner
from multiarch.rehearse.live.gitlab.program import find_runner
from multiarch.rehearse.live.gitlab.server import GitLabServer, Site
from multiarch.rehearse.live.gitlab.sources import commit_folder
from multiarch.rehearse.live.gitlab.words import end_of, last_line, plain_log, why_failed
from multiarch.rehearse.live.job import CiJob, Ended
from multiarch.rehearse.live.taking import tags_of, taker

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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    """One of the stack's runners, as this process has it."""

    registered: Registered
    config: ExecutorConfig
    """The installed one, but for what would not fit this machine."""
    bearer: str = field(repr=False)


@dataclass(slots=True, kw_only=True)
class GitLabRunner:
    """Runs jobs by gitlab-runner itself (a `JobRunner`)."""

    program: BinarySource
    scenes: Mapping[str, Scene]
    """The stack's runners, by a tag of each."""
    place: ClusterPlace
    sources: Path
    """A folder: what the project of the jobs has."""
    notes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @classmethod
    def find(
        cls,
        scenes: Mapping[str, Scene],
        place: ClusterPlace,
        sources: Path,
        progress: ProgressSink = silent,
        *,
        program: Path | None = None,
    ) -> "tuple[GitLabRunner | None, str]":
        """Return a runner of the stack's own version, or None and why there is none, in words."""
        if missing := lacking():
            return None, missing
        version, *others = dict.fromkeys(scene.installed.runner_version for scene in scenes.values())
        if others:
            told = ", ".join(one or "an unknown one" for one in (version, *others))
            return None, f"the stack's runners are of different versions: {told}"
        found, reason = find_runner(version, progress, program=program)
        if found is None:
            wanted = f"gitlab-runner {version}".strip()
            return None, hide(f"{wanted} is not available: {reason}")
        return cls(program=found, scenes=scenes, place=place, sources=sources), ""

    @property
    def what(self) -> str:
        """Say what it is: `gitlab-runner 19.3.1 (path)`."""
        return f"gitlab-runner {self.program.version} ({self.program.origin})"

    def run(self, jobs: Sequence[CiJob], progress: Tell) -> list[Ended]:
        """Run a pipeline; see `JobRunner`. Raises ClusterError, and ValueError for jobs that could never all run."""
        members = self._members(jobs)
        runners = [member.registered for member in members]
        pipeline = Pipeline(jobs, runners)
        remember([member.bearer for member in members])
        remember([*(runner.token for runner in runners), *(entry.token for entry in pipeline.entries)])
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="multiarch-gitlab-")))
            sources = commit_folder(self.sources, folder / "sources")
            server = stack.enter_context(GitLabServer(self.place.address, pipeline, sources, runners))
            stack.callback(self._note, server.site)
            watch = Watch(self.place.api, server.url)
            config = self._configure(folder, server.url, members)
            try:
                with RunningRunner(self.program.path, config, folder) as running, _canceling(pipeline):
                    self._follow(pipeline, server.site, running, watch, _Teller(progress))
            except BaseException:
                watch.clear()
                raise
        return [ended(entry, watch) for entry in pipeline.entries]

    def _members(self, jobs: Sequence[CiJob]) -> list[_Member]:
        """Return the stack's runners, each made to fit the jobs that it will take."""
        members, tags = [], tags_of(self.scenes)
        for number, (tag, scene) in enumerate(self.scenes.items(), 1):
            lacking_room = _too_much(scene, [job for job in jobs if taker(self.scenes, job) == tag])
            if lacking_room and (words := room.note(lacking_room)) not in self.notes:
                self.notes.append(words)
            config = scene.installed.config
            members.append(
                _Member(
                    registered=Registered(
                        id=number, name=config.name or tag, tags=tags[tag], token=f"glrt-{secrets.token_urlsafe(24)}"
                    ),
                    config=room.fitted_config(config, lacking_room),
                    bearer=self._bearer(scene.installed),
                )
            )
        return members

    def _bearer(self, installed: Installed) -> str:
        """Return a token of a runner's own service account."""
        try:
            return service_account_token(self.place.api, installed.namespace, installed.service_account)
        except (InstallFailed, ApiRefused) as error:
            raise ClusterError(f"gitlab-runner can't log in to the cluster: {hide(str(error))}") from error

    def _configure(self, folder: Path, url: str, members: Sequence[_Member]) -> Path:
        """Write what the runner reads; the folder is this user's alone, and so is each file."""
        authority = folder / "ca.crt"
        write_whole(authority, self.place.certificate.decode())
        connected = [
            (
                member.config,
                Connections(
                    url=url,
                    token=member.registered.token,
                    server=self.place.server,
                    ca_file=authority,
                    bearer_token=member.bearer,
                ),
            )
            for member in members
        ]
        config = folder / "config.toml"
        write_whole(config, config_toml(connected))
        return config

    def _note(self, site: Site) -> None:
        """Keep what the small GitLab has to say of itself."""
        self.faults += _counted(site.faults)
        if site.asked_in_vain:
            asked = ", ".join(_counted(site.asked_in_vain))
            self.notes.append(f"gitlab-runner asked for what the small GitLab has not: {asked}")

    def _follow(self, pipeline: Pipeline, site: Site, running: RunningRunner, watch: Watch, teller: "_Teller") -> None:
        """Stay until every job is over, telling what changes."""
        longest = _SILENCE_SECONDS + max(check_seconds(scene.installed.config) for scene in self.scenes.values())
        while not pipeline.finished:
            running.check()
            watch.look()
            teller.tell(pipeline.entries)
            pipeline.end_overdue()
            silent_for = site.ignored_for()
            if silent_for > longest:
                raise ClusterError(f"gitlab-runner has not asked for a job for {silent_for:.0f} s: {running.said()}")
            pipeline.wait(_LOOK_SECONDS)
        teller.tell(pipeline.entries)


def _too_much(scene: Scene, jobs: Sequence[CiJob]) -> list[str]:
    """Return of which resources any of a runner's jobs would ask for more than this machine has."""
    pods = [build(scene, job.to_run()) for job in jobs]
    made = [pod.manifest for pod in pods if not isinstance(pod, JobRefusal)]
    nodes = list(scene.nodes.values())
    return list(dict.fromkeys(name for manifest in made for name in room.too_much(manifest, nodes)))


def _counted(told: Mapping[str, int]) -> list[str]:
    return [f"{what} ({times} times)" if times > 1 else what for what, times in told.items()]


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
        end=end_of(entry),
        reason=why_failed(entry),
        log=plain_log(bytes(entry.log)),
        pod=watch.pod(entry.id),
        artifacts=artifacts,
        seconds=max(entry.ended - entry.began, 0.0),
    )
