"""What a kubeconfig calls a context's parts: the clouds' own commands write a cluster's place into them."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeconfigNames:
    """What a kubeconfig calls a context's parts; the clouds' own commands write the cluster's place into them."""

    context: str
    cluster: str = ""
    user: str = ""
    arguments: tuple[str, ...] = ()
    """Of the command that fetches a token."""

    def all(self) -> tuple[str, ...]:
        """Return the names, the context's own first."""
        return tuple(filter(None, (self.context, self.cluster, self.user)))


def plain_name(names: KubeconfigNames) -> str:
    """Make a name for messages out of the context's: kind, k3d and minikube write the cluster's name into it."""
    return re.sub(r"^(kind-|k3d-)", "", names.context) or names.context
