"""Rules about where software comes from: charts and images."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from components.policy.reading import (
    containers,
    executors,
    helm_values,
    kubernetes_table,
    pod_spec,
)
from components.policy.subject import UNKNOWN, Answer, Doubt, Finding, Resource, join

_EXACT = re.compile(r"v?\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?")
_MOVING = re.compile(r"(?:^|[-_.])(latest|stable|edge|nightly|main|master|canary|dev|rolling|bleeding)$", re.IGNORECASE)
_UNKNOWN_IMAGE = "names an image that is not known yet"
_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
# The runner expands both to its own version, so that they name exactly one image for each release of the runner.
_RUNNER_OWN = re.compile(r"\$\{?CI_RUNNER_(?:VERSION|REVISION)\}?")


def chart_pinned(resource: Resource) -> Iterable[Answer]:
    """Helm charts have one exact version.

    Without it, or with a range, the same commit installs another chart next week.
    Source: Pulumi, `kubernetes.helm.v3.Release` (`version`: the latest when not given).
    """
    chart = str(resource.get("chart") or "")
    if resource.get("devel"):
        yield Finding(message="devel is set: Helm would install pre-releases", fix="Remove devel and set version.")
    if _is_local(chart) or _DIGEST.search(chart):
        return
    version = resource.get("version")
    if not version:
        yield Finding(message=f"chart {chart} has no version", fix="Set version to an exact one, for example 0.90.1.")
    elif not _EXACT.fullmatch(str(version)):
        yield Finding(message=f"chart {chart}: version {version!r} is not an exact version", fix="Write it as x.y.z.")


def chart_digest(resource: Resource) -> Iterable[Answer]:
    """Charts from OCI registries are pinned by digest.

    A tag in a registry can be pushed again; a digest cannot. A verified signature (`verify`) serves as well.
    Source: Helm 4, "Use OCI-based registries" (install by digest).
    """
    chart = str(resource.get("chart") or "")
    if chart.startswith("oci://") and not _DIGEST.search(chart) and not resource.get("verify"):
        yield Finding(message=f"{chart} is taken by tag", fix="Append @sha256:<digest>, or set verify and keyring.")


def release_recovers(resource: Resource) -> Iterable[Answer]:
    """Helm releases roll back when they fail, and have a name of their own.

    A half-installed release blocks the next update ("another operation is in progress"); an automatic name changes
    when the release is replaced.
    Source: Pulumi, `kubernetes.helm.v3.Release` (`atomic`, `name`).
    """
    if resource.get("atomic") is not True:
        yield Finding(message="atomic is not set", fix="Set atomic and cleanupOnFail.")
    if not resource.get("name"):
        yield Finding(message="name is not set, so Pulumi generates one", fix="Set name.")


def image_pinned(resource: Resource) -> Iterable[Answer]:
    """No image has a moving tag, or none at all.

    `latest` is another program tomorrow, and a node that has it cached runs yesterday's.
    Source: Kubernetes, "Images" (avoid `:latest` in production).
    """
    for path, reference in _images(resource):
        if reference is UNKNOWN:
            yield Doubt(path, _UNKNOWN_IMAGE)
            continue
        moving = _moving(str(reference))
        if moving is None:
            yield Doubt(path, _UNKNOWN_IMAGE)
        elif moving:
            yield Finding(message=f"{path}: {reference!r} {moving}", fix="Name a version, better a digest.")


def image_digest(resource: Resource) -> Iterable[Answer]:
    """Images are pinned by digest.

    A version tag can be pushed again; a digest cannot. The helper image is exempt, since it follows the runner's
    version.
    Source: Kubernetes, "Images" (image digests); SLSA.
    """
    for path, reference in _images(resource):
        if reference is UNKNOWN or _moving(str(reference)) is None:
            yield Doubt(path, _UNKNOWN_IMAGE)
        elif not _DIGEST.search(str(reference)) and not _RUNNER_OWN.search(str(reference)):
            yield Finding(message=f"{path}: {reference!r} has no digest", fix="Append @sha256:<digest of the index>.")


def _is_local(chart: str) -> bool:
    """Tell whether a chart is a folder or a file: the repository that holds it pins it."""
    return chart.startswith((".", "/", "file://")) or ("://" not in chart and chart.endswith(".tgz"))


def _moving(reference: str) -> str | None:
    """Return what is wrong with an image reference, empty when nothing is, None when a variable hides it."""
    if _DIGEST.search(reference):
        return ""
    tag = reference.rsplit("/", 1)[-1].partition(":")[2]
    known = _RUNNER_OWN.sub("0", tag)
    if "$" in known or "{{" in reference or (not tag and "$" in reference):
        return None
    if not tag:
        return "has neither tag nor digest, which means latest"
    return "has a moving tag" if _MOVING.search(known) else ""


def _images(resource: Resource) -> Iterator[tuple[str, Any]]:
    """Yield path and reference of every image: of pods, of Helm values, and of the jobs' configuration."""
    pod = pod_spec(resource)
    if pod is not None:
        for path, container in containers(pod[1], pod[0]):
            yield join(path, "image"), container.get("image", "")
        return
    yield from _value_images(helm_values(resource), "values")
    for path, runner in executors(resource):
        yield from _executor_images(kubernetes_table(runner), f"{path}.kubernetes")


def _executor_images(table: Mapping[str, Any], at: str) -> Iterator[tuple[str, Any]]:
    for key in ("image", "helper_image"):
        if table.get(key):
            yield join(at, key), table[key]
    for index, service in enumerate(table.get("services") or ()):
        yield f"{at}.services[{index}].name", service.get("name", "")


def _value_images(value: Any, at: str) -> Iterator[tuple[str, Any]]:
    """Find images in Helm values: `image: name:tag`, or `image: {registry, repository or image, tag, digest}`.

    A mapping without a tag leaves the choice to the chart, which is pinned itself.
    """
    if isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _value_images(item, join(at, index))
    if not isinstance(value, Mapping):
        return
    for key, item in value.items():
        path = join(at, key)
        if key != "image":
            yield from _value_images(item, path)
        elif isinstance(item, Mapping):
            yield from _mapped_image(item, path)
        elif isinstance(item, str) or item is UNKNOWN:
            yield path, item


def _mapped_image(image: Mapping[str, Any], at: str) -> Iterator[tuple[str, Any]]:
    if any(item is UNKNOWN for item in image.values()):
        yield at, UNKNOWN
        return
    name = "/".join(str(image[key]) for key in ("registry", "repository", "image") if image.get(key))
    if image.get("digest"):
        yield at, f"{name}@{image['digest']}"
    elif image.get("tag"):
        yield at, f"{name}:{image['tag']}"
