"""The cluster's own place, as it was answered: a part for each key of the stack file that its cloud asks for."""

from collections.abc import Mapping
from typing import Final

from components.clouds import CLOUDS, Cluster
from components.keys import keys
from components.problems import ConfigError
from components.reading import parse
from multiarch.cluster.look.model import Look
from multiarch.onboard.answers.texts import wordings

_SAID_LATER: Final = "x"


def place_said(cluster_type: str, said: Mapping[str, object]) -> dict[str, str]:
    """Return the parts that were said, by the stack file's keys."""
    parts = {wording.place: wording.key for wording in wordings() if wording.cloud == cluster_type}
    return {key: str(said[answer]) for key, answer in parts.items() if said.get(answer)}


def section_of(cluster_type: str, told: Mapping[str, str]) -> Cluster:
    """Return the stack file's section; what must be there and was not told yet has a filler. Raises ConfigError."""
    section: type[Cluster] = CLOUDS[cluster_type].cluster
    known = {key.name for key in keys(section)}
    filled = {key.name: _SAID_LATER for key in keys(section) if key.required and key.name != "access"}
    return parse(section, {**filled, **{key: value for key, value in told.items() if key in known}}, "cluster")


def location_of(cluster_type: str, place: Mapping[str, str], look: Look) -> str:
    """Return where the cluster is, as its cloud's machines depend on it: as was said, else as nodes tell."""
    try:
        section = section_of(cluster_type, {**look.identity, **place})
    except ConfigError:
        return ""
    found: str = CLOUDS[cluster_type].location(section)
    return "" if found == _SAID_LATER else found
