"""Installs what a plan declares, keeps a record of what it made, and takes exactly that away again."""

import contextlib
import time
from collections.abc import Mapping, Sequence
from typing import Any

from components.problems import ConfigError, Problem
from ops.kubernetes.api import Api, ApiRefused
from ops.rehearse.install.chart import Chart
from ops.rehearse.install.helm import ChartRefusalError, Helm, HelmError, HelmSilentError
from ops.rehearse.install.objects import InstallFailed, PlannedObject, PlannedRelease, installables
from ops.rehearse.nodes import OWNER_LABEL, owner
from ops.rehearse.plan.model import Plan

CLEAN_SECONDS = 60.0
_POLL_SECONDS = 0.1
_PLACEHOLDER = "glrt-rehearsal-placeholder"


class Installer:
    """One stack's objects in the cluster.

    Everything it makes carries the label `multiarch-runner.io/rehearsal: <stack>`. An object that is there already
    without that label is somebody else's: nothing is touched then (ConfigError).
    """

    def __init__(self, api: Api, helm: Helm, stack: str) -> None:
        self._api = api
        self._helm = helm
        self._stack = stack
        self._made: list[tuple[str, Mapping[str, Any]]] = []
        self._releases: list[PlannedRelease] = []
        self._namespaces: list[str] = []

    def check_free(self, plan: Plan) -> None:
        """Raise ConfigError, naming every one, when the cluster already has objects that the plan would make.

        Raises ApiRefused and UnreachableError when the cluster does not tell: then nothing may be installed.
        """
        taken = []
        # What can't be installed stops the installation at the same place, so that nothing behind it is touched either.
        with contextlib.suppress(InstallFailed):
            for item in installables(plan):
                if isinstance(item, PlannedObject):
                    found = self._api.find(self._path(item))
                    if found is not None and OWNER_LABEL not in (found["metadata"].get("labels") or {}):
                        taken.append(_taken(item.manifest))
        if taken:
            raise ConfigError(taken)

    def install(self, plan: Plan, chart: Chart) -> list[str]:
        """Apply the plan's objects and install its release, in the plan's order.

        Returns what somebody else would have made and the rehearsal stood in for (`Secret gitlab-runner-token`).
        Raises InstallFailed with the server's or Helm's own words; ApiRefused or HelmError where these say nothing
        about the plan.
        """
        stand_ins = []
        for item in installables(plan):
            if isinstance(item, PlannedObject):
                self._apply(item)
                continue
            secret = _missing_secret(item, self._made)
            if secret is not None:
                self._apply(secret)
                stand_ins.append(f"Secret {secret.manifest['metadata']['name']}")
            self._install(item, chart)
        return stand_ins

    def priority_class(self, name: str) -> bool:
        """Stand in for a PriorityClass that the jobs name and the plan does not make; False where there is one."""
        manifest = {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {"name": name},
            "value": 0,
        }
        item = PlannedObject("priority class of the jobs", manifest)
        if self._api.find(self._path(item)) is not None:
            return False
        self._apply(item)
        return True

    def clean(self) -> None:
        """Delete what was made, and wait until its namespaces are gone.

        Raises ApiRefused or HelmError, and InstallFailed when a namespace stays.
        """
        for release in self._releases:
            self._helm.uninstall(release.name, release.namespace)
        for namespace in self._namespaces:
            self._empty(namespace)
        for path, manifest in reversed(self._made):
            inside = (manifest["metadata"].get("namespace") or "default") in self._namespaces
            if manifest["kind"] == "Namespace" or not (inside and "/namespaces/" in path):
                self._api.delete(path)
        self._wait_until_gone()

    def _apply(self, item: PlannedObject) -> None:
        metadata = item.manifest["metadata"]
        labels = {**(metadata.get("labels") or {}), OWNER_LABEL: owner(self._stack)}
        manifest = {**item.manifest, "metadata": {**metadata, "labels": labels}}
        path = self._path(item)
        # Recorded first: an apply whose answer is lost may still have made the object.
        self._made.append((path, manifest))
        if manifest["kind"] == "Namespace":
            self._namespaces.append(str(metadata["name"]))
        try:
            self._api.apply(manifest)
        except ApiRefused as refusal:
            if not refusal.definite:
                raise
            raise InstallFailed(f"{manifest['kind']} {metadata['name']} ({item.name}): {refusal.message}") from refusal

    def _install(self, release: PlannedRelease, chart: Chart) -> None:
        self._releases.append(release)
        try:
            self._helm.install(release.name, release.namespace, chart.path, release.values)
        except HelmSilentError:
            raise
        except ChartRefusalError as error:
            if not chart.stand_in:
                raise InstallFailed(f"helm install {release.name}: {error}") from error
            # It models what the program sends, and only part of what runner.values may add: the official chart decides.
            raise HelmError(f"the embedded stand-in chart does not take these values; try --chart: {error}") from error
        except HelmError as error:
            raise InstallFailed(f"helm install {release.name}: {error}") from error

    def _path(self, item: PlannedObject) -> str:
        try:
            return self._api.path_of(item.manifest)
        except ApiRefused as refusal:
            if not refusal.definite:
                raise
            raise InstallFailed(f"{item.name}: {refusal.message}") from refusal

    def _empty(self, namespace: str) -> None:
        """Remove the pods first, without grace.

        The namespace controller comes back for remaining pods only after half their grace period, and the manager's
        is as long as the longest job.
        """
        place = f"/namespaces/{namespace}"
        background = {"propagationPolicy": "Background"}
        self._api.delete(f"/apis/apps/v1{place}/deployments", background)
        self._api.delete(f"/apis/apps/v1{place}/replicasets", background)
        deadline = time.monotonic() + CLEAN_SECONDS
        while self._api.items(f"/api/v1{place}/pods"):
            self._api.delete(f"/api/v1{place}/pods", {"gracePeriodSeconds": "0"})
            if time.monotonic() > deadline:
                raise InstallFailed(f"pods of namespace {namespace} are still there after {CLEAN_SECONDS:.0f} s")
            time.sleep(_POLL_SECONDS)

    def _wait_until_gone(self) -> None:
        deadline = time.monotonic() + CLEAN_SECONDS
        waiting = list(self._namespaces)
        while waiting:
            waiting = [name for name in waiting if self._api.find(f"/api/v1/namespaces/{name}") is not None]
            if waiting and time.monotonic() > deadline:
                raise InstallFailed(f"still being deleted after {CLEAN_SECONDS:.0f} s: {', '.join(waiting)}")
            if waiting:
                time.sleep(_POLL_SECONDS)


def _taken(manifest: Mapping[str, Any]) -> Problem:
    metadata = manifest["metadata"]
    place = f" in namespace {metadata['namespace']}" if metadata.get("namespace") else ""
    return Problem(
        path="--context",
        found=f"the cluster already has the {manifest['kind']} {metadata['name']}{place}, and no rehearsal made it",
        consequence="installing the stack there would change, and cleaning up would delete, what is somebody else's",
        fix="Rehearse on another cluster, or on the embedded control plane (leave out --kubeconfig).",
    )


def _missing_secret(release: PlannedRelease, made: Sequence[tuple[str, Mapping[str, Any]]]) -> PlannedObject | None:
    """Return a stand-in for the token's Secret, where the plan names one and does not make it."""
    name = (release.values.get("runners") or {}).get("secret")
    known = {
        (manifest["metadata"].get("namespace"), manifest["metadata"]["name"])
        for _, manifest in made
        if manifest["kind"] == "Secret"
    }
    if not name or (release.namespace, name) in known:
        return None
    manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": release.namespace},
        "stringData": {"runner-token": _PLACEHOLDER, "runner-registration-token": ""},
    }
    return PlannedObject("the runner's token", manifest)
