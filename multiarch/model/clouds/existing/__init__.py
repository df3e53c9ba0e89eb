"""What the tools know of a cluster whose nodes are already there: it may stand in any cloud, or in none."""

from typing import Final

from components.clouds.existing.sections import ExistingCluster
from multiarch.model.clouds.contract import KnownCloud, Naming
from multiarch.model.clouds.existing.nodes import node_group


def _no_login(cluster: ExistingCluster) -> str:
    del cluster
    return ""


EXISTING: Final = KnownCloud(
    name="existing",
    provider=None,
    node_groups={"ExistingNodes": node_group},
    membership="",
    context=lambda _: None,
    size=None,
    login=_no_login,
    server=None,
    place=lambda _: None,
    scheme="",
    machine_elsewhere=lambda *_: "",
    marks=None,
    naming=Naming(separator="-", completed=None),
    own_labels=(),
    spot_labels=(),
    own_changes=(),
    doubt_from_zero="",
    tolerates=False,
    dns_on_nodes=False,
    hindrances=lambda _: (),
    scaling=lambda *_: (),
    offered=lambda _: "no machine is made there",
    priced=lambda _: False,
    imports=None,
)
