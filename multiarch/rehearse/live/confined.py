"""How closely a job's container is confined: read inside it, and what its pod asked for."""

import re
from collections.abc import Mapping
from typing import Any, Final

from multiarch.rehearse.report.model import Confinement

_BEGIN: Final = "multiarch-confined: begin"
_END: Final = "multiarch-confined: end"
_TOKEN: Final = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - where Kubernetes mounts it
SCRIPT: Final = f"""echo '{_BEGIN}'
while read -r line; do echo "$line"; done </proc/self/status
if [ -e {_TOKEN} ]; then echo 'Token: mounted'; else echo 'Token: none'; fi
echo '{_END}'
"""
"""Shell text that has the shell tell of itself: builtins alone, so that any image with a shell will do."""
_SECCOMP: Final = ("none", "strict", "filter")
"""`Seccomp` of /proc/PID/status, by its number (proc(5))."""
CAPABILITIES: Final = (
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
    "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
    "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
    "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
    "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF",
    "CHECKPOINT_RESTORE",
)  # fmt: skip
"""By their numbers (linux/capability.h)."""
DEFAULT: Final = frozenset(
    {
        "CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID", "SETFCAP", "SETPCAP",
        "NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE",
    }
)  # fmt: skip
"""What containerd gives a container that asks for nothing (pkg/oci, defaultUnixCaps)."""


def read(log: str) -> Confinement | None:
    """Return what the container said of itself; None where it said nothing, or not all."""
    block = re.search(f"{_BEGIN}\n(.*?){_END}", log.replace("\r\n", "\n"), re.DOTALL)
    if block is None:
        return None
    facts = dict(line.split(":", 1) for line in block[1].splitlines() if ":" in line)
    try:
        return Confinement(
            uid=int(facts["Uid"].split()[0]),
            gid=int(facts["Gid"].split()[0]),
            capabilities=_names(int(facts["CapBnd"], 16)),
            no_new_privileges=facts["NoNewPrivs"].strip() == "1",
            seccomp=_SECCOMP[int(facts["Seccomp"])],
            token_mounted=facts["Token"].strip() == "mounted",
        )
    except (KeyError, ValueError, IndexError):
        return None


def without(log: str) -> str:
    """Return a log without what `SCRIPT` wrote."""
    return re.sub(f"{_BEGIN}\r?\n.*?{_END}\r?\n", "", log, flags=re.DOTALL)


def wanted(pod: Mapping[str, Any], image_user: str) -> Confinement | None:
    """Return how a job's pod asks for its build container to be confined; `image_user` is the image's `User`.

    None where the image names its user, and the pod does not: which number that is only the image's files say.
    """
    spec = pod["spec"]
    whole, own = (spec.get("securityContext") or {}), (_build(spec).get("securityContext") or {})
    uid, _, gid = image_user.partition(":")
    asked_uid, asked_gid = (own.get(key, whole.get(key)) for key in ("runAsUser", "runAsGroup"))
    if asked_uid is None and not (uid or "0").isdigit():
        return None
    number = int(uid or "0") if asked_uid is None else asked_uid
    group = asked_gid if asked_gid is not None else int(gid) if gid.isdigit() and asked_uid is None else None
    profile = (own.get("seccompProfile") or whole.get("seccompProfile") or {}).get("type", "Unconfined")
    return Confinement(
        uid=number,
        gid=-1 if group is None else group,
        capabilities=tuple(sorted(_granted(own.get("capabilities") or {}))),
        no_new_privileges=own.get("allowPrivilegeEscalation") is False,
        seccomp="none" if profile == "Unconfined" else "filter",
        token_mounted=spec.get("automountServiceAccountToken") is not False,
    )


def differences(asked: Confinement, found: Confinement, *, filters: bool) -> list[str]:
    """Return what is not as it was asked, in words; without `filters` this machine's runc has no seccomp to look at."""
    said = []
    if asked.uid != found.uid or asked.gid not in (-1, found.gid):
        said.append(f"it ran as {found.uid}:{found.gid}, not as {asked.uid}{'' if asked.gid < 0 else f':{asked.gid}'}")
    if extra := sorted(set(found.capabilities) - set(asked.capabilities)):
        said.append(f"it has capabilities that were not granted: {', '.join(extra)}")
    if lost := sorted(set(asked.capabilities) - set(found.capabilities)):
        said.append(f"it lacks granted capabilities: {', '.join(lost)}")
    if asked.no_new_privileges != found.no_new_privileges:
        said.append(f"NoNewPrivs is {'on' if found.no_new_privileges else 'off'}")
    if filters and asked.seccomp != found.seccomp:
        said.append(f"seccomp is '{found.seccomp}', not '{asked.seccomp}'")
    if found.token_mounted:
        said.append("a service account's token is mounted")
    return said


def words(found: Confinement) -> str:
    """Say how a container is confined, in a line."""
    granted = ", ".join(found.capabilities) or "none"
    return (
        f"uid {found.uid}, gid {found.gid}; capabilities: {granted}; NoNewPrivs {int(found.no_new_privileges)}; "
        f"seccomp: {found.seccomp}; {'a token is' if found.token_mounted else 'no token'} mounted"
    )


def _build(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    return next((one for one in spec["containers"] if one["name"] == "build"), spec["containers"][0])


def _granted(capabilities: Mapping[str, Any]) -> set[str]:
    dropped, added = (
        {str(name).removeprefix("CAP_") for name in capabilities.get(key) or ()} for key in ("drop", "add")
    )
    start = set() if "ALL" in dropped else set(DEFAULT) - dropped
    return set(CAPABILITIES) if "ALL" in added else start | added


def _names(bits: int) -> tuple[str, ...]:
    known = {name for number, name in enumerate(CAPABILITIES) if bits >> number & 1}
    further = {f"number {number}" for number in range(len(CAPABILITIES), bits.bit_length()) if bits >> number & 1}
    return tuple(sorted(known | further))
