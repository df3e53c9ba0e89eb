"""The embedded Kubernetes control plane: real etcd, API server, controllers and scheduler, with kwok for the nodes."""

import shutil
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import yaml

from multiarch.cluster.errors import ClusterError
from multiarch.rehearse.control_plane import kubeconfig, pki, programs
from multiarch.rehearse.control_plane.binaries import Mode, prepare_binaries
from multiarch.rehearse.control_plane.bootstrap import Probe, grant_kwok, wait_for_basics
from multiarch.rehearse.control_plane.errors import StartError
from multiarch.rehearse.control_plane.folders import private_folder
from multiarch.rehearse.control_plane.keep import KeptPlane, record, refuse_second, replace_kubeconfig
from multiarch.rehearse.control_plane.processes import Processes
from multiarch.rehearse.control_plane.progress import Progress, State, silent
from multiarch.rehearse.control_plane.sources import Binaries, BinarySource

START_SECONDS = 60.0
"""Deadline for the API server to be ready; a busy two-core machine needs a tenth of it."""
_PORT_ATTEMPTS = 5
_STOPPED = "the control plane was stopped"


class ControlPlane:
    """A control plane of one's own, on random ports of 127.0.0.1, with its data in a temporary folder.

    ```python
    with ControlPlane(mode="auto") as plane:
        plane.kubeconfig, plane.context
    ```

    It ends with the `with` block, with `stop()`, or with this process, whichever is first; after `keep()` only by
    `stop_kept()`. `start` may be called in a thread of its own. Not restartable.
    """

    context = kubeconfig.CONTEXT
    embedded = True
    """False for a cluster of the user's."""

    def __init__(
        self, binaries: Binaries | None = None, *, mode: Mode = "auto", beside_real_nodes: bool = False
    ) -> None:
        """Take the programs, or how to have them; `beside_real_nodes`: leave nodes of rehearse/nodes/ to themselves."""
        self._binaries = binaries
        self._mode: Mode = mode
        self.beside_real_nodes = beside_real_nodes
        self._layout: programs.Layout | None = None
        self._processes: Processes | None = None
        self._authority: pki.Authority | None = None
        self._server = ""
        self._stopped = False
        self.start_seconds = 0.0
        """How long the start took, without having the programs built."""

    def __enter__(self) -> Self:
        """Start it, unless it was started."""
        if self._processes is None:
            self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it, unless it is kept."""
        self.stop()

    @property
    def kubeconfig(self) -> Path:
        """Kubeconfig of the administrator (0600), valid until the end."""
        return self._started().kubeconfig("admin")

    @property
    def server(self) -> str:
        """URL of the API server."""
        self._started()
        return self._server

    @property
    def data(self) -> Path:
        """The temporary folder, with the programs' logs in `logs/`."""
        return self._started().root

    @property
    def binaries(self) -> Mapping[str, BinarySource]:
        """Where each program came from."""
        return self._had()

    @property
    def versions(self) -> Mapping[str, str]:
        """Program name to version, without the `v`."""
        return self._had().versions

    @property
    def pids(self) -> Mapping[str, int]:
        """Program name to process id."""
        return dict(self._processes.pids) if self._processes else {}

    @property
    def certificate(self) -> bytes:
        """The authority's certificate, PEM, by which its clients and the API server itself are known."""
        return self._signing().certificate

    def kubeconfig_for(self, identity: pki.Identity) -> bytes:
        """Return the kubeconfig of a further client: a node's kubelet."""
        authority = self._signing()
        return kubeconfig.render(self.server, authority.certificate, authority.client(identity))

    def binary(self, name: str) -> Path:
        """Path of a program: `helm`, `kubectl`."""
        return self._had().path(name)

    def check(self) -> None:
        """Raise StartError, with the last lines of its log, when one of its programs has ended."""
        if self._processes is not None:
            self._processes.check()

    def start(self, progress: Callable[[Progress], None] = silent) -> None:
        """Have the programs and start them; returns once the API server serves and service accounts are made.

        Raises BinariesError or StartError; then nothing is left running, nor on disk. A `stop()` meanwhile, by another
        thread, is a StartError too, whatever it did to the step it met.
        """
        if self._processes is not None:
            raise ClusterError("this control plane was started before")
        if self._binaries is None:
            self._binaries = prepare_binaries(self._mode, progress)
        began = time.monotonic()

        def tell(subject: str, state: State, detail: str = "") -> None:
            elapsed = time.monotonic() - began
            progress(Progress(step="start", subject=subject, state=state, detail=detail, elapsed=elapsed))

        self._layout = programs.Layout(private_folder())
        try:
            self._refuse_if_stopped()  # before it had anything to end
            self._processes = Processes(self._layout.root)
            self._run(self._layout, self._processes, self._binaries, tell)
            self._refuse_if_stopped()
        except BaseException as error:  # a KeyboardInterrupt too must leave nothing behind
            stopped = self._stopped
            tell("control plane", State.STOPPED if stopped else State.FAILED)
            self.stop()
            if stopped and isinstance(error, Exception) and not isinstance(error, StartError):  # its folder went away
                raise StartError(_STOPPED) from error
            raise
        self.start_seconds = time.monotonic() - began
        tell("control plane", State.DONE, self._server)

    def keep(self, folder: Path, kubeconfig_path: Path | None = None) -> KeptPlane:
        """Leave it running after this process, and write its kubeconfig (0600) and state into `folder`.

        The kubeconfig's default place is `<folder>/kubeconfig`. `stop_kept(folder)` ends it.
        Raises KeptPlaneError while another one that was kept here runs, or when a file that is not ours is in the way.
        """
        layout, processes = self._started(), self._processes
        if processes is None:
            raise ClusterError("the control plane was not started")
        refuse_second(folder)
        target = kubeconfig_path or folder / "kubeconfig"
        kept = KeptPlane(
            server=self._server,
            context=self.context,
            kubeconfig=str(target.resolve()),
            data=str(layout.root),
            supervisor=processes.supervisor_pid,
        )
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_kubeconfig(target, layout.kubeconfig("admin").read_bytes())
        record(kept, folder)
        processes.keep()
        return kept

    def stop(self) -> None:
        """End every process and remove the data. Harmless when repeated, and after `keep()`."""
        self._stopped = True
        if self._processes is not None:
            self._processes.close()
            if self._processes.kept:
                return
        if self._layout is not None:
            shutil.rmtree(self._layout.root, ignore_errors=True)

    def _run(
        self, layout: programs.Layout, processes: Processes, binaries: Binaries, tell: Callable[..., None]
    ) -> None:
        authority = self._authority = pki.Authority()
        deadline = time.monotonic() + START_SECONDS
        _write_keys(layout, authority)
        tell("etcd", State.RUNNING)
        processes.start(programs.etcd(binaries.path("etcd"), layout))
        tell("kube-apiserver", State.RUNNING)
        probe = self._start_api_server(layout, processes, binaries, authority, deadline)
        grant_kwok(probe, pki.KWOK.user)
        tell("kube-controller-manager", State.RUNNING)
        processes.start(programs.controller_manager(binaries.path("kube-controller-manager"), layout))
        tell("kube-scheduler", State.RUNNING)
        processes.start(programs.scheduler(binaries.path("kube-scheduler"), layout))
        tell("kwok", State.RUNNING)
        kwok = programs.kwok(binaries.path("kwok"), layout, beside_real_nodes=self.beside_real_nodes)
        processes.start(kwok)
        wait_for_basics(probe, processes, deadline)

    def _start_api_server(
        self,
        layout: programs.Layout,
        processes: Processes,
        binaries: Binaries,
        authority: pki.Authority,
        deadline: float,
    ) -> Probe:
        """Start the API server on a free port; another program may take that port first, then on another one."""
        for attempt in range(1, _PORT_ATTEMPTS + 1):
            port = _free_port()
            self._server = f"https://{programs.ADDRESS}:{port}"
            _write_kubeconfigs(layout, authority, self._server)
            processes.start(programs.api_server(binaries.path("kube-apiserver"), layout, port))
            probe = Probe(self._server, layout)
            try:
                probe.wait_until_ready(processes, deadline)
            except StartError as error:
                if attempt < _PORT_ATTEMPTS and "address already in use" in str(error):
                    continue
                raise
            else:
                return probe
        raise StartError(f"no free port on {programs.ADDRESS} in {_PORT_ATTEMPTS} attempts")

    def _refuse_if_stopped(self) -> None:
        if self._stopped:
            raise StartError(_STOPPED)

    def _started(self) -> programs.Layout:
        if self._layout is None:
            raise ClusterError("the control plane was not started")
        return self._layout

    def _signing(self) -> pki.Authority:
        if self._authority is None:
            raise ClusterError("the control plane was not started")
        return self._authority

    def _had(self) -> Binaries:
        if self._binaries is None:
            raise ClusterError("the control plane's programs are not available")
        return self._binaries


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((programs.ADDRESS, 0))
        port: int = probe.getsockname()[1]
    return port


def _write_keys(layout: programs.Layout, authority: pki.Authority) -> None:
    layout.pki.mkdir(mode=0o700)
    server = authority.server([programs.ADDRESS, programs.OWN_SERVICE])
    admin = authority.client(pki.ADMIN)
    private, public = pki.token_keys()
    for name, content in {
        "ca.crt": authority.certificate,
        "server.crt": server.certificate,
        "server.key": server.key,
        "admin.crt": admin.certificate,
        "admin.key": admin.key,
        "sa.key": private,
        "sa.pub": public,
    }.items():
        pki.write_private(layout.pki / name, content)
    config = yaml.safe_dump(programs.scheduler_config(layout), sort_keys=False)
    pki.write_private(layout.scheduler_config, config.encode())


_CLIENTS: Sequence[tuple[str, pki.Identity]] = (
    ("admin", pki.ADMIN),
    ("kube-controller-manager", pki.CONTROLLER_MANAGER),
    ("kube-scheduler", pki.SCHEDULER),
    ("kwok", pki.KWOK),
)


def _write_kubeconfigs(layout: programs.Layout, authority: pki.Authority, server: str) -> None:
    for name, identity in _CLIENTS:
        path = layout.kubeconfig(name)
        path.unlink(missing_ok=True)  # of an attempt on another port
        pki.write_private(path, kubeconfig.render(server, authority.certificate, authority.client(identity)))
