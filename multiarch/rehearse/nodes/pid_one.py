"""The first process of a real node: it is alone with its children in a mount and a process namespace.

Run as a script by `unshare`, with the standard library only. It gives the node directories of its own, starts
containerd and the kubelet, and waits. When it ends, however that is, the kernel kills every process of the node, the
containers and their shims among them, and with the last of them the node's mounts are gone. So nothing of a node
needs to be searched for and cleaned up.

Its one argument is a JSON file: {"folder", "programs": {name: path}, "sysctls": {name: value}, "commands":
[{"name", "argv", "env", "log", "socket"}]}. Every command is started once the socket of the one before it is there.
"""

import ctypes
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

_BIND, _MOVE, _RECURSIVE = 4096, 8192, 16384
_SOCKET_SECONDS = 60.0
_NICE = 5


def mount(source: str, target: str, kind: str = "", flags: int = 0) -> None:
    """Mount by the system call: the program of that name would resolve paths that are about to be covered."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(source.encode(), target.encode(), kind.encode() or None, flags, None):
        code = ctypes.get_errno()
        raise OSError(code, f"mount {source} on {target}: {os.strerror(code)}")


def resolver() -> tuple[str, str] | None:
    """Where the machine's resolver file really is, and what it says, if that is about to be covered."""
    path = Path("/etc/resolv.conf").resolve()
    try:
        return (str(path), path.read_text(encoding="utf-8")) if path.is_relative_to("/run") else None
    except OSError:
        return None


def furnish(folder: Path, programs: dict[str, str], sysctls: dict[str, str]) -> None:
    """Cover /run, /var/lib and /var/log with the node's own, and put its programs and settings below /run."""
    run = folder / "run"
    for name in ("run", "lib", "log"):
        (folder / name).mkdir(mode=0o755)
    mount("tmpfs", str(run), "tmpfs")
    _bind_programs(run / "multiarch-bin", programs)
    (run / "multiarch-node").mkdir()
    mount(str(folder / "settings"), str(run / "multiarch-node"), flags=_BIND)
    kept = resolver()
    if kept is not None:
        copy = run / Path(kept[0]).relative_to("/run")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(kept[1], encoding="utf-8")
    for name, value in sysctls.items():
        file = run / "sysctl" / name.replace("/", ".")
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"{value}\n", encoding="ascii")
        if Path("/proc/sys", name).exists():
            mount(str(file), f"/proc/sys/{name}", flags=_BIND)
    # The folder itself may lie below one of these: what is to be bound is opened before anything is covered.
    opened = {name: os.open(folder / name, os.O_PATH) for name in ("lib", "log")}
    mount(str(run), "/run", flags=_MOVE)
    for name, descriptor in opened.items():
        if Path("/var", name).is_dir():  # what is not there is not made: it would stay
            mount(f"/proc/self/fd/{descriptor}", f"/var/{name}", flags=_BIND)
        os.close(descriptor)


def _bind_programs(folder: Path, programs: dict[str, str]) -> None:
    """Make a folder of links to the programs, each in its own folder bound beside it.

    A program that is bound by itself would not do: runc, to protect itself, runs from an overlay over its folder, and
    there it would be what is below the bind.
    """
    folder.mkdir()
    for name, path in programs.items():
        target = folder / f"of-{name}"
        target.mkdir()
        mount(str(Path(path).parent), str(target), flags=_BIND)
        (folder / name).symlink_to(target.relative_to(folder) / Path(path).name)


def start(command: dict[str, Any]) -> subprocess.Popen[bytes]:
    """Start a program, its output appended to its log, and wait for the socket it is to make."""
    with os.fdopen(command["descriptor"], "ab") as log:
        process = subprocess.Popen(
            command["argv"], env=command["env"], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
    deadline = time.monotonic() + _SOCKET_SECONDS
    while command["socket"] and not Path(command["socket"]).exists():
        if process.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"{command['name']} made no {command['socket']}; see its log")
        time.sleep(0.05)
    return process


def wait(running: dict[int, str]) -> None:
    """Reap whatever ends, orphans of containers too, until one of the node's own programs does."""
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid in running:
            sys.exit(f"{running[pid]} ended with {os.waitstatus_to_exitcode(status)}; see its log")


def main() -> None:
    """Run the node that a file describes."""
    spec = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    os.nice(_NICE)
    for command in spec["commands"]:  # the logs' folder may be covered
        command["descriptor"] = os.open(command["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    furnish(Path(spec["folder"]), spec["programs"], spec["sysctls"])
    os.chdir("/")
    running = {}
    for command in spec["commands"]:
        running[start(command).pid] = command["name"]
    wait(running)


if __name__ == "__main__":
    main()
