"""Identities that may see less than an administrator."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import yaml

from multiarch.cluster.api import Api
from multiarch.cluster.connection import Connection
from multiarch.model.readback import service_account_api
from tests.cluster.doctor_lab.ward import Ward, made

_RBAC = "/apis/rbac.authorization.k8s.io/v1"


@contextmanager
def identity(
    ward: Ward, folder: Path, role: str = "", rules: Sequence[Mapping[str, Any]] | None = None
) -> Iterator[Connection]:
    """Connect as a service account of its own: with a ClusterRole, with rules of its own, or with nothing."""
    name = f"doctor-{secrets.token_hex(4)}"
    group = "rbac.authorization.k8s.io"
    with ExitStack() as stack:
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}
        stack.enter_context(made(ward, "/api/v1/namespaces/default/serviceaccounts", account))
        if rules is not None:
            body = {"apiVersion": f"{group}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules}
            stack.enter_context(made(ward, f"{_RBAC}/clusterroles", body))
            role = name
        if role:
            binding = {
                "apiVersion": f"{group}/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {"name": name},
                "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
                "subjects": [{"kind": "ServiceAccount", "namespace": "default", "name": name}],
            }
            stack.enter_context(made(ward, f"{_RBAC}/clusterrolebindings", binding))
        path = _kubeconfig(ward, folder / f"{name}.yaml", token_of(ward.api, name))
        connection = stack.enter_context(Connection(path, "less"))
        if role:
            api = Api.of(connection)
            ward.wait("the binding to hold", lambda: _may_list_pods(api))
        yield connection


def _may_list_pods(api: Api) -> bool:
    attributes = {"verb": "list", "resource": "pods", "namespace": "default"}
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    answer = api.create("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body)
    return bool(answer["status"].get("allowed"))


def token_of(api: Api, account: str) -> str:
    """Return a token of an account in `default`."""
    other = service_account_api(api, "default", account)
    try:
        return str(other._client.configuration.api_key["BearerToken"])
    finally:
        other.close()


def _kubeconfig(ward: Ward, path: Path, token: str) -> Path:
    authority = ward.connection.api.configuration.ssl_ca_cert
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": "less", "cluster": {"server": ward.connection.server, "certificate-authority": str(authority)}}
        ],
        "users": [{"name": "less", "user": {"token": token}}],
        "contexts": [{"name": "less", "context": {"cluster": "less", "user": "less"}}],
    }
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path
