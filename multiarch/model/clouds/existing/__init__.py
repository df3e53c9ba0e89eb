"""What the tools know of a cluster whose nodes are already there: it may stand in any cloud, or in none."""

from typing import Final

from components.clouds.existing.sections import ExistingCluster
from multiarch.model.clouds.contract import KnownCloud
from multiarch.model.clouds.existing.nodes import node_group


def _no_login(cluster: ExistingCluster) -> str:
    del cluster
    return ""


EXISTING: Final = KnownCloud(
    name="existing",
    package="",
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
)
