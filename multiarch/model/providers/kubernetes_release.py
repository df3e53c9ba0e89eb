"""helm.sh/v3 Release: what Helm, and good sense about secrets, refuse."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from multiarch.model.providers.base import Created, Refusal
from multiarch.model.providers.kinds import Inputs, Kind, get, number, refusal, text
from multiarch.model.providers.names import dns_label_fault
from multiarch.model.providers.values import UNKNOWN, unmarked_strings

TOKEN = "kubernetes:helm.sh/v3:Release"  # noqa: S105 - a Pulumi type token
NAME_MAX = 53
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_VERSION = re.compile(r"v?\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")
_RUNNER_TOKEN = re.compile(r"\bglr(t|tr)-[0-9A-Za-z_-]{8,}")


def chart_and_version(inputs: Inputs) -> Iterator[Refusal]:
    """Want a chart; from a repository with an exact version, to be the same tomorrow."""
    chart = inputs.get("chart")
    if chart is None or chart == "":
        yield refusal("chart", 'chart "" not found: no chart was named', "helm/helm pkg/action/install.go LocateChart")
        return
    version, local = inputs.get("version"), _is_local(chart)
    if version is UNKNOWN or local:
        return
    if not isinstance(version, str) or not version:
        message = "no version: Helm would take the newest chart of the day"
        yield refusal("version", message, "helm/helm pkg/action/install.go ChartPathOptions.Version")
    elif not _VERSION.fullmatch(version):
        message = f"{version!r} is not an exact chart version: Helm would take the newest chart that fits"
        yield refusal("version", message, "helm/helm pkg/action/install.go ChartPathOptions.Version")


def _is_local(chart: Any) -> bool:
    """Tell a chart on this machine, whose version is in its files, as Helm does: a path that is there comes first."""
    return isinstance(chart, str) and (chart.startswith((".", "/")) or Path(chart).exists())


def release_name(inputs: Inputs) -> Iterator[Refusal]:
    """Helm's own name rule: it becomes part of label values."""
    name = text(inputs.get("name"))
    if name is not None and (len(name) > NAME_MAX or not _NAME.fullmatch(name)):
        message = f"invalid release name, must match regex {_NAME.pattern} and the length must not be longer than 53"
        yield refusal("name", message, "helm/helm pkg/chart/common/util ValidateReleaseName")
    namespace = text(inputs.get("namespace"))
    if namespace is not None and (fault := dns_label_fault(namespace)):
        yield refusal(
            "namespace", f"Invalid value: {namespace!r}: {fault}", "kubernetes/kubernetes ValidateNamespaceName"
        )


def no_token_in_values(inputs: Inputs) -> Iterator[Refusal]:
    """Helm stores values in its release Secret and `helm get values` prints them: a runner token is no value."""
    for path, found in unmarked_strings(get(inputs, "values"), "values"):
        if _RUNNER_TOKEN.search(found):
            message = "a runner token in Helm values: Helm keeps values readable; name an existing Secret instead"
            yield refusal(path, message, "docs.gitlab.com/runner/install/kubernetes runners.secret")


def positive_numbers(inputs: Inputs) -> Iterator[Refusal]:
    """Refuse a timeout of 0, with which `atomic` never succeeds."""
    timeout = number(inputs.get("timeout"))
    if timeout is not None and timeout <= 0:
        yield refusal("timeout", f"timeout is {timeout}: the release would time out at once", "helm/helm pkg/kube Wait")


def _create(name: str, inputs: Inputs) -> Created:
    physical = text(inputs.get("name")) or f"{name}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    namespace = inputs.get("namespace") or "default"
    status: dict[str, Any] = {
        "appVersion": "",
        "chart": inputs.get("chart"),
        "name": physical,
        "namespace": namespace,
        "revision": 1,
        "status": "deployed",
        "version": inputs.get("version"),
    }
    outputs = {
        **inputs,
        "name": physical,
        "namespace": namespace,
        "status": status,
        "resourceNames": {},
        "manifest": {},
    }
    return Created(id=f"{namespace}/{physical}", outputs=outputs)


KIND = Kind(
    rules=(chart_and_version, release_name, no_token_in_values, positive_numbers),
    create=_create,
)
