"""Which rehearsal provider speaks for a package. A package without one is never passed over silently."""

from collections.abc import Callable, Mapping

from multiarch.model.providers.base import RehearsalProvider


def _kubernetes() -> RehearsalProvider:
    from multiarch.model.providers.kubernetes import KubernetesProvider  # noqa: PLC0415 - a plan loads only its own cloud's rules

    return KubernetesProvider()


def _gcp() -> RehearsalProvider:
    from multiarch.model.providers.gcp import GcpProvider  # noqa: PLC0415 - a plan loads only its own cloud's rules

    return GcpProvider()


def _aws() -> RehearsalProvider:
    from multiarch.model.providers.aws import AwsProvider  # noqa: PLC0415 - a plan loads only its own cloud's rules

    return AwsProvider()


def _azure_native() -> RehearsalProvider:
    from multiarch.model.providers.azure_native import AzureNativeProvider  # noqa: PLC0415 - a plan loads only its own cloud's rules

    return AzureNativeProvider()


def _gitlab() -> RehearsalProvider:
    from multiarch.model.providers.gitlab import GitlabProvider  # noqa: PLC0415 - a plan loads only its own cloud's rules

    return GitlabProvider()


def _multiarch() -> RehearsalProvider:
    from multiarch.model.providers.multiarch import MultiArchProvider  # noqa: PLC0415 - a plan loads only its own cloud's rules

    return MultiArchProvider()


PROVIDERS: Mapping[str, Callable[[], RehearsalProvider]] = {
    "aws": _aws,
    "azure-native": _azure_native,
    "gcp": _gcp,
    "gitlab": _gitlab,
    "kubernetes": _kubernetes,
    "multiarch": _multiarch,
}


def provider_for(package: str) -> RehearsalProvider | None:
    """Give the package's rehearsal provider, or None."""
    make = PROVIDERS.get(package)
    return make() if make else None
