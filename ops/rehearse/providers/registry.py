"""Which rehearsal provider speaks for a package. A package without one is never passed over silently."""

from collections.abc import Callable, Mapping

from ops.rehearse.providers.base import RehearsalProvider


def _kubernetes() -> RehearsalProvider:
    from ops.rehearse.providers.kubernetes import KubernetesProvider  # noqa: PLC0415 - a plan loads only its own cloud's rules

    return KubernetesProvider()


PROVIDERS: Mapping[str, Callable[[], RehearsalProvider]] = {
    "kubernetes": _kubernetes,
}


def provider_for(package: str) -> RehearsalProvider | None:
    """Give the package's rehearsal provider, or None."""
    make = PROVIDERS.get(package)
    return make() if make else None
