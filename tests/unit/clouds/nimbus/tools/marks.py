"""How a look tells a Nimbus cluster."""

import re
from collections.abc import Mapping
from typing import Final

from multiarch.cluster.look.contract import CloudMarks
from multiarch.cluster.look.marks import NodeMarks
from multiarch.cluster.look.names import KubeconfigNames
from multiarch.cluster.look.nodes import NodeCount
from multiarch.core.verdict import Verdict

_FLOCK: Final = "nimbus.example/flock"
_FLEETING: Final = "nimbus.example/fleeting"
_NAME: Final = re.compile(r"nimbus-(?P<sky>[a-z]+)-(?P<name>[a-z0-9-]+)")


def _told_by(version: str, count: NodeCount) -> str:
    return f"version {version}" if "-nimbus." in version or count.carried(_FLOCK) else ""


def _identity(count: NodeCount, names: KubeconfigNames) -> Mapping[str, str]:
    found = dict.fromkeys(("sky",), next(iter(count.regions))) if len(count.regions) == 1 else {}
    match = next((match for name in names.all() if (match := _NAME.fullmatch(name))), None)
    return {**found, "name": match["name"]} if match else found


MARKS: Final = CloudMarks(
    told_by=_told_by,
    domain="nimbus.example",
    flavour=lambda _: "",
    identity=_identity,
    network=lambda _: None,
    scales_by_itself=True,
    nodes=NodeMarks(
        pools=(_FLOCK,),
        machinery=("nimbus.example",),
        spot={_FLEETING: {"true": Verdict.YES}},
        labels_spot_only=(_FLOCK,),
        cluster=(_FLOCK,),
    ),
)
