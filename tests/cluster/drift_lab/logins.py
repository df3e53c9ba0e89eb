"""Logins with the rights that docs/drift-cluster.md gives them, and no others."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from multiarch.cluster.api import Api, ApiRefused
from multiarch.rehearse.control_plane.plane import ControlPlane
from tests.cluster.drift_lab.lab import ROOT, Lab
from tests.cluster.drift_lab.recorder import kubeconfig_for

ACCOUNT = "/api/v1/namespaces/gitlab-runner/serviceaccounts/multiarch-drift"
_DOCUMENT = ROOT / "docs" / "drift-cluster.md"


@contextmanager
def documented(lab: Lab, title: str, *, without: str = "") -> Iterator[None]:
    """Put the objects of one of the page's examples in force, `without` the rights to one resource."""
    text = next(
        found for found in re.findall(r"```yaml\n(.*?)```", _DOCUMENT.read_text(), re.DOTALL) if f"# {title}\n" in found
    )
    made = []
    try:
        if lab.api.find(ACCOUNT) is None:
            lab.create(ACCOUNT, {"metadata": {"name": "multiarch-drift"}})
        for item in _everywhere(yaml.safe_load_all(text)):
            for rule in item.get("rules") or []:
                rule["resources"] = [name for name in rule["resources"] if name != without]
            if "rules" in item:
                item["rules"] = [rule for rule in item["rules"] if rule["resources"]]
            lab.api.apply(item, manager="lab")
            made.append(item)
        yield
    finally:
        for item in reversed(made):
            lab.api.delete(lab.api.path_of(item))


def _everywhere(items: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Bind in the jobs' namespaces too, as the page says."""
    for item in items:
        yield item
        if item["kind"] == "RoleBinding":
            for namespace in ("gitlab-runner-jobs", "gitlab-runner-buildkit-jobs"):
                yield {**item, "metadata": {**item["metadata"], "namespace": namespace}}


def login(api: Api, plane: ControlPlane, folder: Path) -> Path:
    """Return a kubeconfig whose context `login` has a token of the account."""
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
    token = api.create(f"{ACCOUNT}/token", request)["status"]["token"]
    return kubeconfig_for(folder, plane, token=token, name="login")


def writes_refused(api: Api) -> bool:
    """Tell whether the admission rule is in force: the API server compiles it a moment after it was stored."""
    try:
        api.create("/api/v1/namespaces/gitlab-runner/configmaps", {"metadata": {"generateName": "probe-"}})
    except ApiRefused as refusal:
        return "may only ask" in refusal.message
    return False
