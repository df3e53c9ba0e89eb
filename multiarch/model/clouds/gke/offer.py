"""Which arm64 machine a region of Google Cloud is known to have: T2A is in three, and there not in every zone."""

import re
from collections.abc import Sequence
from typing import Final

from components.clouds.gke import machines as gcp
from components.clouds.gke.machines import machine_type
from multiarch.model.clouds.contract import Offer, Wanted

_SIZE: Final = re.compile(r"[a-z0-9]+-(?P<shape>standard|highmem|highcpu)-(?P<vcpus>[0-9]+)")
_FAMILIES: Final = (("n4a", gcp.N4A_REGIONS), ("c4a", gcp.C4A_REGIONS))


def offered(wanted: Wanted) -> Offer | str:
    """Keep to the families that the region is known to have."""
    region, shape = gcp.region_of(wanted.place), _SIZE.fullmatch(wanted.amd64)
    if wanted.like.startswith("t2a-") and (shape is None or shape["shape"] == "standard"):
        zones = _t2a_zones(wanted.place, wanted.zones)
        if zones:
            kept = tuple(zones) if not gcp.is_zone(wanted.place) and wanted.zones else ()
            return Offer(name=wanted.like, zones=kept)
    for family, regions in _FAMILIES:
        if region in regions and (not wanted.like.startswith("c4a-") or family == "c4a"):
            doubt = f"which zones of {region} have {family.upper()} is not known here: GKE reports it"
            return Offer(name=_of_family(family, wanted), doubt=doubt)
    return (
        f"no arm64 machine is known in {region} (T2A, N4A and C4A by the price map of 2026-08-06): name one that you "
        "know to exist"
    )


def _t2a_zones(place: str, zones: Sequence[str]) -> list[str]:
    """Return T2A's zones for a cluster: those that its nodes are in already, else all of the region's."""
    offered = gcp.T2A_ZONES.get(gcp.region_of(place), ())
    if gcp.is_zone(place):
        return [place] if place in offered else []
    return [zone for zone in offered if zone in zones] or list(offered)


def _of_family(family: str, wanted: Wanted) -> str:
    """Spell the size of the amd64 machine (else of the like one) in another family, within the shapes that it has."""
    match = _SIZE.fullmatch(wanted.amd64) or _SIZE.fullmatch(wanted.like)
    name = f"{family}-{match['shape']}-{match['vcpus']}" if match else f"{family}-standard-8"
    return name if machine_type(name) is not None else f"{family}-standard-8"
