"""What of this machine nodes could leave changed: looked at before and after, whoever else is busy on it."""

from pathlib import Path

from multiarch.rehearse.live import nothing_left

_TUNED = ("vm", "kernel", "net/ipv4", "net/bridge", "fs")
_CHANGING = (
    "quota/",
    "random/",
    "ns_last_pid",
    "-nr",
    "-state",
    "pty/",
    "neigh/",
    "conf/",
    "tcp_",
    "perf_",
    "sched",
    "route/",
)
_PLACES = (
    "/var/lib/cni", "/var/lib/kubelet", "/var/lib/containerd", "/run/containerd", "/run/netns", "/run/cni-addresses",
    "/run/multiarch-node", "/run/multiarch-bin", "/var/log/pods", "/var/log/containers", "/opt/containerd", "/etc/cni",
    "/opt/cni",
)  # fmt: skip


def state() -> nothing_left.Picture:
    """All of it, as something to compare: what the product looks at, and what only a test does."""
    return {
        **nothing_left.picture(),
        "settings of the kernel": _settings(),
        "places": {place: "" for place in _PLACES if Path(place).exists()},
        "tables of packet filters": {"names": _text(Path("/proc/net/ip_tables_names"))},
    }


def differences(before: nothing_left.Picture) -> list[str]:
    """What is not as it was, in words that fit a line; nothing goes unread here."""
    now = state()
    assert None not in (*before.values(), *now.values())
    return [str(one) for one in nothing_left.differences(before, now)]


def _settings() -> dict[str, str]:
    found = {}
    for part in _TUNED:
        for path in Path("/proc/sys", part).rglob("*"):
            name = str(path)
            if "binfmt_misc" not in name and path.is_file() and not any(word in name for word in _CHANGING):
                found[name] = _text(path)
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
