"""One bridge for both nodes and their pods: the host is their gateway, and nothing is forwarded or masqueraded."""

import ipaddress
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from multiarch.core.environment import Child, environment
from multiarch.core.waiting import wait_while
from multiarch.rehearse.control_plane.errors import StartError
from multiarch.rehearse.nodes.architectures import Arch
from multiarch.rehearse.nodes.system import call

BRIDGE = "multiarch0"
CANDIDATES = tuple(ipaddress.IPv4Network(f"10.{second}.0.0/16") for second in (231, 232, 233, 234, 235, 236))
"""Subnets to choose from: private, away from the control plane's 10.96 and 10.244, and seldom used."""
_LINK = Path("/sys/class/net") / BRIDGE
_GONE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Subnet:
    """The addresses of the bridge, of each node and of its pods."""

    network: ipaddress.IPv4Network

    @property
    def gateway(self) -> str:
        """The host's address, as pods reach it: a registry for them listens here."""
        return str(self.network[1])

    def node(self, arch: Arch) -> str:
        """Where the node's kubelet listens: an address of the host's own."""
        return str(self.network[10 + list(Arch).index(arch)])

    def pods(self, arch: Arch) -> tuple[str, str]:
        """Return the first and the last address of the node's pods."""
        third = 256 * (1 + list(Arch).index(arch))
        return str(self.network[third + 1]), str(self.network[third + 254])


def choose(routes: Iterable[str], candidates: Sequence[ipaddress.IPv4Network] = CANDIDATES) -> Subnet:
    """Return the first subnet that no route of this machine leads to. Raises StartError when all are taken.

    >>> choose(["default", "10.231.4.0/24", "192.168.0.1"]).gateway
    '10.232.0.1'
    """
    taken = [ipaddress.ip_network(route, strict=False) for route in routes if route[:1].isdigit()]
    for candidate in candidates:
        if not any(candidate.overlaps(one) for one in taken if one.version == 4):  # noqa: PLR2004 - IPv4
            return Subnet(candidate)
    raise StartError(f"no subnet is free for the nodes: routes of this machine lead to all of {_listed(candidates)}")


def routes() -> list[str]:
    """Return the destinations of this machine's IPv4 routes."""
    answer = call("ip", "-json", "-4", "route", "show", "table", "all", env=environment(Child.OWN))
    return [str(route["dst"]) for route in json.loads(answer or "[]") if route.get("type") != "broadcast"]


def exists() -> bool:
    """Tell whether there is an interface by our name."""
    return _LINK.exists()


def make(subnet: Subnet) -> None:
    """Make the bridge, with the addresses of the gateway and of both nodes."""
    _ip("link", "add", BRIDGE, "type", "bridge")
    _ip("address", "add", f"{subnet.gateway}/{subnet.network.prefixlen}", "dev", BRIDGE)
    for arch in Arch:
        _ip("address", "add", f"{subnet.node(arch)}/32", "dev", BRIDGE)
    _ip("link", "set", BRIDGE, "up")


def remove() -> None:
    """Remove the bridge, if it is there, once the kernel has taken away the pods' ends of it."""
    if not exists():
        return
    if left := wait_while(lambda: list((_LINK / "brif").iterdir()), _GONE_SECONDS):
        raise StartError(f"the bridge {BRIDGE} cannot be removed: {left[0].name} is still on it")
    _ip("link", "delete", BRIDGE)


def _ip(*arguments: str) -> None:
    call("ip", *arguments, env=environment(Child.OWN))


def _listed(networks: Sequence[ipaddress.IPv4Network]) -> str:
    return ", ".join(map(str, networks))
