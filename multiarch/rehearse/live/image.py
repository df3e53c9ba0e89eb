"""The image that came of it, put to the proof on a node: what its own programs say they run on."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from multiarch.cluster.api import Api, ApiRefused
from multiarch.core.waiting import wait_while
from multiarch.rehearse.live import confined
from multiarch.rehearse.live.by_model import JobFailed, waiting_for
from multiarch.rehearse.live.job import End
from multiarch.rehearse.live.kubectl import Kubectl

SECONDS: Final = 120.0
"""How long an image may take to come to its node and to answer."""
_LOG_SECONDS: Final = 20.0
_NO_START: Final = frozenset({"ContainerCannotRun", "CreateContainerError", "RunContainerError", "StartError"})
_EXEC: Final = re.compile(r"(?<!fork/)\bexec(?: format error|: |\b.*: (?:no such file|permission denied))")
"""How runc says that a command can't be run, of all that may go wrong when it makes a container."""
_KILLED: Final = 137
"""By somebody else: SIGKILL."""
_TOOLS: Final = "/multiarch-tools"
_MACHINES: Final = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_ELF_MACHINES: Final = {"3e00": "amd64", "b700": "arm64"}
"""`e_machine` of a 64-bit little-endian program, its bytes in their order (elf(5))."""
_SCRIPT: Final = f"""b={_TOOLS}/busybox
for program in /bin/uname /usr/bin/uname; do
  if [ -x "$program" ]; then echo "uname: $("$program" -m 2>&1)"; break; fi
done
program=$1
case "$program" in
  ''|/*) ;;
  *) for folder in $(echo "$PATH" | $b tr : ' '); do
       if [ -x "$folder/$program" ]; then program=$folder/$program; break; fi
     done ;;
esac
if [ -f "$program" ] && [ "$($b head -c 2 "$program")" = '#!' ]; then
  read -r line <"$program"; line=${{line#??}}; set -- $line; program=$1
fi
if [ -f "$program" ]; then echo "program: $program: $($b hexdump -s 18 -n 2 -v -e '2/1 "%02x"' "$program")"; fi
echo done
"""
"""Each answer on a line of its own. The tools are of the node's architecture; what they look at is the image's own."""


@dataclass(frozen=True, slots=True)
class Says:
    """What an image said on its node."""

    architectures: tuple[str, ...]
    """What each thing that was asked said: all should be the same."""
    evidence: str


def pod(where: tuple[str, str], arch: str, image: str, tools: str, run: Mapping[str, Any]) -> dict[str, Any]:
    """Return the pod, of a namespace and name, that asks an image on a node of its architecture.

    `tools` is an image with a static /bin/busybox; `run` is the image's own config.

    The image runs as its own user, without capabilities, and by its own programs where it has a `uname`. For one that
    has no shell, the header of the program that it would start is read.
    """
    closed = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    mount = [{"name": "tools", "mountPath": _TOOLS}]
    command = [*(run.get("Entrypoint") or ()), *(run.get("Cmd") or ())]
    copy = ["/bin/busybox", "cp", "/bin/busybox", f"{_TOOLS}/busybox"]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": where[0], "name": where[1]},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "nodeSelector": {"kubernetes.io/arch": arch},
            "tolerations": [{"operator": "Exists"}],
            "volumes": [{"name": "tools", "emptyDir": {}}],
            "initContainers": [
                {"name": "tools", "image": tools, "command": copy, "volumeMounts": mount, "securityContext": closed}
            ],
            "containers": [
                {
                    "name": "image",
                    "image": image,
                    "command": [f"{_TOOLS}/busybox", "sh", "-c", confined.SCRIPT + _SCRIPT, "sh", *command[:1]],
                    "volumeMounts": mount,
                    "securityContext": closed,
                }
            ],
        },
    }


def read(log: str) -> Says:
    """Return what the image said; no architecture where it did not say any that is known."""
    machine = re.search(r"^uname: (.*)$", log, re.MULTILINE)
    program = re.search(r"^program: (.*): (\w*)$", log, re.MULTILINE)
    found, words = [], []
    if machine:
        found.append(_MACHINES.get(machine[1].strip(), machine[1].strip() or "nothing"))
        words.append(f"its uname -m says {machine[1].strip()}")
    if program and program[2] in _ELF_MACHINES:
        found.append(_ELF_MACHINES[program[2]])
        words.append(f"{program[1]} is a program for {_ELF_MACHINES[program[2]]}")
    return Says(
        tuple(found), "; ".join(words) or "it has no uname, and the program that it starts is none that is known"
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking an image."""

    log: str
    pod: Mapping[str, Any]
    end: End
    reason: str = ""
    """Why it did not answer."""
    seconds: float = 0.0


def ask(api: Api, kubectl: Kubectl, manifest: Mapping[str, Any]) -> Asked:
    """Run an image's pod to its end, and take it away. Raises ApiRefused and UnreachableError."""
    metadata, began = manifest["metadata"], time.monotonic()
    path = f"/api/v1/namespaces/{metadata['namespace']}/pods"
    seen: dict[str, Any] = dict(manifest)

    def runs() -> str:
        seen.update(api.get(f"{path}/{metadata['name']}"))
        if (seen.get("status") or {}).get("phase") == "Succeeded":
            return ""
        return waiting_for(seen) or "it runs"

    try:
        api.create(path, manifest)
        left = wait_while(runs, SECONDS, every=0.2)
        reason = f"it did not end within {SECONDS:.0f} s: {left}" if left else ""
        end = End.SURROUNDINGS if left else End.SUCCEEDED
    except JobFailed as failure:
        end, reason = end_of(seen), str(failure)
    except ApiRefused as refusal:  # the pod is this run's own, and not the stack's
        why = f"its pod was refused: {refusal.message}"
        return Asked("", seen, End.SURROUNDINGS, why, time.monotonic() - began)
    said = kubectl.logs((metadata["namespace"], metadata["name"], "image"), seconds=_LOG_SECONDS)
    api.delete(f"{path}/{metadata['name']}")
    if not reason and said.code != 0:
        end, reason = End.SURROUNDINGS, f"its log could not be read: {said.error}"
    return Asked(said.output.decode(errors="replace"), seen, end, reason, time.monotonic() - began)


def end_of(pod: Mapping[str, Any]) -> End:
    """Return of what it is that an image did not answer: its own where its container was there, and failed.

    The container that brings the tools runs before it, by the same node: where that one fails, it is the node's.
    """
    for container in (pod.get("status") or {}).get("containerStatuses") or ():
        state = container.get("state") or {}
        waiting, over = state.get("waiting") or {}, state.get("terminated") or {}
        ran = over.get("reason") == "Error" and over.get("exitCode") not in (0, _KILLED)
        found = over or waiting
        if ran or (found.get("reason") in _NO_START and _EXEC.search(str(found.get("message")))):
            return End.STACK
    return End.SURROUNDINGS
