"""A control plane that outlives the command: its kubeconfig and its state in the project, and how to end it."""

import contextlib
import json
import os
import shutil
import signal
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from components.problems import ConfigError
from multiarch.cluster.kubeconfig import find_context
from multiarch.core.waiting import wait_while
from multiarch.rehearse.control_plane.errors import KeptPlaneError
from multiarch.rehearse.control_plane.folders import held
from multiarch.rehearse.control_plane.kubeconfig import CONTEXT, REHEARSAL
from multiarch.rehearse.control_plane.pki import write_private

STATE_NAME = "control-plane.json"
_END_SECONDS = 10.0


def default_folder(project: Path) -> Path:
    """Where a project's kept control plane is written down: `.rehearsal/`, which git ignores."""
    return project / ".rehearsal"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPlane:
    """A control plane that was left running."""

    server: str
    context: str
    kubeconfig: str
    data: str
    """Its temporary folder, with its logs."""
    supervisor: int
    """The process to end."""

    def running(self) -> bool:
        """Tell whether its supervisor lives."""
        return held(Path(self.data))

    def stop(self) -> None:
        """End it, and wait until it is gone. Raises KeptPlaneError when it is still there after the deadline."""
        if not self.running():
            shutil.rmtree(self.data, ignore_errors=True)  # its supervisor was killed, and its children with it
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.supervisor, signal.SIGTERM)
        if wait_while(self.running, _END_SECONDS, every=0.05):
            raise KeptPlaneError(f"the kept control plane (process {self.supervisor}) did not end in time")


def find_kept(folder: Path) -> KeptPlane | None:
    """Return the control plane that was kept here and still runs, or None.

    Raises KeptPlaneError when the state file cannot be understood: then whether one runs cannot be told.
    """
    path = folder / STATE_NAME
    try:
        state: Any = json.loads(path.read_text(encoding="utf-8"))
        kept = KeptPlane(**state)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise KeptPlaneError(f"{path} cannot be read ({error}): remove it once no kube-apiserver runs") from error
    return kept if kept.running() else None


def record(kept: KeptPlane, folder: Path) -> None:
    """Write down a kept control plane, in place of one that is gone."""
    path = folder / STATE_NAME
    path.unlink(missing_ok=True)
    write_private(path, json.dumps(asdict(kept), indent=2).encode() + b"\n")


def replace_kubeconfig(path: Path, content: bytes) -> None:
    """Write the kubeconfig, in place only of one that an embedded control plane left there.

    Raises KeptPlaneError for any other file: a user's own kubeconfig is never overwritten.
    """
    if path.exists():
        try:
            find_context(path, CONTEXT, REHEARSAL)
        except ConfigError as error:
            raise KeptPlaneError(
                f"{path} was not written by a rehearsal and would be overwritten. Name another path"
            ) from error
        path.unlink()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_private(path, content)


def refuse_second(folder: Path) -> None:
    """Raise KeptPlaneError while a control plane kept here still runs."""
    kept = find_kept(folder)
    if kept is not None:
        raise KeptPlaneError(
            f"a control plane is already kept: {kept.server}, KUBECONFIG={kept.kubeconfig}. "
            "Use it with --kubeconfig and --context, or end it first: multiarch rehearse --stop"
        )


def stop_kept(folder: Path) -> KeptPlane | None:
    """End the control plane that was kept here, remove its kubeconfig and state, and return it; None if there is none.

    Raises KeptPlaneError as `find_kept` and `KeptPlane.stop` do.
    """
    kept = find_kept(folder)
    path = folder / STATE_NAME
    if kept is not None:
        kept.stop()
        Path(kept.kubeconfig).unlink(missing_ok=True)
    path.unlink(missing_ok=True)
    return kept
