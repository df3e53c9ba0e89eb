"""The kubeconfig file of the control plane's clients."""

import base64

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
    """Return a kubeconfig with everything embedded, for a server URL such as `https://127.0.0.1:40123`."""

    def encoded(pem: bytes) -> str:
        return base64.b64encode(pem).decode("ascii")

    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": CONTEXT, "cluster": {"server": server, "certificate-authority-data": encoded(authority)}}
        ],
        "users": [
            {
                "name": CONTEXT,
                "user": {
                    "client-certificate-data": encoded(client.certificate),
                    "client-key-data": encoded(client.key),
                },
            }
        ],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT}}],
        "current-context": CONTEXT,
    }
    return yaml.safe_dump(document, sort_keys=False).encode("utf-8")
