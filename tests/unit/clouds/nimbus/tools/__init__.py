"""What the tools know of Nimbus."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from multiarch.model.clouds.contract import KnownCloud, Naming, Offer, OwnChange, PoolImport, another
from multiarch.model.providers.base import RehearsalProvider
from tests.unit.clouds.nimbus.components.sections import NimbusCluster
from tests.unit.clouds.nimbus.tools.machines import machine_of
from tests.unit.clouds.nimbus.tools.marks import MARKS
from tests.unit.clouds.nimbus.tools.nodes import node_group


def _provider() -> RehearsalProvider:
    from tests.unit.clouds.nimbus.tools.provider import NimbusProvider  # noqa: PLC0415 - a plan loads only its own cloud's rules

    return NimbusProvider()


def _elsewhere(cluster: NimbusCluster, parts: Sequence[str], node: Mapping[str, Any]) -> str:
    del node
    return another("sky", parts[0].partition("-")[0], cluster.sky)


NIMBUS: Final = KnownCloud(
    name="nimbus",
    provider=_provider,
    node_groups={"nimbus:sky:Flock": node_group},
    membership="nimbus.example/flock",
    context=lambda cluster: re.compile(re.escape(f"nimbus-{cluster.sky}-{cluster.name}")),
    size=machine_of,
    login=lambda cluster: f"nimbusctl login {cluster.name} --sky {cluster.sky}",
    server=re.compile(r"\.([a-z]+)\.nimbus\.example$"),
    place=lambda cluster: cluster.sky,
    scheme="nimbus",
    machine_elsewhere=_elsewhere,
    marks=MARKS,
    naming=Naming(separator="-", completed=None),
    own_labels=("nimbus.example/",),
    spot_labels=("nimbus.example/fleeting",),
    own_changes=(
        OwnChange(
            id="nimbus-count",
            resource="urn:pulumi:*multiarch-runner:index:NimbusNodePool$nimbus:sky:Flock::*",
            path="count",
            reason="the autoscaler decides how many droplets there are",
            source="https://nimbus.example/flocks",
        ),
    ),
    doubt_from_zero="",
    tolerates=False,
    dns_on_nodes=False,
    hindrances=lambda _: (),
    scaling=lambda *_: (),
    offered=lambda wanted: Offer(name=wanted.like),
    priced=lambda _: True,
    imports=PoolImport(
        type="nimbus:sky:Flock",
        identity=lambda part, pool: f"{part('sky', 'sky')}/{part('name', 'cluster')}/{pool}",
        ignored=("count",),
        note="Droplets keep their height.",
    ),
)
