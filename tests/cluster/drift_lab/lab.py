"""A whole stack on the control plane, installed as Pulumi and Helm would, to be changed behind their backs."""

import base64
import gzip
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.runner.values import fullname
from multiarch.cluster.api import Api, ApiRefused
from multiarch.cluster.readonly import ReadOnlyApi
from multiarch.core.verdict import Verdict
from multiarch.drift.live.check import CHECKS, check_live
from multiarch.drift.live.program import Program, program_of
from multiarch.drift.live.request import LiveAnswer, LiveRequest
from multiarch.drift.live.scene import Scene
from multiarch.drift.model import Check, CheckResult, Finding
from multiarch.model.nodes import nodes_for
from multiarch.model.plan import plan_stack
from multiarch.model.readback import service_account_api
from multiarch.model.release import PlannedObject, installables
from multiarch.rehearse.install import Helm, add_nodes, remove_nodes
from multiarch.rehearse.install.chart import EMBEDDED

ROOT = Path(__file__).resolve().parents[3]
PULUMI = "pulumi-kubernetes-1a2b3c4d"
PERSON = "kubectl-edit"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
STACK = "whole"
STACK_FILE = """\
config:
  multiarch-runner:cluster:
    type: existing
    name: lab
    access: {kubeconfig: nowhere, context: multiarch-rehearsal}
  multiarch-runner:pools:
    - {name: amd64, arch: amd64, labels: {node-pool: amd64}}
    - {name: arm64, arch: arm64, labels: {node-pool: arm64}}
  multiarch-runner:runner:
    gitlabUrl: https://gitlab.com
    concurrent: 4
    buildkit: {}
  multiarch-runner:runnerToken: {secure: "v1:aaaa"}
  multiarch-runner:buildkitToken: {secure: "v1:bbbb"}
"""
"""Every kind of object that the program makes: two releases, admission rules, tokens of its own."""


def write_project(folder: Path, stack: str = STACK, text: str = STACK_FILE) -> Path:
    """Write a project whose program is this repository's."""
    (folder / "stacks").mkdir(parents=True, exist_ok=True)
    project = f"name: multiarch-runner\nruntime: python\nmain: {ROOT}\nstackConfigDir: stacks\n"
    (folder / "Pulumi.yaml").write_text(project)
    (folder / "stacks" / f"Pulumi.{stack}.yaml").write_text(text)
    return folder


def install(api: Api, helm: Helm, project: Path, stack: str) -> Program:
    """Install a stack with its nodes, by the managers that really would."""
    plan = plan_stack(project, stack)
    for item in installables(plan):
        if isinstance(item, PlannedObject):
            api.apply(item.manifest, manager=PULUMI)
        else:
            helm.install(item.name, item.namespace, EMBEDDED, item.values)
    add_nodes(api, nodes_for(plan), stack, embedded=True)
    return program_of(plan)


def settle(api: Api, program: Program) -> None:
    """Wait until the managers are ready: until then, controllers go on writing status."""
    deadline = time.monotonic() + 30
    for release in program.releases:
        path = f"/apis/apps/v1/namespaces/{release.namespace}/deployments/{fullname(release.name)}"
        while not (api.get(path).get("status") or {}).get("readyReplicas"):
            assert time.monotonic() < deadline, f"{path} does not become ready"
            time.sleep(0.1)


def uninstall(api: Api, helm: Helm, program: Program) -> None:
    """Take a stack away again, and wait until it is gone."""
    for release in program.releases:
        helm.uninstall(release.name, release.namespace)
    remove_nodes(api, program.plan.stack)
    paths = [api.path_of(wanted.manifest) for wanted in program.objects]
    namespaces = [path for path in paths if path.rpartition("/")[0] == "/api/v1/namespaces"]
    deadline = time.monotonic() + 30
    for path in namespaces:
        # Pods first, without grace: the namespace controller waits half their grace period, which is an hour.
        api.delete(f"/apis/apps/v1{path.removeprefix('/api/v1')}/replicasets", {"propagationPolicy": "Background"})
        while api.items(f"{path}/pods"):
            assert time.monotonic() < deadline, "pods stay"
            api.delete(f"{path}/pods", {"gracePeriodSeconds": "0"})
            time.sleep(0.05)
    for path in reversed(paths):
        api.delete(path)
    while any(api.find(path) for path in namespaces):
        assert time.monotonic() < deadline, "namespaces stay"
        time.sleep(0.1)


@dataclass(slots=True, kw_only=True)
class Lab:
    """An installed stack, seen by the administrator and by one who may only read."""

    api: Api
    viewer: Api
    helm: Helm
    project: Path
    program: Program
    snapshots: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    afterwards: list[Callable[[], None]] = field(default_factory=list)

    def check(self, *only: Check, readonly: bool = False) -> list[CheckResult]:
        """Run every check, or some."""
        return check_all(self.program, self.viewer if readonly else self.api, only)

    def patch(self, path: str, body: Any, *, manager: str = PERSON, kind: str = MERGE) -> None:
        """Change an object as a person with kubectl would."""
        self.keep(path.removesuffix("/scale").removesuffix("/status"))
        self.api.call("PATCH", path, body, {"fieldManager": manager}, kind)

    def edit(self, path: str, change: Callable[[dict[str, Any]], None], *, manager: str = PERSON) -> None:
        """Read, change, and write an object, as `kubectl edit` does."""
        self.keep(path)
        self._write(path, change, manager)

    def _write(self, path: str, change: Callable[[dict[str, Any]], None], manager: str) -> None:
        """Read, change, and write; anew where a controller came in between."""
        while True:
            item = self.api.get(path)
            change(item)
            try:
                self.api.call("PUT", path, item, {"fieldManager": manager})
            except ApiRefused as refusal:
                if refusal.status != 409:
                    raise
            else:
                return

    def delete(self, path: str) -> None:
        """Delete an object."""
        self.keep(path)
        self.api.delete(path, {"propagationPolicy": "Background", "gracePeriodSeconds": "0"})

    def create(self, path: str, body: Mapping[str, Any]) -> None:
        """Create an object at its own path."""
        self.keep(path)
        self.api.create(path.rpartition("/")[0], body)

    def keep(self, path: str) -> None:
        """Remember how an object was before it is touched."""
        if path not in self.snapshots:
            self.snapshots[path] = self.api.find(path)

    def restore(self) -> None:
        """Put back everything that was touched, as a deployment would."""
        for path, before in reversed(self.snapshots.items()):
            if before is None:
                self.api.delete(path, {"gracePeriodSeconds": "0", "propagationPolicy": "Background"})
            elif self.api.find(path) is None:
                self._recreate(path, before)
            else:
                self._write(path, lambda now, was=before: _put_back(now, was), _deployer(before))  # type: ignore[misc]
        self.snapshots.clear()
        while self.afterwards:
            self.afterwards.pop()()

    def _recreate(self, path: str, before: Mapping[str, Any]) -> None:
        lost = ("uid", "resourceVersion", "creationTimestamp", "managedFields", "generation")
        metadata = {key: value for key, value in before["metadata"].items() if key not in lost}
        body = {**before, "metadata": metadata}
        self.api.call("POST", path.rpartition("/")[0], body, {"fieldManager": _deployer(before)})

    def stored(self, release: str, change: Callable[[dict[str, Any]], None], revision: int = 1) -> None:
        """Rewrite what Helm stored of a release."""

        def rewrite(secret: dict[str, Any]) -> None:
            document = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(secret["data"]["release"]))))
            change(document)
            packed = base64.b64encode(gzip.compress(json.dumps(document).encode()))
            secret["data"]["release"] = base64.b64encode(packed).decode()

        self.edit(record(release, revision), rewrite, manager="helm")


def _put_back(now: dict[str, Any], before: Mapping[str, Any]) -> None:
    """Make an object what it was, and leave to it who set what."""
    owners = now["metadata"].get("managedFields") or before["metadata"].get("managedFields")
    version = now["metadata"]["resourceVersion"]
    now.clear()
    now.update(before)
    now["metadata"] = {**before["metadata"], "resourceVersion": version, "managedFields": owners}


def record(release: str, revision: int = 1) -> str:
    return f"/api/v1/namespaces/gitlab-runner/secrets/sh.helm.release.v1.{release}.v{revision}"


def check_all(program: Program, api: Api, only: Sequence[Check] = ()) -> list[CheckResult]:
    """Run the checks of the living side, each as if all were wanted."""
    scene = Scene(
        program=program,
        checks=frozenset(CHECKS),
        deadline=time.monotonic() + 60,
        progress=lambda _: None,
    )
    scene.connect(ReadOnlyApi(api))
    return [check(scene) for name, check in CHECKS.items() if not only or name in only]


def ask(
    project: Path, stack: str, kubeconfig: Path, context: str, checks: Sequence[Check] = tuple(Check)
) -> LiveAnswer:
    request = LiveRequest(
        project=project,
        stack=stack,
        checks=frozenset(checks),
        deadline=time.monotonic() + 60,
        kubeconfig=kubeconfig,
        context=context,
    )
    return check_live(request, lambda _: None)


def until(holds: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for what the API server or a controller does in its own time."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)


def not_clean(results: Sequence[CheckResult]) -> list[Finding]:
    """Return every finding that is not clean; a check that failed as a whole is an error of the test's."""
    assert [result.failure for result in results if result.failure] == []
    return [item for result in results for item in result.findings if item.verdict is not Verdict.YES]


def _deployer(item: Mapping[str, Any]) -> str:
    by_helm = "meta.helm.sh/release-name" in (item["metadata"].get("annotations") or {})
    return "helm" if by_helm else PULUMI


@contextmanager
def laboratory(api: Api, helm: Helm, folder: Path) -> Iterator[Lab]:
    """Install the whole stack once, and take it away at the end."""
    program = install(api, helm, write_project(folder), STACK)
    reader = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "drift-lab-reader"},
        "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"]}],
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "drift-lab-reader"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "drift-lab-reader"},
        "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": "kube-public"}],
    }
    for item in (reader, binding):
        api.apply(item, manager="lab")
    settle(api, program)
    viewer = service_account_api(api, "kube-public", "default")
    try:
        yield Lab(api=api, viewer=viewer, helm=helm, project=folder, program=program)
    finally:
        viewer.close()
        for item in (binding, reader):
            api.delete(api.path_of(item))
        uninstall(api, helm, program)
