"""What `multiarch nodes up|down` do."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from rich.console import Console

from components.problems import ConfigError
from multiarch.core.ending import COULD_NOT_TELL, WELL, exit_codes_for, unwind_on_terminate
from multiarch.core.output import STANDARD_OUTPUT, ReportConsole, check_targets, write
from multiarch.core.progress import ProgressDisplay
from multiarch.core.verdict import Verdict
from multiarch.rehearse.background import shown_on
from multiarch.rehearse.control_plane.errors import KeptPlaneError
from multiarch.rehearse.control_plane.keep import KeptPlane, stop_kept
from multiarch.rehearse.control_plane.plane import ControlPlane
from multiarch.rehearse.nodes import host, journal, real
from multiarch.rehearse.nodes.architectures import native_here

SCHEMA_VERSION = 1


def check(json_file: str | None) -> NoReturn:
    """Say what this machine lacks for real nodes, or what they would do to it."""
    console = _console(json_file)
    with exit_codes_for(ConfigError, interrupted="nothing was done"):
        emulated = native_here().other
        host.check(emulated)
    plan = host.plan(emulated)
    console.print("`multiarch nodes up` would do this, and `multiarch nodes down` undo it:")
    for line in plan:
        console.print(f"  {line}")
    _deliver(json_file, {"emulated": str(emulated), "plan": list(plan)})


def up(binaries: str, registry: str | None, json_file: str | None) -> NoReturn:
    """Start both nodes and their control plane, leave them running, and say how they are reached."""
    unwind_on_terminate()
    console = _console(json_file)
    undone = "every process that was started has been ended, and what was done to this machine is undone"
    with exit_codes_for(ConfigError, KeptPlaneError, interrupted=undone), ProgressDisplay(console) as display:
        emulated = native_here().other
        host.check_root()
        real.clear_leftovers(progress=shown_on(display))
        host.check(emulated)
        stop_kept(journal.FOLDER)  # a control plane whose nodes are gone serves nobody
        for line in host.plan(emulated):
            console.print(f"  {line}")
        document = _start(binaries, registry, display)
    _tell(console, document)
    _deliver(json_file, document)


def down(json_file: str | None) -> NoReturn:
    """End the nodes and their control plane, and undo what was done to this machine."""
    unwind_on_terminate()
    console = _console(json_file)
    again = "run the same command again to end what is still there"
    with exit_codes_for(ConfigError, KeptPlaneError, interrupted=again), ProgressDisplay(console) as display:
        host.check_root()
        display.update("nodes", "ending both nodes, and what ran on them")
        told = real.stop_kept()
        plane = stop_kept(journal.FOLDER)
        journal.remove_folder()
        done = [*(told or []), *(["ended the control plane"] if plane else [])]
        display.finish("nodes", "nothing is left" if done else "none were up", sign=Verdict.YES)
    for line in done:
        console.print(f"  {line}")
    _deliver(json_file, {"undone": done})


def clean(json_file: str | None) -> NoReturn:
    """Undo what killed nodes left on this machine; nodes that are up stay."""
    unwind_on_terminate()
    console = _console(json_file)
    again = "run the same command again to undo what is still there"
    with exit_codes_for(ConfigError, KeptPlaneError, interrupted=again), ProgressDisplay(console) as display:
        host.check_root()
        done = real.clear_leftovers()
        display.finish("nodes", "nothing is left" if done else "nothing was left", sign=Verdict.YES)
    for line in done:
        console.print(f"  {line}")
    _deliver(json_file, {"undone": done})


def _start(binaries: str, registry: str | None, display: ProgressDisplay) -> Mapping[str, Any]:
    sink = shown_on(display)
    plane = ControlPlane(mode=binaries, beside_real_nodes=True)  # type: ignore[arg-type]  # the option has the same choices
    nodes = real.RealNodes(plane, mode=binaries, registry=registry)  # type: ignore[arg-type]  # as above
    try:
        plane.start(sink)
        nodes.start(sink)
        nodes.keep()
        kept = plane.keep(journal.FOLDER)
    except BaseException:  # a KeyboardInterrupt too
        real.stop_kept()
        raise
    finally:  # does nothing once they are kept
        nodes.stop()
        plane.stop()
    return _document(kept, nodes)


def _document(kept: KeptPlane, nodes: real.RealNodes) -> Mapping[str, Any]:
    return {
        "kubeconfig": kept.kubeconfig,
        "context": kept.context,
        "server": kept.server,
        "seccomp": nodes.filters_calls,
        "hostAddress": nodes.address_of_host,
        "nodes": [
            {
                "name": name,
                "architecture": str(arch),
                "emulated": arch is not nodes.native,
                "podLogs": str(nodes.logs_of_pods(arch)),
            }
            for arch, name in nodes.names.items()
        ],
    }


def _tell(console: Console, document: Mapping[str, Any]) -> None:
    nodes: Sequence[Mapping[str, Any]] = document["nodes"]
    for node in nodes:
        how = "emulated by QEMU" if node["emulated"] else "native"
        console.print(f"{node['name']}: {node['architecture']}, {how}")
    console.print(f"Pods reach this machine at {document['hostAddress']}.")
    console.print(f"export KUBECONFIG={document['kubeconfig']}", soft_wrap=True)
    console.print("End it all: multiarch nodes down")


def _console(json_file: str | None) -> Console:
    check_targets({"--json": json_file})
    return ReportConsole(stderr=json_file == STANDARD_OUTPUT, highlight=False)


def _deliver(json_file: str | None, document: Mapping[str, Any]) -> NoReturn:
    """Write the document where it was asked for, and end the command."""
    text = json.dumps({"schemaVersion": SCHEMA_VERSION, **document}, indent=2) + "\n"
    worked = json_file is None or write("--json", json_file, text)
    sys.exit(WELL if worked else COULD_NOT_TELL)
