"""Which rehearsal provider speaks for a package. A package without one is never passed over silently."""

from collections.abc import Callable, Mapping
from pathlib import Path

from multiarch.model.providers.base import RehearsalProvider
from multiarch.model.providers.kinds import KindProvider


def _kubernetes() -> RehearsalProvider:
    from multiarch.model.providers.kubernetes import KubernetesProvider  # noqa: PLC0415 - a plan loads only its own cloud's rules

    return KubernetesProvider()


def _gitlab() -> RehearsalProvider:
    from multiarch.model.providers.gitlab import GitlabProvider  # noqa: PLC0415 - a plan loads only its own cloud's rules

    return GitlabProvider()


def _multiarch() -> RehearsalProvider:
    from multiarch.model.providers.multiarch import MultiArchProvider  # noqa: PLC0415 - a plan loads only its own cloud's rules

    return MultiArchProvider()


_OF_NO_CLOUD: Mapping[str, Callable[[], RehearsalProvider]] = {
    "gitlab": _gitlab,
    "kubernetes": _kubernetes,
    "multiarch": _multiarch,
}


def providers() -> Mapping[str, Callable[[], RehearsalProvider]]:
    """Return what makes each rehearsal provider, by package: those of the clouds, and of what every stack may use."""
    from multiarch.model.clouds import KNOWN  # noqa: PLC0415 - the clouds are made of the parts in this package

    return {**_OF_NO_CLOUD, **{known.package: known.provider for known in KNOWN.values() if known.provider}}


def provider_for(package: str) -> RehearsalProvider | None:
    """Give the package's rehearsal provider, or None."""
    make = providers().get(package)
    return make() if make else None


def record_of(token: str) -> Path:
    """Return the `replaced.json` beside the stand-in for a kind. Raises KeyError for a kind that has none."""
    provider = provider_for(token.partition(":")[0])
    if not isinstance(provider, KindProvider):
        raise KeyError(token)
    return provider.record
