"""The stand-in for Nimbus' provider: what its API would refuse, if there were one."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from multiarch.model.providers.base import Created, LookupRefusedError, Refusal
from multiarch.model.providers.kinds import Inputs, Kind, KindProvider, Lookup, number, refusal, text
from multiarch.model.providers.machines import machine

FLOCK = "nimbus:sky:Flock"


def _droplet(inputs: Inputs) -> Iterator[Refusal]:
    name = text(inputs.get("droplet"))
    if name is not None and machine("nimbus", name) is None:
        yield refusal("droplet", f"no droplet is called {name}", "Nimbus, Droplets")


def _altitude(inputs: Inputs) -> Iterator[Refusal]:
    if (number(inputs.get("altitude")) or 1) > 12_000:
        yield refusal("altitude", "droplets don't fly above 12000", "Nimbus, Droplets")


def _create(name: str, inputs: Inputs) -> Created:
    return Created(id=f"flock-{inputs.get('name', name)}", outputs=dict(inputs))


def get_cluster(args: Inputs) -> Mapping[str, Any]:
    """Answer the lookup of a cluster."""
    if text(args.get("sky")) not in ("north", "south"):
        raise LookupRefusedError("no such sky", "Nimbus, Skies", "sky")
    return {"server": f"https://{args['name']}.{args['sky']}.nimbus.example", "ca": "UkVIRUFSU0FM"}


class NimbusProvider(KindProvider):
    """The provider `nimbus`, which no SDK brings: its keys are judged here."""

    package: ClassVar[str] = "nimbus"
    version: ClassVar[str] = "1.0.0"
    own_schema: ClassVar[bool] = True
    record: ClassVar[Path] = Path(__file__).with_name("replaced.json")
    kinds: ClassVar[Mapping[str, Kind]] = {
        FLOCK: Kind(rules=(_droplet, _altitude), create=_create),
    }
    lookups: ClassVar[Mapping[str, Lookup]] = {"nimbus:sky:getCluster": get_cluster}
