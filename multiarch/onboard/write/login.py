"""How each cloud is logged in to, and which program on PATH fetches the cluster's credentials."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """One cloud's login: the command for its Pulumi provider, and the plugin that Kubernetes clients call."""

    command: str
    plugin: str
    install: str


LOGINS: Final[Mapping[str, Login]] = {
    "gke": Login(
        command="gcloud auth application-default login",
        plugin="gke-gcloud-auth-plugin",
        install="gcloud components install gke-gcloud-auth-plugin",
    ),
    "eks": Login(
        command="export AWS_PROFILE=...      (read by the AWS provider and by `aws eks get-token` alike)",
        plugin="aws",
        install="the AWS CLI, version 2",
    ),
    "aks": Login(
        command="az login",
        plugin="kubelogin",
        install="az aks install-cli",
    ),
}
"""As each cloud of `components/clouds` makes kubeconfigs."""
