"""The cluster's own place, as it was answered: a part for each key of the stack file that its cloud asks for."""

from collections.abc import Mapping
from types import SimpleNamespace

from components.clouds import CLOUDS, Cluster
from components.keys import keys
from components.reading import parse
from multiarch.cluster.look.model import Look
from multiarch.onboard.answers.texts import wordings


def place_said(cluster_type: str, said: Mapping[str, object]) -> dict[str, str]:
    """Return the parts that were said, by the stack file's keys."""
    parts = {wording.place: wording.key for wording in wordings() if wording.cloud == cluster_type}
    return {key: str(said[answer]) for key, answer in parts.items() if said.get(answer)}


def section_of(cluster_type: str, told: Mapping[str, str]) -> Cluster:
    """Return the stack file's section. Raises ConfigError."""
    section: type[Cluster] = CLOUDS[cluster_type].cluster
    known = {key.name for key in keys(section)}
    return parse(section, {key: value for key, value in told.items() if key in known}, "cluster")


def location_of(cluster_type: str, place: Mapping[str, str], look: Look) -> str:
    """Return where the cluster is, as its cloud's machines depend on it: as was said, else as nodes tell."""
    cloud, told = CLOUDS[cluster_type], {**look.identity, **place}
    # No section: most of what one needs is not said yet, or not in its form.
    return cloud.location(SimpleNamespace(**{key.field: told.get(key.name) for key in keys(cloud.cluster)})) or ""
