"""Prices from the clouds' dated tables (`onboarding.toml`): offline, and never guessed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from pydantic import computed_field

from components.clouds import machine_type
from components.clouds.machines import MachineType
from multiarch.model.clouds import KNOWN
from multiarch.model.nodes.machines import Machine
from multiarch.onboard.answers.texts import of_clouds


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTable:
    """One cloud's prices: US dollars per vCPU and hour, by family."""

    cloud: str
    region: str
    date: date
    source: str
    per_vcpu_hour: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What an arm64 machine costs beside an amd64 one, by which table. Dollars per hour."""

    arm64: float
    """US dollars an hour."""
    amd64: float
    """US dollars an hour."""
    region: str
    """Whose prices these are."""
    date: date
    """Of the list."""
    source: str
    """Whose list it is."""

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorated property; pydantic documents this one
    @property
    def saves_percent(self) -> int:
        """What arm64 saves; negative where it costs more. Of machines with different vCPUs, of one vCPU each."""
        return round(100 * (1 - self.arm64 / self.amd64))


def tables() -> Mapping[str, PriceTable]:
    """Return the tables by cloud."""
    return {cloud: PriceTable(cloud=cloud, **said["prices"]) for cloud, said in of_clouds().items() if "prices" in said}


def price(cloud: str, name: str) -> float | None:
    """Return what a machine costs in US dollars per hour; None where the table does not tell."""
    machine = machine_type(cloud, name)
    table = tables().get(cloud)
    if machine is None or table is None or not KNOWN[cloud].priced(machine):
        return None
    each = table.per_vcpu_hour.get(machine.family)
    return None if each is None else round(each * vcpus(machine), 4)


def compare(cloud: str, arm64: str, amd64: str) -> Comparison | None:
    """Compare two machines; None where the price of either is not known."""
    table, arm, amd = tables().get(cloud), price(cloud, arm64), price(cloud, amd64)
    if table is None or arm is None or amd is None:
        return None
    return Comparison(arm64=arm, amd64=amd, region=table.region, date=table.date, source=table.source)


def vcpus(machine: MachineType) -> int:
    """Return the vCPUs that a machine's name tells."""
    return _size(machine).cpus


def gib(machine: MachineType) -> float:
    """Return the memory in GiB that a machine's name tells."""
    return _size(machine).memory


def _size(machine: MachineType) -> Machine:
    size = KNOWN[machine.cloud].size
    if size is None:
        raise ValueError(f"{machine.cloud} makes no machines")
    return size(machine.name)
