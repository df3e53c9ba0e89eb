"""How the cluster is reached: the kubeconfig, its context, and what it calls the cluster. Asks no cluster."""

from dataclasses import dataclass

from components.kubeconfig_files import Files
from multiarch.cluster.kubeconfig import Purpose, find_context
from multiarch.cluster.look.names import KubeconfigNames

ONBOARDING = Purpose(
    unnamed="the current context's cluster would get a runner",
    consequence="there is no cluster to look at",
    instead="",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A context that is there: its server, and what the kubeconfig calls its parts."""

    server: str
    names: KubeconfigNames


def access_of(kubeconfig: Files, context: str) -> Access:
    """Find a context. Raises ConfigError where file or context are not there, or lead nowhere."""
    entry = find_context(kubeconfig, context, ONBOARDING)
    plugin = entry.place.user.get("exec") or {}
    names = KubeconfigNames(
        context=context,
        cluster=entry.place.cluster_name,
        user=entry.place.user_name,
        arguments=tuple(str(argument) for argument in plugin.get("args") or []),
    )
    return Access(server=entry.server, names=names)
