"""gitlab-runner releases that are there already, from metadata alone: a release's Secret may hold a runner's token."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from multiarch.cluster.look.model import RunnerRelease

CHART: Final = "gitlab-runner"


def speaks_of_runner(metadata: Mapping[str, Any]) -> bool:
    """Tell whether a Deployment is a runner manager: by its chart's label (or by its name, installed without Helm)."""
    return bool(_chart(metadata)) or _by_name(metadata)


def releases(
    deployments: Iterable[Mapping[str, Any]], secrets: Iterable[Mapping[str, Any]], ours: frozenset[str]
) -> tuple[RunnerRelease, ...]:
    """Return the releases, by namespace and name.

    `deployments` and `secrets` are the metadata of Deployments and of Helm's own Secrets (label `owner=helm`; its label
    `name` is the release's). The chart's name stands in the Deployment alone: a release that has none (its install
    failed) is told by its own name. `ours` are the namespaces that this package made.
    """
    found: dict[tuple[str, str], str] = {}
    for metadata in deployments:
        if speaks_of_runner(metadata):
            found[str(metadata.get("namespace") or ""), _release(metadata)] = _chart(metadata)
    for metadata in secrets:
        labels = metadata.get("labels") or {}
        name = str(labels.get("name") or "")
        if CHART in name and labels.get("owner") == "helm":
            found.setdefault((str(metadata.get("namespace") or ""), name), "")
    return tuple(
        RunnerRelease(name=name, namespace=namespace, chart=chart, ours=namespace in ours)
        for (namespace, name), chart in sorted(found.items())
    )


def _chart(metadata: Mapping[str, Any]) -> str:
    labels = metadata.get("labels") or {}
    for key in ("helm.sh/chart", "chart"):
        chart = str(labels.get(key) or "")
        version = chart.removeprefix(f"{CHART}-")
        if chart != version and version[:1].isdigit():
            return chart
    return ""


def _release(metadata: Mapping[str, Any]) -> str:
    """Name the release: Helm notes it as an annotation, the chart as a label."""
    labels, notes = metadata.get("labels") or {}, metadata.get("annotations") or {}
    return str(notes.get("meta.helm.sh/release-name") or labels.get("release") or metadata["name"])


def _by_name(metadata: Mapping[str, Any]) -> bool:
    labels = metadata.get("labels") or {}
    names = (metadata.get("name"), labels.get("app"), labels.get("app.kubernetes.io/name"))
    return CHART in names
