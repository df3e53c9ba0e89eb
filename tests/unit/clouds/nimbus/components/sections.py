"""What a stack file says of a Nimbus cluster and its flocks."""

from typing import Annotated, Literal

from pydantic.dataclasses import dataclass

from components.clouds.sections import Access, CloudPool
from components.forms import Form
from components.keys import CONFIG


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class NimbusCluster:
    """A cluster of Nimbus."""

    type: Literal["nimbus"] = "nimbus"
    """Which kind of cluster this is."""

    name: str
    """The cluster's name in Nimbus."""

    sky: Annotated[str, Form(pattern="north|south", what="part of the sky", write="north or south")]
    """The part of the sky that it floats in. North is best."""

    access: Access | None = None
    """A kubeconfig context. Without it, access is derived from the cluster, with `nimbusctl`."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class NimbusPool(CloudPool):
    """A flock of Nimbus droplets."""

    altitude: int = 3000
    """Height in metres."""
