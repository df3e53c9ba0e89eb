"""The first words with a new API server: is it ready, may kwok do its work, are the service accounts there."""

import json
import time
from http import HTTPStatus
from typing import Any

import urllib3

from multiarch.core.waiting import wait_while
from multiarch.rehearse.control_plane.errors import StartError
from multiarch.rehearse.control_plane.processes import Processes
from multiarch.rehearse.control_plane.programs import Layout

_POLL_SECONDS = 0.05
_TIMEOUT = urllib3.Timeout(connect=2.0, read=5.0)
_CONFLICT = 409
_KWOK = "multiarch-rehearsal:kwok"

# What kwok does: play the kubelet. Its own manifest (kustomize/rbac/role.yaml, v0.8.0) without its custom resources.
_KWOK_RULES = [
    {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["nodes/status", "pods/status"], "verbs": ["patch", "update"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch", "patch", "update", "delete"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch", "update"]},
    {
        "apiGroups": ["coordination.k8s.io"],
        "resources": ["leases"],
        "verbs": ["get", "list", "watch", "create", "patch", "update"],
    },
]


class Probe:
    """The administrator's plain HTTPS connection to the API server, before a client library is worth its start."""

    def __init__(self, server: str, layout: Layout) -> None:
        self._server = server
        self._pool = urllib3.PoolManager(
            cert_reqs="CERT_REQUIRED",
            ca_certs=str(layout.pki / "ca.crt"),
            cert_file=str(layout.pki / "admin.crt"),
            key_file=str(layout.pki / "admin.key"),
            retries=False,
            timeout=_TIMEOUT,
        )

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of a GET; status 0 and the reason when there was no answer."""
        try:
            answer = self._pool.request("GET", self._server + path)
        except urllib3.exceptions.HTTPError as error:
            return 0, str(error)
        return answer.status, answer.data.decode("utf-8", "replace")

    def create(self, path: str, body: dict[str, Any]) -> None:
        """Create an object. Raises StartError when the API server refuses it; one that is there is left alone."""
        try:
            answer = self._pool.request("POST", self._server + path, json=body)
        except urllib3.exceptions.HTTPError as error:
            raise StartError(f"the API server did not answer: {error}") from error
        if answer.status >= 300 and answer.status != _CONFLICT:  # noqa: PLR2004 - HTTP's success is 2xx
            raise StartError(f"{path}: {answer.status}: {answer.data.decode('utf-8', 'replace')}")

    def wait_until_ready(self, processes: Processes, deadline: float) -> None:
        """Wait until /readyz says ok. Raises StartError when a program ends before that, or at the deadline."""

        def open_checks() -> str:
            processes.check()
            status, body = self.get("/readyz")
            failing = "; ".join(line for line in body.splitlines() if line.startswith("[-]"))
            return "" if status == HTTPStatus.OK else failing or body or f"it answers {status}"

        if left := wait_while(open_checks, deadline - time.monotonic(), every=_POLL_SECONDS):
            raise StartError(f"the API server is not ready in time: {left}")


def grant_kwok(probe: Probe, user: str) -> None:
    """Let kwok play the kubelet, and nothing more."""
    base = "/apis/rbac.authorization.k8s.io/v1"
    metadata = {"name": _KWOK}
    probe.create(f"{base}/clusterroles", {"metadata": metadata, "rules": _KWOK_RULES})
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": _KWOK}
    subjects = [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}]
    probe.create(f"{base}/clusterrolebindings", {"metadata": metadata, "roleRef": role, "subjects": subjects})


def wait_for_basics(probe: Probe, processes: Processes, deadline: float) -> None:
    """Wait until the controllers have given the namespace `default` its service account and the CA.

    Before that pods are refused: "error looking up service account". Raises StartError as `wait_until_ready` does.
    """
    for path in (
        "/api/v1/namespaces/default/serviceaccounts/default",
        "/api/v1/namespaces/default/configmaps/kube-root-ca.crt",
    ):

        def missing(path: str = path) -> str:
            processes.check()
            status, body = probe.get(path)
            there = status == HTTPStatus.OK and json.loads(body).get("metadata")
            return "" if there else body or f"it answers {status}"

        if left := wait_while(missing, deadline - time.monotonic(), every=_POLL_SECONDS):
            raise StartError(f"the controllers did not make {path} in time: {left}")
