"""The image that came of it, put to the proof on a node: what its own programs say they run on."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from multiarch.cluster.api import Api, ApiRefused
from multiarch.core.waiting import wait_while
from multiarch.rehearse.live import confined
from multiarch.rehearse.live.by_model import STUCK, JobFailed, waiting_for
from multiarch.rehearse.live.job import End
from multiarch.rehearse.live.kubectl import Kubectl

SECONDS: Final = 120.0
"""How long an image may take to come to its node and to answer."""
_LOG_SECONDS: Final = 20.0
STEADY_SECONDS: Final = 3.0
"""An image whose own command still runs after this was started well."""
_NOT_STARTED: Final = frozenset({"ContainerCannotRun", "StartError"})
"""Why a container is over that never began (pkg/kubelet, containerd's CRI)."""
_NO_START: Final = _NOT_STARTED | {"CreateContainerError", "RunContainerError"}
_EXEC: Final = re.compile(r"(?<!fork/)\bexec(?: format error|: |\b.*: (?:no such file|permission denied))")
"""How runc says that a command can't be run, of all that may go wrong when it makes a container."""
_ASKS, _OWN = "asks", "image"
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

    The image runs as its own user and without capabilities: once with its own command, and once to be asked, by its own
    `uname` where it has one. The header of the program that it starts is read, too: an image may have no shell.
    """
    closed = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    mount = [{"name": "tools", "mountPath": _TOOLS}]
    command = [*(run.get("Entrypoint") or ()), *(run.get("Cmd") or ())]
    copy = ["/bin/busybox", "cp", "/bin/busybox", f"{_TOOLS}/busybox"]
    asks = [f"{_TOOLS}/busybox", "sh", "-c", confined.SCRIPT + _SCRIPT, "sh", *command[:1]]
    own = {"name": _OWN, "image": image, "securityContext": closed}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": where[0], "name": where[1]},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 1,
            "automountServiceAccountToken": False,
            "nodeSelector": {"kubernetes.io/arch": arch},
            "tolerations": [{"operator": "Exists"}],
            "volumes": [{"name": "tools", "emptyDir": {}}],
            "initContainers": [
                {"name": "tools", "image": tools, "command": copy, "volumeMounts": mount, "securityContext": closed}
            ],
            "containers": [
                {"name": _ASKS, "image": image, "command": asks, "volumeMounts": mount, "securityContext": closed},
                *([own] if command else []),
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What came of asking an image."""

    log: str
    pod: Mapping[str, Any]
    end: End
    reason: str = ""
    """Why it did not answer."""
    command: str = ""
    """What became of its own command: `ended with 0`."""
    seconds: float = 0.0


def ask(api: Api, kubectl: Kubectl, manifest: Mapping[str, Any]) -> Asked:
    """Run an image's pod until it has answered and its own command has ended, or runs on, and take it away.

    Raises ApiRefused and UnreachableError.
    """
    metadata, began = manifest["metadata"], time.monotonic()
    path = f"/api/v1/namespaces/{metadata['namespace']}/pods"
    seen: dict[str, Any] = dict(manifest)
    running: list[float] = []

    def left() -> str:
        seen.update(api.get(f"{path}/{metadata['name']}"))
        if "running" in state_of(seen, _OWN):
            running.append(time.monotonic())
        return unfinished(seen, running[-1] - running[0] if running else 0.0)

    def ended(log: str, reason: str) -> Asked:
        end, seconds = end_of(seen) if reason else End.SUCCEEDED, time.monotonic() - began
        return Asked(log=log, pod=seen, end=end, reason=reason, command=own_command(seen), seconds=seconds)

    try:
        api.create(path, manifest)
        still = wait_while(left, SECONDS, every=0.2)
        reason = f"it did not end within {SECONDS:.0f} s: {still}" if still else ""
    except JobFailed as failure:
        reason = str(failure)
    except ApiRefused as refusal:
        return ended("", f"its pod was refused: {refusal.message}")
    said = kubectl.logs((metadata["namespace"], metadata["name"], _ASKS), seconds=_LOG_SECONDS)
    api.delete(f"{path}/{metadata['name']}")
    if not reason and said.code != 0:
        reason = f"its log could not be read: {said.error}"
    return ended(said.output.decode(errors="replace"), reason)


def unfinished(pod: Mapping[str, Any], steady: float) -> str:
    """Say what of an image's pod is still to come; `steady`: for how long its own command runs. Raises JobFailed."""
    asks, own = state_of(pod, _ASKS), state_of(pod, _OWN)
    if not ("terminated" in asks or "terminated" in own):
        waiting_for(pod)
    elif (waiting := (own.get("waiting") or {}).get("reason")) in STUCK:
        raise JobFailed(f"its own command can't be started: {waiting}: {own['waiting'].get('message')}")
    over = own.get("terminated") or {}
    if over.get("reason") in _NOT_STARTED:
        raise JobFailed(f"its own command can't be started: {over.get('message')}")
    if "terminated" not in asks:
        return "it was not asked yet"
    has_own = any(one["name"] == _OWN for one in pod["spec"]["containers"])
    done = not has_own or "terminated" in own or steady > STEADY_SECONDS
    return "" if done else "its own command runs"


def end_of(pod: Mapping[str, Any]) -> End:
    """Return of what it is that an image did not answer: its own where its command can't be run.

    All else is this run's: the pod, what asks in it, the registry that the image comes from, and the node.
    """
    state = state_of(pod, _OWN)
    found = state.get("terminated") or state.get("waiting") or {}
    own = found.get("reason") in _NO_START and _EXEC.search(str(found.get("message")))
    return End.STACK if own else End.SURROUNDINGS


def own_command(pod: Mapping[str, Any]) -> str:
    """Say what became of an image's own command."""
    state = state_of(pod, _OWN)
    if "terminated" in state:
        return f"its own command ended with {state['terminated'].get('exitCode')}"
    if "running" in state:
        return f"its own command still ran after {STEADY_SECONDS:.0f} s"
    return "it has no command of its own"


def state_of(pod: Mapping[str, Any], container: str) -> Mapping[str, Any]:
    """Return a container's state; empty where it has none yet."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return next((one.get("state") or {} for one in statuses if one["name"] == container), {})
