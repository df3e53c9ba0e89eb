"""Installs what a plan declares, keeps a record of what it made, and takes exactly that away again."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from components.problems import ConfigError, Problem
from multiarch.cluster.api import Api, ApiRefused
from multiarch.model.nodes import NodeGroup
from multiarch.model.nodes.marks import OWNER_LABEL, RUN_LABEL, Mark, new_run, tolerating
from multiarch.model.plan.model import Plan
from multiarch.model.release import InstallFailed, PlannedObject, PlannedRelease, installables, named_secrets
from multiarch.rehearse.install import crds
from multiarch.rehearse.install.chart import Chart
from multiarch.rehearse.install.fleet import in_the_way, is_kept
from multiarch.rehearse.install.helm import ChartRefusalError, Helm, HelmError, HelmSilentError
from multiarch.rehearse.install.removal import Left, Object, Release, Remains, Remover, Step, take_off

_PLACEHOLDER = "glrt-rehearsal-placeholder"


class Installer:
    """One stack's objects in the cluster.

    Everything it makes carries the stack's label and the run's (`marks.Mark`). An object that is there already
    without both is somebody else's: nothing is touched then (ConfigError). With `own_plane` the control plane is the
    rehearsal's own, and cleaning up waits for nobody.
    """

    def __init__(self, api: Api, helm: Helm, stack: str, run: str = "", *, own_plane: bool = False) -> None:
        self.mark = Mark(stack, run or new_run())
        self._own_plane = own_plane
        self._api = api
        self._helm = helm
        self._made: list[tuple[str, Mapping[str, Any]]] = []
        self._releases: list[PlannedRelease] = []
        self._namespaces: list[str] = []

    def check_free(self, plan: Plan, nodes: Sequence[NodeGroup] = (), clean: str = "") -> None:
        """Raise ConfigError, naming every one, when the cluster already has what this run would make.

        `clean` is the command that takes off what an earlier run left, for the message. Raises ApiRefused and
        UnreachableError when the cluster does not tell: then nothing may be installed.
        """
        taken = [_taken("Node", node, clean) for node in in_the_way(self._api, nodes) if not self.mark.is_on(node)]
        # What can't be installed stops the installation at the same place, so that nothing behind it is touched either.
        with contextlib.suppress(InstallFailed):
            for kind, found in self._existing(plan):
                if not _of_run(found, self.mark.run):
                    taken.append(_taken(kind, found, clean))
        if taken:
            raise ConfigError(taken)

    def _existing(self, plan: Plan) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield kind and object of all that is there already, of what the installation would make."""
        before: list[tuple[str, Mapping[str, Any]]] = []
        for item in installables(plan):
            if isinstance(item, PlannedRelease):
                yield from self._existing_release(item)
                objects = list(missing_secrets(item, before))
            else:
                objects = [item]
                before.append(("", item.manifest))
            for wanted in objects:
                if (found := self._api.find(self._path(wanted))) is not None:
                    yield str(wanted.manifest["kind"]), found

    def _existing_release(self, release: PlannedRelease) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield Helm's records of a release of the same name: it keeps them in Secrets."""
        secrets = f"/api/v1/namespaces/{release.namespace}/secrets"
        selector = f"owner=helm,name={release.name}"
        for record in self._api.items(secrets, {"labelSelector": selector}):
            metadata = {**record["metadata"], "name": release.name}
            yield "Helm release", {"metadata": metadata}

    def install(self, plan: Plan, chart: Chart) -> list[str]:
        """Apply the plan's objects and install its release, in the plan's order.

        Returns what somebody else would have made and the rehearsal stood in for (`Secret gitlab-runner-token`, and a
        CRD, which stays).
        Raises InstallFailed with the server's or Helm's own words; ApiRefused or HelmError where these say nothing
        about the plan.
        """
        stand_ins = []
        for item in installables(plan):
            if isinstance(item, PlannedObject):
                # Of a cluster of the user's, a kind that is missing is the answer.
                if self._own_plane and (crd := crds.stand_in(self._api, item.manifest)):
                    stand_ins.append(f"CustomResourceDefinition {crd}")
                self._apply(item)
                continue
            for secret in list(missing_secrets(item, self._made)):
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

    def clean(self, nodes: Sequence[str] = ()) -> list[Left]:
        """Take away what was made, this run's nodes first, and return what could not be taken away."""
        return take_off(self.steps(nodes))

    def steps(self, nodes: Sequence[str] = ()) -> list[Step]:
        """Return the steps of cleaning up; `nodes` are the names that the first one tells."""
        remains = Remains(
            nodes=tuple(nodes),
            releases=tuple(Release(release.namespace, release.name) for release in self._releases),
            namespaces=tuple(self._namespaces),
            objects=tuple(self._outside()),
        )
        return Remover(self._api, self._helm, self.mark, own_plane=self._own_plane).steps(remains)

    def _outside(self) -> Iterator[Object]:
        """Yield what does not go with its namespace, the last made first."""
        for path, manifest in reversed(self._made):
            metadata = manifest["metadata"]
            inside = "/namespaces/" in path and (metadata.get("namespace") or "default") in self._namespaces
            if manifest["kind"] != "Namespace" and not inside:
                yield Object(path, title(manifest["kind"], metadata))

    def _apply(self, item: PlannedObject) -> None:
        metadata = item.manifest["metadata"]
        labels = {**(metadata.get("labels") or {}), **self.mark.labels}
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
            values = {**release.values, "tolerations": tolerating(release.values.get("tolerations"))}
            self._helm.install(release.name, release.namespace, chart.path, values, self.mark.labels)
        except HelmSilentError:
            raise
        except ChartRefusalError as error:
            if not chart.stand_in:
                raise InstallFailed(f"helm install {release.name}: {error}") from error
            # It models what the program sends, and only part of what runner.values may add: the official chart decides.
            raise HelmError(
                f"the embedded stand-in chart does not support these values; try --chart: {error}"
            ) from error
        except HelmError as error:
            raise InstallFailed(f"helm install {release.name}: {error}") from error

    def _path(self, item: PlannedObject) -> str:
        try:
            return self._api.path_of(item.manifest)
        except ApiRefused as refusal:
            if not refusal.definite:
                raise
            raise InstallFailed(f"{item.name}: {refusal.message}") from refusal


def title(kind: str, metadata: Mapping[str, Any]) -> str:
    """Say which object: `Secret token in namespace ci`."""
    place = f" in namespace {metadata['namespace']}" if metadata.get("namespace") else ""
    return f"{kind} {metadata['name']}{place}"


def _of_run(found: Mapping[str, Any], run: str) -> bool:
    """Tell whether this run made it, for whichever stack: what of one could not be cleaned is told already."""
    return bool((found["metadata"].get("labels") or {}).get(RUN_LABEL) == run)


def _taken(kind: str, found: Mapping[str, Any], clean: str) -> Problem:
    metadata = found["metadata"]
    labels = metadata.get("labels") or {}
    if clean and OWNER_LABEL in labels and not is_kept(found):
        return Problem(
            path="--context",
            found=f"the cluster has the {title(kind, metadata)} of another rehearsal, of stack {labels[OWNER_LABEL]}",
            consequence="it was killed before it could clean up, or it is running now, from elsewhere",
            fix=f"Unless it is running, remove what it left: {clean}",
        )
    return Problem(
        path="--context",
        found=f"the cluster already has the {title(kind, metadata)}, which this rehearsal did not create",
        consequence="installing the stack would change it, and cleaning up would delete it",
        fix="Rehearse on another cluster, or on the embedded control plane (leave out --kubeconfig).",
    )


def missing_secrets(release: PlannedRelease, made: Sequence[tuple[str, Mapping[str, Any]]]) -> Iterator[PlannedObject]:
    """Yield a stand-in for each Secret that the release names and the plan does not make."""
    known = {
        (manifest["metadata"].get("namespace"), manifest["metadata"]["name"])
        for _, manifest in made
        if manifest["kind"] == "Secret"
    }
    for what, name, keys in named_secrets(release.values):
        if (release.namespace, name) not in known:
            manifest = {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": name, "namespace": release.namespace},
                "stringData": {**dict.fromkeys(keys, ""), keys[-1]: _PLACEHOLDER},
            }
            yield PlannedObject(what, manifest)
