"""Two nodes with real kubelets beside an embedded control plane: one of this machine's architecture, one emulated."""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from ipaddress import IPv4Network
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from multiarch.cluster.api import Api, ApiRefused
from multiarch.cluster.connection import Connection
from multiarch.cluster.errors import ClusterError
from multiarch.core.environment import Child, environment
from multiarch.core.files import write_whole
from multiarch.core.waiting import wait_while
from multiarch.rehearse.control_plane.binaries import Mode
from multiarch.rehearse.control_plane.errors import KeptPlaneError, StartError
from multiarch.rehearse.control_plane.pki import Identity
from multiarch.rehearse.control_plane.plane import ControlPlane
from multiarch.rehearse.control_plane.processes import Processes, Program
from multiarch.rehearse.control_plane.progress import Progress, ProgressSink, State, silent
from multiarch.rehearse.control_plane.sources import Binaries, BinarySource
from multiarch.rehearse.nodes import (
    binfmt,
    cgroups,
    files,
    host,
    journal,
    network,
    objects,
    pid_one,
    run_folder,
    running,
)
from multiarch.rehearse.nodes.architectures import Arch, native_here
from multiarch.rehearse.nodes.files import Node
from multiarch.rehearse.nodes.programs import Cni, containerd_for, filters_calls, have_programs

READY_SECONDS: Final = 120.0
"""Deadline for both nodes to be ready; an idle two-core machine needs about a tenth of it."""
_POLL_SECONDS = 0.2
_STEP = "nodes"
_UNSHARE: Final = ("unshare", "--mount", "--pid", "--fork", "--kill-child=SIGKILL", "--mount-proc")
"""When `unshare` dies, so does the node's first process, and with that the kernel ends all others of the node."""


class RealNodes:
    """Nodes that run containers: `real-amd64` and `real-arm64`, the one that is not this machine's own by QEMU.

    ```python
    with ControlPlane(beside_real_nodes=True) as plane, RealNodes(plane) as nodes:
        nodes.address_of_host  # where pods reach this machine
    ```

    They end with the `with` block, with `stop()`, or with this process, whichever is first; after `keep()` only by
    `stop_kept()`. What they changed on this machine is undone then, and after a SIGKILL at the next start.
    """

    def __init__(  # noqa: PLR0913 - each has a default
        self,
        plane: ControlPlane,
        *,
        mode: Mode = "auto",
        programs: Binaries | None = None,
        registry: str | None = None,
        planned: Mapping[Arch, Mapping[str, Any]] | None = None,
        sandbox: str = files.SANDBOX,
        folder: Path = journal.FOLDER,
    ) -> None:
        """Take what the nodes are to be like; nothing is done yet.

        `registry`: URL from which the nodes take the images of every registry (`files.registries`). `planned`: a Node
        manifest whose labels and taints the node gets, of a stack's pool. `sandbox`: image that holds a pod open.
        """
        self._plane = plane
        self._mode: Mode = mode
        self._programs = programs
        self._registry = registry
        self._planned = planned or {}
        self._sandbox = sandbox
        self._folder = folder
        self._journal: journal.Journal | None = None
        self._processes: Processes | None = None
        self._subnet: network.Subnet | None = None
        self.native = native_here()
        self.filters_calls = True
        """Whether containers get seccomp's filter: not where runc had to be built without libseccomp."""

    def __enter__(self) -> Self:
        """Start them, unless they were started."""
        if self._processes is None:
            self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End them, unless they are kept."""
        self.stop()

    @property
    def names(self) -> Mapping[Arch, str]:
        """Each node's name in Kubernetes."""
        return {node.arch: node.name for node in self._nodes()}

    @property
    def programs(self) -> Mapping[str, BinarySource]:
        """Where each program of the nodes came from; nothing before they are had."""
        return self._programs or {}

    @property
    def addresses(self) -> Mapping[Arch, str]:
        """Where each node's kubelet listens."""
        return {node.arch: node.address for node in self._nodes()}

    @property
    def address_of_host(self) -> str:
        """Where pods reach this machine: a registry for them may listen there."""
        return self._network().gateway

    @property
    def subnet(self) -> IPv4Network:
        """The addresses of the nodes, of their pods, and of this machine as they reach it."""
        return self._network().network

    @property
    def pids(self) -> Mapping[str, int]:
        """A node's name to the process that holds all of it together."""
        return dict(self._processes.pids) if self._processes else {}

    def containers(self) -> Mapping[str, Sequence[str] | None]:
        """Ask each node for what runs on it, as `namespace/pod/container`; None for a node that is gone."""
        pids = self.pids
        return {node.name: running.containers(pids.get(node.name), node.arch) for node in self._nodes()}

    def start(self, progress: ProgressSink = silent) -> None:
        """Check this machine, have the programs, and start both nodes; returns once both are ready.

        Raises ConfigError when this machine lacks something, before anything was done to it; KeptPlaneError when nodes
        are up already; BinariesError or StartError, and then everything has been undone.
        """
        if not self._plane.beside_real_nodes:
            raise ClusterError("kwok would play the real nodes' kubelets: ControlPlane(beside_real_nodes=True)")
        host.check_root()
        clear_leftovers(self._folder, progress)
        host.check(self.native.other)
        if self._programs is None:
            self._programs = have_programs(self._mode, progress)
        self.filters_calls = filters_calls(self._programs.path("runc"))
        began = time.monotonic()

        def tell(subject: str, state: State, detail: str = "") -> None:
            elapsed = time.monotonic() - began
            progress(Progress(step=_STEP, subject=subject, state=state, detail=detail, elapsed=elapsed))

        data = Path(tempfile.mkdtemp(prefix="multiarch-nodes-"))
        self._processes = Processes(data)
        try:
            self._journal = _new_journal(data, self._processes.supervisor_pid, self._folder)
            self._run(data, self._programs, tell)
        except BaseException:  # a KeyboardInterrupt too must leave nothing behind
            tell("real nodes", State.FAILED)
            self.stop()
            raise
        lacking = "" if self.filters_calls else "; without seccomp: runc was built without libseccomp-dev"
        tell("real nodes", State.DONE, ", ".join(self.names.values()) + lacking)

    def check(self) -> None:
        """Raise StartError, with the last lines of its log, when a node has ended."""
        if self._processes is not None:
            self._processes.check()

    def use_registry(self, url: str) -> None:
        """Let both nodes take the images of every registry from this one, from their next pull on."""
        self._registry = url
        for arch in Arch:
            self._write_registry(arch)

    def logs_of_pods(self, arch: Arch) -> Path:
        """Return the folder where the node's kubelet keeps the logs of its pods."""
        return self._data() / arch / "log" / "pods"

    def keep(self) -> None:
        """Leave them running after this process, until `stop_kept()`."""
        if self._processes is None:
            raise ClusterError("the real nodes were not started")
        self._processes.keep()

    def stop(self) -> None:
        """End both nodes and undo what was done to this machine. Harmless when repeated, and after `keep()`."""
        processes, written = self._processes, self._journal
        if processes is None or processes.kept:
            return
        if written is not None:
            journal.undo(written.done, self._folder)
            self._journal = None
            self._forget()
        processes.close()

    def _run(self, data: Path, programs: Binaries, tell: Callable[..., None]) -> None:
        tell("real nodes", State.RUNNING, "network, emulation, cgroup")
        self._prepare_host()
        with Connection(self._plane.kubeconfig, self._plane.context) as connection:
            api = Api.of(connection)
            tell("real nodes", State.RUNNING, "admission policy")
            self._create(api)
            for node in self._nodes():
                tell("real nodes", State.RUNNING, f"{node.name}: containerd and kubelet")
                self._start_node(node, data, programs)
            self._await_ready(api, tell)

    def _prepare_host(self) -> None:
        """Change this machine: each change is written down before it is made."""
        written, foreign = self._written(), self.native.other
        self._subnet = network.choose(network.routes())
        written.note(bridge=True)
        network.make(self._subnet)
        if not binfmt.is_mounted():
            written.note(binfmt_mounted=True)
            binfmt.mount()
        emulator = binfmt.find_emulator(foreign)
        if emulator is None:
            raise StartError(f"the QEMU for {foreign} is gone")
        written.note(binfmt=binfmt.entry_name(foreign))
        binfmt.register(foreign, emulator)
        written.note(cgroup=True)
        cgroups.here().make()

    def _create(self, api: Api) -> None:
        """Create the policy, wait until it is in force, and create the nodes that the kubelets will find."""
        try:
            self._create_all(api)
        except ApiRefused as error:
            raise StartError(f"the control plane refused the real nodes: {error}") from error

    def _create_all(self, api: Api) -> None:
        api.call("POST", f"{objects.ADMISSION}/mutatingadmissionpolicies", objects.policy())
        api.call("POST", f"{objects.ADMISSION}/mutatingadmissionpolicybindings", objects.binding())
        emulated = next(node for node in self._nodes() if node.emulated)

        def not_in_force() -> bool:
            answer = api.call("POST", "/api/v1/nodes", objects.probe(emulated), {"dryRun": "All"})
            return objects.arch_of(answer) != emulated.arch

        if wait_while(not_in_force, READY_SECONDS, every=_POLL_SECONDS):
            raise StartError(f"the admission policy that labels {emulated.name} was not in force in time")
        for node in self._nodes():
            api.call("POST", "/api/v1/nodes", objects.manifest(node))

    def _forget(self) -> None:
        """Take the nodes and the policy out of the cluster, if there still is one: it may outlive them."""
        paths = [f"/api/v1/nodes/{node.name}" for node in self._nodes()] if self._subnet else []
        kinds = ("mutatingadmissionpolicybindings", "mutatingadmissionpolicies")
        paths += [f"{objects.ADMISSION}/{kind}/{objects.POLICY}" for kind in kinds]
        with suppress(ClusterError), Connection(self._plane.kubeconfig, self._plane.context) as connection:
            api = Api.of(connection)
            for path in paths:
                with suppress(ApiRefused):  # it was not created yet
                    api.call("DELETE", path)

    def _start_node(self, node: Node, data: Path, programs: Binaries) -> None:
        folder = data / node.arch
        self._write_settings(node)
        self._write_registry(node.arch)
        spec = folder / "node.json"
        write_whole(spec, json.dumps(_spec(node, folder, data / "logs", programs)))
        command = (*_UNSHARE, sys.executable, "-I", "-S", pid_one.__file__, str(spec))
        self._started().start(Program(name=node.name, argv=command, env=environment(Child.OWN)))

    def _write_settings(self, node: Node) -> None:
        settings, cni = self._settings(node.arch), Cni.find()
        if cni is None:
            raise StartError("the CNI plugins are gone")
        identity = Identity(user=f"system:node:{node.name}", groups=("system:nodes",))
        (settings / "cni").mkdir(mode=0o700, parents=True)
        for name, text in {
            "containerd.toml": files.containerd(cni=str(cni.folder), sandbox=self._sandbox),
            "cni/10-nodes.conflist": files.network(node),
            "kubelet.yaml": files.kubelet(node),
            "kubeconfig": self._plane.kubeconfig_for(identity).decode(),
            "ca.crt": self._plane.certificate.decode(),
        }.items():
            write_whole(settings / name, text)

    def _write_registry(self, arch: Arch) -> None:
        for name, text in (files.registries(self._registry) if self._registry else {}).items():
            path = self._settings(arch) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, text)

    def _await_ready(self, api: Api, tell: Callable[..., None]) -> None:
        def unready() -> list[str]:
            self._started().check()
            left = [node.name for node in self._nodes() if not _ready(api, node)]
            tell("real nodes", State.RUNNING, f"waiting for {', '.join(left)}" if left else "ready")
            return left

        if left := wait_while(unready, READY_SECONDS, every=_POLL_SECONDS):
            logs = self._data() / "logs"
            last = _last_line(logs / f"{left[0]}-kubelet.log")
            raise StartError(f"not ready within {READY_SECONDS:.0f} s: {', '.join(left)}. Its kubelet says: {last}")

    def _nodes(self) -> Sequence[Node]:
        return tuple(self._node(arch) for arch in (self.native, self.native.other))

    def _node(self, arch: Arch) -> Node:
        planned = self._planned.get(arch, {})
        return Node(
            arch=arch,
            emulated=arch is not self.native,
            subnet=self._network(),
            labels=planned.get("metadata", {}).get("labels") or {},
            taints=tuple(planned.get("spec", {}).get("taints") or ()),
        )

    def _settings(self, arch: Arch) -> Path:
        return self._data() / arch / "settings"

    def _data(self) -> Path:
        return Path(self._written().done.data)

    def _network(self) -> network.Subnet:
        if self._subnet is None:
            raise ClusterError("the real nodes were not started")
        return self._subnet

    def _written(self) -> journal.Journal:
        if self._journal is None:
            raise ClusterError("the real nodes were not started")
        return self._journal

    def _started(self) -> Processes:
        if self._processes is None:
            raise ClusterError("the real nodes were not started")
        return self._processes


def clear_leftovers(folder: Path = journal.FOLDER, progress: ProgressSink = silent) -> list[str]:
    """Undo what nodes left that were killed, and a rehearsal on them, and return it in words.

    Raises KeptPlaneError while nodes are up, or a rehearsal other than this process's runs: those are not touched.
    """
    run, left = run_folder.killed_one(folder), journal.read(folder)
    ending = run is not None and left is not None and run.made(left.data)  # for a moment its supervisor outlives it
    if left is not None and left.running() and not ending:
        raise KeptPlaneError("real nodes are up on this machine already. End them first: multiarch nodes down")
    told = _undo(run, left, folder)
    for line in told:
        progress(Progress(step=_STEP, subject="leftovers", state=State.DONE, detail=line))
    return told


def stop_kept(folder: Path = journal.FOLDER) -> list[str] | None:
    """End nodes that were kept, or undo what killed ones left; returns it in words, None when there was nothing.

    Raises KeptPlaneError while a rehearsal runs: its nodes end with it.
    """
    run, left = run_folder.killed_one(folder), journal.read(folder)
    return None if run is None and left is None else _undo(run, left, folder)


def _undo(run: run_folder.Run | None, left: journal.Done | None, folder: Path) -> list[str]:
    """Undo nodes first: their folder is in that of the run."""
    told = journal.undo(left, folder) if left is not None else []
    return [*told, *(run_folder.undo(run, folder) if run is not None else [])]


def _new_journal(data: Path, supervisor: int, folder: Path) -> journal.Journal:
    try:
        return journal.Journal(data, supervisor, folder)
    except FileExistsError:
        raise KeptPlaneError("somebody else is just starting real nodes on this machine. Try again later") from None


def _ready(api: Api, node: Node) -> bool:
    try:
        return objects.is_ready(api.call("GET", f"/api/v1/nodes/{node.name}"))
    except ApiRefused:
        return False


def _spec(node: Node, folder: Path, logs: Path, programs: Binaries) -> dict[str, Any]:
    """Say what the node's first process is to do (pid_one.py)."""
    path = f"{files.PROGRAMS}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    own = environment(Child.CONTROL_PLANE, {"PATH": path, "HOME": "/run"})

    def command(name: str, flags: Sequence[str], socket: str, env: Mapping[str, str]) -> dict[str, Any]:
        argv = [f"{files.PROGRAMS}/{name}", *flags]
        log = str(logs / f"{node.name}-{name}.log")
        return {"name": name, "argv": argv, "env": dict(env), "log": log, "socket": socket}

    return {
        "folder": str(folder),
        "programs": program_paths(node, programs),
        "sysctls": dict(files.SYSCTLS),
        "commands": [
            # It pulls images: the only one that may need a way out.
            command(
                "containerd",
                ["--config", f"{files.SETTINGS}/containerd.toml"],
                files.SOCKET,
                {**_without_proxy(environment(Child.NODE), node.subnet), **own},
            ),
            command("kubelet", files.kubelet_flags(node), "", own),
        ],
    }


def _without_proxy(env: Mapping[str, str], subnet: network.Subnet) -> dict[str, str]:
    """Return the environment in which no proxy stands before the nodes' own network, where a registry may be."""
    names = ("NO_PROXY", "no_proxy")  # programs differ in which of the two they read first
    given = next((env[name] for name in names if env.get(name)), "")
    return {**env, **dict.fromkeys(names, ",".join(filter(None, [given, str(subnet.network)])))}


def program_paths(node: Node, programs: Binaries) -> dict[str, str]:
    """Return a node's programs by the names that it calls them by."""
    own = {"containerd": containerd_for(node.arch).name} if node.emulated else {}
    names = ("kubelet", "containerd", "containerd-shim-runc-v2", "runc")
    return {name: str(programs.path(own.get(name, name))) for name in names}


def _last_line(log: Path) -> str:
    try:
        lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    except OSError:
        lines = []
    return lines[-1] if lines else "nothing"
