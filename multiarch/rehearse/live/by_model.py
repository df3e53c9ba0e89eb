"""Jobs run by the executor model: pods as gitlab-runner would create them, and its steps in them, as its account.

What the runner does is done by its own service account and with its own rights: create the pod, wait for it, put the
sources into the helper container, run the script in the build container, take the artifacts out of the helper, delete
the pod (gitlab-runner, executors/kubernetes/kubernetes.go). What it does in another way: scripts go in by `exec`
(pods/exec), where it attaches; sources come from this machine, where it clones; artifacts stay here.
"""

import io
import re
import tarfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from multiarch.cluster.api import ApiRefused
from multiarch.cluster.errors import UnreachableError
from multiarch.core.secrets import hide
from multiarch.core.waiting import wait_while
from multiarch.model.executor import JobRefusal, Pod
from multiarch.rehearse.claims.pods import build, kept_out, refused_by, unschedulable, waits_for_room
from multiarch.rehearse.claims.scene import Scene
from multiarch.rehearse.live.job import CiJob, End, Ended
from multiarch.rehearse.live.kubectl import Kubectl, Said
from multiarch.rehearse.live.project import archive
from multiarch.rehearse.live.room import fitted
from multiarch.rehearse.live.taking import taker, untaken

START_SECONDS: Final = 180.0
"""How long a pod's containers may take to start; that is mostly their images' way to the node."""
STUCK: Final = frozenset(
    {
        "CreateContainerConfigError", "CreateContainerError", "ErrImageNeverPull", "ImagePullBackOff",
        "InvalidImageName", "RunContainerError",
    }
)  # fmt: skip
"""Reasons for which a container waits that no further waiting mends (pkg/kubelet/container, images)."""
_UNPLACED: Final = "no node takes its pod"
_UNPLACED_SECONDS: Final = 20.0
"""How long the scheduler may say that no node will do."""
_IN_TROUBLE: Final = "node.kubernetes.io/"
"""Begins the taints of a node that is not ready, not reached, or short of something."""
_OF_THIS_MACHINE: Final = frozenset({"cpu", "memory", "ephemeral-storage"})
"""What jobs request less of where it has no more (`room`): then it is only taken just now."""
_STEP_SECONDS: Final = 120.0
_MOST_ARTIFACTS: Final = 64 * 1024 * 1024
_TRIES: Final = 3
_POLL_SECONDS: Final = 0.2
_BUILD, _HELPER = "build", "helper"
_FORBIDDEN: Final = 403

Where = tuple[str, str, str]
"""Namespace, pod and container."""


class JobFailed(Exception):  # noqa: N818 - what the report will say
    """The job is over, for the reason that the message gives."""

    def __init__(self, reason: str, end: End = End.SURROUNDINGS) -> None:
        super().__init__(reason)
        self.end = end
        """What the reason says something of: not of the stack, where nobody says so."""


@dataclass(slots=True)
class ByModel:
    """Runs jobs on a cluster whose nodes run containers. `scenes` are the stack's runners, by a tag of theirs."""

    scenes: Mapping[str, Scene]
    kubectl: Mapping[str, Kubectl]
    """The same tags: each runner's own account."""
    sources: Path
    """The project's folder."""
    notes: list[str] = field(default_factory=list)
    faults: tuple[str, ...] = ()
    """None: nothing is between it and the cluster."""
    what: str = "the executor model: its pods, created and driven by the runner's own account"
    _archive: bytes = field(default=b"", repr=False)
    _stopped: threading.Event = field(default_factory=threading.Event)

    def run(self, jobs: Sequence[CiJob], progress: Callable[[str, str], None]) -> list[Ended]:
        """Run a pipeline. See `JobRunner`."""
        self._archive = archive(self.sources)
        futures: dict[str, Future[Ended]] = {}
        with ThreadPoolExecutor(len(jobs) or 1, thread_name_prefix="job") as pool:
            try:
                for number, job in enumerate(jobs, 1):
                    before = [futures[name] for name in job.needs]
                    futures[job.name] = pool.submit(self._in_turn, number, job, before, progress)
                return [_result(futures[job.name]) for job in jobs]
            except BaseException:  # Ctrl-C: no job starts any more, and what runs is looked at no longer
                self._stopped.set()
                for kubectl in self.kubectl.values():
                    kubectl.stop()
                raise

    def _in_turn(
        self, number: int, job: CiJob, before: Sequence[Future[Ended]], progress: Callable[[str, str], None]
    ) -> Ended:
        needed = [future.result() for future in before]
        if broken := [one.job.name for one in needed if not one.succeeded]:
            return Ended(job=job, end=End.NOT_STARTED, reason=f"not started: {', '.join(broken)} failed")
        began = time.monotonic()
        artifacts = {path: content for one in needed for path, content in one.artifacts.items()}
        with TemporaryDirectory(prefix="multiarch-job-") as folder:
            run = _Run(self, number, job, artifacts, Path(folder), lambda what: progress(job.name, what))
            ended = run.to_its_end()
        return Ended(**{**ended, "job": job, "seconds": time.monotonic() - began})

    def scene_of(self, job: CiJob) -> tuple[Scene, Kubectl]:
        """Return the runner that has the job's tag. Raises JobFailed."""
        tag = taker(self.scenes, job)
        if tag is None:
            raise JobFailed(untaken(job), End.STACK)
        return self.scenes[tag], self.kubectl[tag]

    @property
    def files(self) -> bytes:
        """The project's files (tar), as they were when the run began."""
        return self._archive

    @property
    def stopped(self) -> bool:
        """Whether nobody waits for the jobs any more."""
        return self._stopped.is_set()


def _result(future: Future[Ended]) -> Ended:
    while True:  # short waits: one without a limit would keep Ctrl-C from being seen
        with suppress(TimeoutError):
            return future.result(timeout=0.5)


@dataclass(slots=True)
class _Run:
    """One job's way through its pod."""

    runner: ByModel
    number: int
    job: CiJob
    given: Mapping[str, bytes]
    """Artifacts of the jobs that it needs."""
    folder: Path
    tell: Callable[[str], None]
    pod: Pod | None = None
    last: Mapping[str, Any] | None = None

    def to_its_end(self) -> dict[str, Any]:
        """Return what `Ended` says of it."""
        end, reason, artifacts = End.SUCCEEDED, "", {}
        try:
            scene, kubectl = self.runner.scene_of(self.job)
            pod = self.pod = self._built(scene)
            self._created(scene, pod)
            try:
                self._started(scene, pod)
                artifacts = self._steps(kubectl, pod)
            finally:
                self._deleted(scene, pod)
        except JobFailed as failure:
            end, reason = failure.end, str(failure)
        except ApiRefused as refusal:
            # Of what the runner may do, not of its pod: that one may be gone (404) with its node.
            end = End.STACK if refusal.status == _FORBIDDEN else End.SURROUNDINGS
            reason = f"the API server refused the runner: {refusal.message}"
        except UnreachableError as error:
            end, reason = End.SURROUNDINGS, str(error)
        return {
            "end": end,
            "reason": hide(reason),
            "artifacts": artifacts,
            "log": self._log_text(),
            "pod": self.last,
        }

    def _built(self, scene: Scene) -> Pod:
        built = build(scene, self.job.to_run(self.number))
        if isinstance(built, JobRefusal):
            raise JobFailed(f"refused by the runner: {built.reason}", End.STACK)
        return built

    def _created(self, scene: Scene, pod: Pod) -> None:
        manifest, note = fitted(pod.manifest, list(scene.nodes.values()))
        if note and note not in self.runner.notes:
            self.runner.notes.append(note)
        self.tell("creating its pod")
        try:
            scene.runner.create(f"/api/v1/namespaces/{pod.namespace}/pods", manifest)
        except ApiRefused as refusal:
            end = End.STACK if refusal.definite else End.SURROUNDINGS
            raise JobFailed(f"its pod was refused by {refused_by(refusal)}: {refusal.message}", end) from refusal

    def _started(self, scene: Scene, pod: Pod) -> None:
        self.tell("waiting for its containers")
        unplaced: list[float] = []

        def waits() -> str:
            if self.runner.stopped:
                raise JobFailed("interrupted")
            self.last = scene.runner.get(_path(pod))
            state = waiting_for(self.last)
            if state.startswith(_UNPLACED) and not waits_for_room(state):
                unplaced.append(time.monotonic())
                if unplaced[-1] - unplaced[0] > _UNPLACED_SECONDS:
                    raise JobFailed(state, _unplaced(scene, state))
            return state

        if left := wait_while(waits, START_SECONDS, every=_POLL_SECONDS):
            end = _unplaced(scene, left) if left.startswith(_UNPLACED) else End.SURROUNDINGS
            raise JobFailed(f"its containers did not start within {START_SECONDS:.0f} s: {left}", end)

    def _steps(self, kubectl: Kubectl, pod: Pod) -> dict[str, bytes]:
        place = self.job.variables["CI_PROJECT_DIR"]
        helper = (pod.namespace, pod.name, _HELPER)
        self.tell("its sources")
        sources = b"" if self.job.variables.get("GIT_STRATEGY") == "none" else self.runner.files
        for files in filter(None, (sources, packed(self.given) if self.given else b"")):
            self._put(kubectl, helper, f"{place}.tar", files)
            self._helper(kubectl, helper, _UNPACK, place)
        self._helper(kubectl, helper, _FOLDER, place)
        self._put(kubectl, helper, f"{place}.script", self._script(place))
        self.tell("its script")
        said = kubectl.execute(
            (pod.namespace, pod.name, _BUILD), ["sh", f"{place}.script"], seconds=self.job.timeout, log=self._log
        )
        if said.code is None:
            end = End.STACK if said.overdue or said.forbidden else End.SURROUNDINGS
            raise JobFailed(f"its script was not run to its end: {said.error}", end)
        if said.code:
            raise JobFailed(f"exit code {said.code}", End.STACK)
        if not self.job.pipeline.artifacts:
            return {}
        self.tell("its artifacts")
        return unpacked(self._taken(kubectl, helper, place))

    def _script(self, place: str) -> bytes:
        parts = [f"cd '{place}'", self.job.before, "set -e", *self.job.pipeline.script]
        return "\n".join(filter(None, parts)).encode()

    def _put(self, kubectl: Kubectl, where: Where, path: str, content: bytes) -> None:
        """Write a file, and look whether all of it came: what ends with its connection may lose its end."""
        for _ in range(_TRIES):
            size = self._helper(kubectl, where, _WRITE, path, given=content).output
            if size.strip() == str(len(content)).encode():
                return
        raise JobFailed(f"only a part of {path} came to the helper container, {_TRIES} times")

    def _taken(self, kubectl: Kubectl, where: Where, place: str) -> bytes:
        """Return what the job is to keep, as an archive; likewise."""
        for _ in range(_TRIES):
            said = self._helper(kubectl, where, _PACK, place, *self.job.pipeline.artifacts)
            if str(len(said.output)) in said.error.split():
                return said.output
        raise JobFailed(f"only a part of its artifacts came back, {_TRIES} times")

    def _helper(self, kubectl: Kubectl, where: Where, script: str, *words: str, given: bytes | None = None) -> Said:
        said = kubectl.execute(where, ["sh", "-c", script, "sh", *words], seconds=_STEP_SECONDS, given=given)
        if said.code != 0:
            end = End.STACK if said.forbidden else End.SURROUNDINGS
            why = said.error.strip() or "it did not say why"
            raise JobFailed(f"the helper container did not do its part: {why}", end)
        return said

    def _deleted(self, scene: Scene, pod: Pod) -> None:
        """Delete the pod as the runner does, with the time to end that its own settings give."""
        with suppress(ApiRefused, UnreachableError):
            self.last = scene.runner.get(_path(pod))
            grace = scene.installed.config.kubernetes.maybe_number("cleanup_grace_period_seconds")
            scene.runner.delete(_path(pod), None if grace is None else {"gracePeriodSeconds": str(grace)})

    @property
    def _log(self) -> Path:
        return self.folder / "log"

    def _log_text(self) -> str:
        return hide(self._log.read_text(encoding="utf-8", errors="replace")) if self._log.exists() else ""


_FOLDER: Final = 'umask 0000; mkdir -p "$1"'
_WRITE: Final = 'umask 0000; mkdir -p "${1%/*}"; cat >"$1"; wc -c <"$1"'
_UNPACK: Final = 'umask 0000; mkdir -p "$1"; cd "$1"; tar -x -f "$1.tar"; rm "$1.tar"; chmod -R a+rwX "$1"'
"""For all users, as the helper does it: the job's container may have another one."""
_PACK: Final = """cd "$1"; archive=$1.tar; shift
for path in "$@"; do
  shift
  if [ -e "$path" ]; then set -- "$@" "$path"; else echo "WARNING: $path: no matching files" >&2; fi
done
if [ $# -eq 0 ]; then : >"$archive"; else tar -c -f "$archive" "$@"; fi
wc -c <"$archive" >&2; cat "$archive"; rm "$archive" """


def waiting_for(pod: Mapping[str, Any]) -> str:
    """Say what keeps a pod's containers from running; empty once all run. Raises JobFailed for what never will be."""
    status = pod.get("status") or {}
    for container in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        state = container.get("state") or {}
        waiting, over = state.get("waiting") or {}, state.get("terminated") or {}
        if waiting.get("reason") in STUCK:
            raise JobFailed(
                f"container {container['name']}: {waiting['reason']}: {waiting.get('message') or 'no message'}"
            )
        if over and over.get("exitCode"):
            why = over.get("message") or over.get("reason")
            raise JobFailed(f"container {container['name']} ended with {over['exitCode']}: {why}")
    if status.get("phase") in ("Failed", "Succeeded"):
        raise JobFailed(f"its pod is over: {status.get('message') or status.get('reason') or status['phase']}")
    if why := unschedulable(pod):
        return f"{_UNPLACED}: {why}"
    found = status.get("containerStatuses") or []
    names = [one["name"] for one in found if "running" not in (one.get("state") or {})]
    return "" if found and not names else f"{', '.join(names) or 'all'} not running yet"


def _unplaced(scene: Scene, state: str) -> End:
    """Return of what it is that no node takes a pod. The scheduler names no taint (since 1.36), so nodes are asked."""
    try:
        return unplaced(state, scene.admin.items("/api/v1/nodes"))
    except (ApiRefused, UnreachableError):
        return End.SURROUNDINGS


def unplaced(state: str, nodes: Sequence[Mapping[str, Any]]) -> End:
    """Return of what it is that no node takes a pod: labels and taints are the stack's, and what only it asks for.

    A node in trouble has taints of Kubernetes' own; CPU, memory, storage and room for pods are this machine's.
    """
    taints = (taint for node in nodes for taint in (node.get("spec") or {}).get("taints") or ())
    if any(str(taint.get("key")).startswith(_IN_TROUBLE) for taint in taints):
        return End.SURROUNDINGS
    asked = set(re.findall(r"Insufficient ([\w./-]*\w)", state))
    if asked & _OF_THIS_MACHINE or "Too many pods" in state:
        return End.SURROUNDINGS
    return End.STACK if asked or kept_out(state.removeprefix(f"{_UNPLACED}: ")) else End.SURROUNDINGS


def packed(files: Mapping[str, bytes]) -> bytes:
    """Return files as an archive."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for path, data in files.items():
            info = tarfile.TarInfo(path)
            info.size, info.mode = len(data), 0o666
            archive.addfile(info, io.BytesIO(data))
    return content.getvalue()


def unpacked(content: bytes) -> dict[str, bytes]:
    """Return the files of an archive. Raises JobFailed for one that is none, or too large to keep here."""
    if not content:
        return {}
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            for info in archive:
                file = archive.extractfile(info) if info.isreg() else None
                if file is not None:
                    found[info.name] = file.read()
                if sum(map(len, found.values())) > _MOST_ARTIFACTS:
                    raise JobFailed(f"its artifacts are larger than {_MOST_ARTIFACTS // 1024**2} MiB")
    except tarfile.TarError as error:
        raise JobFailed(f"its artifacts cannot be unpacked: {error}") from error
    return found


def _path(pod: Pod) -> str:
    return f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}"
