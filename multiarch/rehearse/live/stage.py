"""Where a run takes place: a control plane, two real nodes, a registry between them, and a stack installed on it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from multiarch.cluster.api import Api
from multiarch.cluster.connection import Connection
from multiarch.model.nodes import NodeGroup, nodes_for
from multiarch.model.plan.model import Plan
from multiarch.model.readback import service_account_token
from multiarch.model.release import buildkit_release_of, release_of
from multiarch.rehearse.claims.pipeline import BUILDKIT_TAG, MULTI_ARCH_TAG
from multiarch.rehearse.claims.scene import Scene
from multiarch.rehearse.claims.stack import scene_of
from multiarch.rehearse.control_plane import kubeconfig
from multiarch.rehearse.control_plane.plane import ControlPlane
from multiarch.rehearse.install import Charts, Helm, Installer
from multiarch.rehearse.live.kubectl import Kubectl
from multiarch.rehearse.nodes.architectures import Arch
from multiarch.rehearse.nodes.real import RealNodes


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A stack that is installed on real nodes."""

    scene: Scene
    kubectl: Mapping[str, Kubectl]
    """Each runner's own account, by a tag that it takes."""
    scenes: Mapping[str, Scene]
    """Each runner, likewise."""
    notes: tuple[str, ...] = ()
    chart: str = ""

    @property
    def first_tag(self) -> str:
        """A tag that the first runner takes."""
        return next(iter(self.scenes))


def planned_nodes(plan: Plan) -> dict[Arch, Mapping[str, Any]]:
    """Return a node of the stack's first pool of each architecture: its labels and taints are the real nodes'."""
    found: dict[Arch, Mapping[str, Any]] = {}
    for group in nodes_for(plan):
        if group.pool.arch in list(Arch) and group.nodes:
            found.setdefault(Arch(group.pool.arch), group.nodes[0])
    return found


def on_real_nodes(plan: Plan, names: Mapping[Arch, str]) -> tuple[NodeGroup, ...]:
    """Return the stack's pools with the real node in the place of the first one of each architecture."""
    left, groups = dict(names), []
    for group in nodes_for(plan):
        name = left.pop(Arch(group.pool.arch), "") if group.pool.arch in list(Arch) else ""
        nodes = ({**group.nodes[0], "metadata": {**group.nodes[0]["metadata"], "name": name}},) if name else ()
        groups.append(replace(group, nodes=nodes))
    return tuple(groups)


@contextmanager
def installed(plan: Plan, plane: ControlPlane, nodes: RealNodes, charts: Charts) -> Iterator[Stack]:
    """Install a stack, and yield it; it goes with its control plane.

    Raises InstallFailed, HelmError, ConfigInvalid, ApiRefused and ClusterError.
    """
    with ExitStack() as resources:
        api = Api.of(resources.enter_context(Connection(plane.kubeconfig, plane.context)))
        helm = resources.enter_context(Helm(plane.binary("helm"), plane.kubeconfig, plane.context))
        release, second = release_of(plan), buildkit_release_of(plan)
        chart = charts.choose(release, helm)
        installer = Installer(api, helm, plan.stack, own_plane=True)
        stand_ins = installer.install(plan, chart)
        groups = on_real_nodes(plan, nodes.names)
        first = scene_of(plan, api, release, groups)
        scenes = {(first.tags or (MULTI_ARCH_TAG,))[0]: first}
        if second is not None:
            buildkit = scene_of(plan, api, second, groups, buildkit=True)
            first = replace(first, buildkit=buildkit)
            scenes[(buildkit.tags or (BUILDKIT_TAG,))[0]] = buildkit
        for scene in scenes.values():
            name = scene.installed.config.kubernetes.text("priority_class_name")
            stand_ins += [f"PriorityClass {name}"] if name and installer.priority_class(name) else []
            _without_manager(api, scene)
        kubectl = {tag: resources.enter_context(kubectl_of(plane, scene)) for tag, scene in scenes.items()}
        notes = [chart.note, *(f"{what} is created by someone else: a stand-in was used" for what in stand_ins)]
        yield Stack(
            scene=first, scenes=scenes, kubectl=kubectl, notes=tuple(filter(None, notes)), chart=chart.description
        )
        for scene in scenes.values():
            scene.runner.close()


def kubectl_of(plane: ControlPlane, scene: Scene) -> Kubectl:
    """Return kubectl as the runner's own service account. Raises InstallFailed."""
    place = scene.installed
    token = service_account_token(scene.admin, place.namespace, place.service_account)
    return Kubectl(plane.binary("kubectl"), kubeconfig.render_for_token(plane.server, plane.certificate, token))


def _without_manager(api: Api, scene: Scene) -> None:
    """Let no manager's pod start: what runs the jobs is here, on this machine."""
    path = f"/apis/apps/v1/namespaces/{scene.installed.namespace}/deployments/{scene.installed.deployment}/scale"
    api.call("PATCH", path, {"spec": {"replicas": 0}}, None, "application/merge-patch+json")


def job_namespaces(scenes: Sequence[Scene]) -> list[str]:
    """Return the namespaces of the jobs of all runners."""
    return sorted({scene.installed.job_namespace for scene in scenes})
