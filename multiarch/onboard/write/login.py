"""How each cloud is logged in to, and which program on PATH fetches the cluster's credentials."""

from dataclasses import dataclass

from multiarch.onboard.answers.texts import of_clouds


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """One cloud's login: the command for its Pulumi provider, and the plugin that Kubernetes clients call."""

    command: str
    plugin: str
    install: str


def login_of(cluster_type: str) -> Login:
    """Return how a cloud in which pools are made is logged in to."""
    return Login(**of_clouds()[cluster_type]["login"])
