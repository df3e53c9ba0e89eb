"""Takes off a cluster what a rehearsal put there: worst thing first, every step tried, what stays told."""

import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from multiarch.cluster.api import Api, ApiRefused
from multiarch.cluster.errors import ClusterError
from multiarch.core.verdict import Verdict
from multiarch.core.waiting import wait_while
from multiarch.model.nodes.marks import Mark
from multiarch.model.release import InstallFailed
from multiarch.rehearse.install.fleet import remove_marked_nodes
from multiarch.rehearse.install.helm import Helm, HelmError
from multiarch.rehearse.install.kinds import delete_all, find_kinds, find_objects

CLEAN_SECONDS = 60.0
_POLL_SECONDS = 0.1
_GONE = (404, 409)
"""Answers to a deletion: there is no such object, or one with another uid, or it is being deleted already."""


class RemovalError(Exception):
    """Something is still there. The message says why."""


@dataclass(frozen=True, slots=True)
class Release:
    """A Helm release."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Object:
    """An object that is in none of the rehearsal's own namespaces."""

    path: str
    title: str
    """`PriorityClass builds`, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remains:
    """What a rehearsal may have put on a cluster. Of all this, only what bears the mark is taken away."""

    nodes: tuple[str, ...] = ()
    releases: tuple[Release, ...] = ()
    namespaces: tuple[str, ...] = ()
    objects: tuple[Object, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to take away."""

    what: str
    take: Callable[[], None]
    """Raises RemovalError, ApiRefused, HelmError or ClusterError when it is not gone. Doing it again does no harm."""


@dataclass(frozen=True, slots=True)
class Left:
    """What could not be taken away, and why."""

    what: str
    why: str
    unanswered: bool = False
    """Whether nobody said no: the cluster gave no answer."""

    @property
    def verdict(self) -> Verdict:
        """What it makes of a clean-up."""
        return Verdict.UNKNOWN if self.unanswered else Verdict.NO

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.what} ({self.why})"


def _silent(_: str) -> None:
    """Show nothing."""


def take_off(steps: Sequence[Step], progress: Callable[[str], None] = _silent) -> list[Left]:
    """Take every step, also after one that failed, and return what is left.

    A defect of ours is raised at the end, and an interrupt at once; both carry a note of what is left.
    """
    left: list[Left] = []
    defect: Exception | None = None
    for done, step in enumerate(steps):
        try:
            progress(step.what)
            step.take()
        except (RemovalError, InstallFailed, ApiRefused, HelmError) as error:
            left.append(Left(step.what, str(error)))
        except ClusterError as error:
            left.append(Left(step.what, str(error), unanswered=True))
        except Exception as error:  # noqa: BLE001 - the steps behind it come first; it is raised below
            left.append(Left(step.what, repr(error)))
            defect = defect or error
        except BaseException as end:
            left += [Left(missed.what, "interrupted") for missed in steps[done:]]
            end.add_note(left_words(left))
            raise
    if defect is not None:
        defect.add_note(left_words(left))
        raise defect
    return left


def left_words(left: Sequence[Left]) -> str:
    """Say what is left, in one line."""
    return f"still on the cluster: {'; '.join(str(one) for one in left)}"


def clean_command(kubeconfig: Path, context: str) -> str:
    """Return the command that takes off a cluster whatever rehearsals left there."""
    return shlex.join(["multiarch", "rehearse", "--clean", "--kubeconfig", str(kubeconfig), "--context", context])


class Remover:
    """Makes the steps that take away what bears a mark, and nothing else."""

    def __init__(self, api: Api, helm: Helm | None, mark: Mark, *, own_plane: bool = False) -> None:
        self._api = api
        self._helm = helm
        """None where there is no Helm on this machine."""
        self._mark = mark
        self._own_plane = own_plane
        """Whether the control plane is the rehearsal's own: its namespaces are then ended here (`_end_now`)."""

    def steps(self, remains: Remains) -> list[Step]:
        """Return the steps, worst thing first: a node without a kubelet can hold real pods, a Role can't."""
        return list(self._steps(remains))

    def _steps(self, remains: Remains) -> Iterator[Step]:
        if remains.nodes:
            what = f"nodes {', '.join(remains.nodes)}"
            yield Step(what, partial(remove_marked_nodes, self._api, self._mark))
        for release in remains.releases:
            yield Step(f"Helm release {release.name} in {release.namespace}", partial(self._uninstall, release))
        for name in remains.namespaces:
            yield Step(f"pods of namespace {name}", partial(self._empty, name))
        for item in remains.objects:
            yield Step(item.title, partial(self._delete, item.path))
        for name in remains.namespaces:
            yield Step(f"Namespace {name}", partial(self._close if self._own_plane else self._delete, _path(name)))
        if remains.namespaces:
            last = self._end_now if self._own_plane else self._wait_until_gone
            yield Step("everything in those namespaces", partial(last, remains.namespaces))

    def _uninstall(self, release: Release) -> None:
        selector = f"owner=helm,name={release.name},{self._mark.selector}"
        if not self._api.items(f"{_path(release.namespace)}/secrets", {"labelSelector": selector}):
            return
        if self._helm is None:
            raise RemovalError("helm is not on PATH: install it, or remove by hand what its chart created cluster-wide")
        self._helm.uninstall(release.name, release.namespace)

    def _empty(self, namespace: str) -> None:
        """Remove the pods first, without grace.

        The namespace controller comes back for remaining pods only after half their grace period, and the manager's
        is as long as the longest job.
        """
        found = self._api.find(_path(namespace))
        if found is None or not self._mark.is_on(found):
            return
        background = {"propagationPolicy": "Background"}
        self._api.delete(f"/apis/apps/v1/namespaces/{namespace}/deployments", background)
        self._api.delete(f"/apis/apps/v1/namespaces/{namespace}/replicasets", background)
        pods = f"{_path(namespace)}/pods"

        def left() -> bool:
            if not self._api.items(pods):
                return False
            self._api.delete(pods, {"gracePeriodSeconds": "0"})
            return True

        if wait_while(left, CLEAN_SECONDS, every=_POLL_SECONDS):
            raise RemovalError(f"still there after {CLEAN_SECONDS:.0f} s")

    def _delete(self, path: str) -> None:
        """Delete an object if it bears the mark; one that took its place meanwhile is somebody else's."""
        found = self._api.find(path)
        if found is None or not self._mark.is_on(found):
            return
        only_this = {"preconditions": {"uid": found["metadata"]["uid"]}}
        try:
            self._api.call("DELETE", path, only_this)
        except ApiRefused as refusal:
            if refusal.status not in _GONE:
                raise

    def _close(self, path: str) -> None:
        """Let nothing more be made in a namespace, and keep the namespace controller from emptying it.

        The controller waits for 5 s before it does (kubernetes pkg/controller/namespace, namespaceDeletionGracePeriod:
        for API servers and etcd members that lag, of which one's own plane has none). Once the finalizer is gone it
        does nothing at all, however late it comes, so that it can't meet a new namespace of the same name.
        """
        found = self._api.find(path)
        if found is None or not self._mark.is_on(found):
            return
        self._api.call("PUT", f"{path}/finalize", {**found, "spec": {"finalizers": []}})
        self._delete(path)

    def _end_now(self, namespaces: Sequence[str]) -> None:
        """Do the namespace controller's work on closed namespaces: delete all that is inside, then themselves."""
        closed = {name for name in namespaces if self._stands(name)}
        unseen: list[str] = []
        kinds = [kind for kind in find_kinds(self._api, unseen) if kind.namespaced]
        deadline = time.monotonic() + CLEAN_SECONDS
        while left := [item for item in find_objects(self._api, kinds, "", unseen) if item.namespace in closed]:
            delete_all(self._api, left)
            if time.monotonic() > deadline:
                raise RemovalError(f"still there: {', '.join(item.path for item in left)}")
        if unseen:
            raise RemovalError(f"could not look for more: {'; '.join(unseen)}")
        for name in closed:
            self._delete(_path(name))
        self._wait_until_gone(namespaces)

    def _wait_until_gone(self, namespaces: Sequence[str]) -> None:
        def standing() -> list[str]:
            return [name for name in namespaces if self._stands(name)]

        if waiting := wait_while(standing, CLEAN_SECONDS, every=_POLL_SECONDS):
            raise RemovalError(f"still being deleted after {CLEAN_SECONDS:.0f} s: {', '.join(waiting)}")

    def _stands(self, namespace: str) -> bool:
        found = self._api.find(_path(namespace))
        return found is not None and self._mark.is_on(found)


def _path(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}"
