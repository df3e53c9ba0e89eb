"""A job's services: which there are, what their containers are called, and by which names the build finds them."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from components.kubernetes_names import DNS_LABEL
from multiarch.model.executor.job import Job, RefusedError, Service
from multiarch.model.executor.table import Table
from multiarch.model.executor.variables import Variables, expand

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = re.compile(rf"{_LABEL}(\.{_LABEL})*")
"""k8s.io/apimachinery util/validation IsDNS1123Subdomain: what /etc/hosts may get."""
_SUBDOMAIN_MAX = 253
_COMPONENT = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_IMAGE = re.compile(
    rf"(?P<name>(?:[a-zA-Z0-9.-]+(?P<port>:[0-9]+)?/)?{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::[\w][\w.-]{0,127})?(?:@[a-z0-9+._-]+:[0-9a-fA-F]{32,})?"
)
"""The grammar of image references (distribution/reference), as far as names of services need it."""


def of_job(settings: Table, job: Job, variables: Variables) -> list[Service]:
    """Return the config's services and then the job's own; one without an image is none."""
    configured = [_configured(entry, variables) for entry in settings.tables("services")]
    return [service for service in (*configured, *job.services) if service.name]


def container_names(services: Sequence[Service]) -> list[str]:
    """Name service containers by the first free alias that is a DNS label, else `svc-<n>`."""
    used: set[str] = set()
    names: list[str] = []
    index = 0
    for service in services:
        aliases = _aliases(service)
        alias = next((name for name in aliases if name not in used and DNS_LABEL.fullmatch(name)), "")
        used.update(aliases)
        names.append(alias or f"svc-{index}")
        index += not alias
    return names


def host_aliases(settings: Table, services: Sequence[Service]) -> list[dict[str, Any]]:
    """Return the pod's lines of /etc/hosts: services at 127.0.0.1 first, then the config's (host_aliases.go).

    Raises RefusedError for an alias that is no DNS name, in upstream's words.
    """
    names = [name for service in services for name in (*_names_of_image(service.name), *_checked(service))]
    own = [{"ip": "127.0.0.1", "hostnames": names}] if names else []
    configured = [
        {"ip": alias.text("ip"), "hostnames": list(alias.texts("hostnames"))}
        for alias in settings.tables("host_aliases")
    ]
    return [*own, *configured]


def _configured(entry: Table, variables: Variables) -> Service:
    return Service(
        name=expand(entry.text("name"), variables),
        alias=expand(entry.text("alias"), variables),
        entrypoint=entry.texts("entrypoint"),
        command=entry.texts("command"),
    )


def _aliases(service: Service) -> list[str]:
    return service.alias.replace(",", " ").split()


def _checked(service: Service) -> Iterator[str]:
    for alias in _aliases(service):
        if not _is_subdomain(alias):
            raise RefusedError(f"provided host alias {alias} for service {service.name} is invalid DNS.")
        yield alias


def _names_of_image(image: str) -> Iterator[str]:
    """Yield the names that an image gives its service: its path without port and tag, `/` as `__` and as `-`."""
    match = _IMAGE.fullmatch(image)
    if match is None:
        return
    name = match["name"].replace(match["port"] or "", "", 1)
    yield from (
        alias for alias in dict.fromkeys((name.replace("/", "__"), name.replace("/", "-"))) if _is_subdomain(alias)
    )


def _is_subdomain(name: str) -> bool:
    return len(name) <= _SUBDOMAIN_MAX and _SUBDOMAIN.fullmatch(name) is not None
