"""The kubeconfig file of the control plane's clients."""

import base64
from collections.abc import Mapping

import yaml

from multiarch.cluster.kubeconfig import Purpose
from multiarch.rehearse.control_plane.pki import KeyPair

CONTEXT = "multiarch-rehearsal"
"""Name of the embedded control plane's context, cluster and user."""
REHEARSAL = Purpose(
    unnamed="the rehearsal would create nodes and namespaces in the current context's cluster",
    consequence="there is no cluster to rehearse on",
    instead="leave it out to use the embedded control plane",
)


def render(server: str, authority: bytes, client: KeyPair) -> bytes:
    """Return the kubeconfig of a client with a certificate, for a server URL such as `https://127.0.0.1:40123`."""
    user = {"client-certificate-data": _encoded(client.certificate), "client-key-data": _encoded(client.key)}
    return _document(server, authority, user)


def render_for_token(server: str, authority: bytes, token: str) -> bytes:
    """Return the kubeconfig of a token's bearer."""
    return _document(server, authority, {"token": token})


def _document(server: str, authority: bytes, user: Mapping[str, str]) -> bytes:
    cluster = {"server": server, "certificate-authority-data": _encoded(authority)}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": CONTEXT, "cluster": cluster}],
        "users": [{"name": CONTEXT, "user": dict(user)}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT}}],
        "current-context": CONTEXT,
    }
    return yaml.safe_dump(document, sort_keys=False).encode("utf-8")


def _encoded(pem: bytes) -> str:
    return base64.b64encode(pem).decode("ascii")
