"""What the installed release really is, read back from the cluster: its config, its manager, its identity."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from multiarch.cluster.api import Api, ApiRefused
from multiarch.model.executor import ExecutorConfig, effective_config
from multiarch.model.release import InstallFailed, PlannedRelease

_VERSION = re.compile(r"v([0-9]+\.[0-9]+\.[0-9]+)")
TOKEN_SECONDS = 3600


class Lists(Protocol):
    """What is needed of an API to read a release back: nothing but lists."""

    def items(self, path: str) -> list[dict[str, Any]]:
        """List objects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """A release of the runner, as the cluster has it."""

    namespace: str
    release: str
    deployment: str
    selector: Mapping[str, str]
    """Labels of the manager's pods."""
    service_account: str
    """The manager's, in `namespace`: who creates the jobs' pods."""
    config: ExecutorConfig
    runner_version: str
    """From the manager's image; empty where its tag does not say."""

    @property
    def job_namespace(self) -> str:
        """Where jobs run."""
        return self.config.kubernetes.text("namespace") or "default"


def read_back(api: Lists, release: PlannedRelease) -> Installed:
    """Read the release's objects. Raises InstallFailed when they are not there, ConfigInvalid for a broken config."""
    deployment = _only(api, "/apis/apps/v1", "deployments", release, lambda _: True)
    config_map = _only(api, "/api/v1", "configmaps", release, lambda item: "config.toml" in (item.get("data") or {}))
    pod = deployment["spec"]["template"]["spec"]
    manager = pod["containers"][0]
    environment = {entry["name"]: entry.get("value", "") for entry in manager.get("env") or []}
    match = _VERSION.search(manager["image"].rpartition(":")[2])
    return Installed(
        namespace=release.namespace,
        release=release.name,
        deployment=deployment["metadata"]["name"],
        selector=deployment["spec"]["selector"]["matchLabels"],
        service_account=pod.get("serviceAccountName") or "default",
        # The token stays where it is: nine letters of a placeholder name the pods as well.
        config=effective_config(config_map["data"], environment, "glrt-rehearsal"),
        runner_version=match.group(1) if match else "",
    )


def service_account_api(api: Api, namespace: str, name: str) -> Api:
    """Return the API as a service account sees it. Raises InstallFailed when there is no such account."""
    return api.with_token(service_account_token(api, namespace, name))


def service_account_token(api: Api, namespace: str, name: str) -> str:
    """Return a short-lived token of a service account (TokenRequest).

    Raises InstallFailed when there is no such account.
    """
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
    request = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": TOKEN_SECONDS},
    }
    try:
        answer = api.create(path, request)
    except ApiRefused as refusal:
        if not refusal.definite:
            raise
        raise InstallFailed(f"no token for the service account {namespace}/{name}: {refusal.message}") from refusal
    return str(answer["status"]["token"])


def _only(api: Lists, root: str, plural: str, release: PlannedRelease, wanted: Any) -> dict[str, Any]:
    items = [
        item
        for item in api.items(f"{root}/namespaces/{release.namespace}/{plural}")
        if (item["metadata"].get("annotations") or {}).get("meta.helm.sh/release-name") == release.name and wanted(item)
    ]
    if len(items) != 1:
        raise InstallFailed(
            f"the release {release.name} has {len(items)} {plural} in {release.namespace} that could be the runner's"
        )
    return items[0]
