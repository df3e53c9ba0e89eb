"""To whom a password or token may be shown: one question (`may_have`), and nothing else answers it."""

from __future__ import annotations

from collections.abc import Iterable

from archmerge.errors import NetworkError
from archmerge.transport.connections import Options, Origin, address_of, origin_of

# Names under these are given to strangers (publicsuffix.org, its private part, as far as registries and their token
# services may live there). The whole list is 250 KB; what is missing here costs safety only against a neighbour.
_SHARED = frozenset(
    {
        "aliyuncs.com", "amazonaws.com", "amazonaws.com.cn", "appspot.com", "aws", "azure.com", "azurecontainerapps.io",
        "azurecr.cn", "azurecr.io", "azurefd.net", "azurewebsites.net", "cloudapp.net", "cloudfront.net",
        "cluster.local", "ddns.net", "digitaloceanspaces.com", "duckdns.org", "dyndns.org", "firebaseapp.com",
        "fly.dev", "github.dev", "github.io", "githubusercontent.com", "gitlab.io", "herokuapp.com", "jfrog.io",
        "loca.lt", "local", "myhuaweicloud.com", "myqcloud.com", "netlify.app", "ngrok-free.app", "ngrok-free.dev",
        "ngrok.app", "ngrok.dev", "ngrok.io", "nip.io", "no-ip.org", "ondigitalocean.app", "onrender.com",
        "openshiftapps.com", "pages.dev", "r2.dev", "railway.app", "readthedocs.io", "repl.co", "run.app", "scw.cloud",
        "sslip.io", "synology.me", "trycloudflare.com", "ts.net", "vercel.app", "web.app", "windows.net", "workers.dev",
        "xip.io",
    }
)  # fmt: skip
_SECOND_LEVELS = frozenset({"asso", "firm", "gouv", "govt", "info", "priv", "school"})
"""As in gouv.fr; those of up to three letters (co.uk, com.au) are known by their length."""
_COUNTRY = 2
_SHORT = 3


def may_have(registry: Origin, there: Origin, options: Options, *, realms: Iterable[str] | None = None) -> bool:
    """Whether what belongs to `registry` (its password, a token of it) may be sent to `there`.

    A registry's own origin may have both, and nobody else a token. A token service (`realms` is not None) may have the
    password where it shows that it is the registry's (`related`), or is one of `realms`, which the user or the job's
    environment has named. All of them by TLS only, unless the user has named that host as one of plain HTTP.
    """
    if there.scheme == "http" and not _unencrypted(registry, there, options):
        return False
    if there == registry:
        return True
    return realms is not None and (related(registry.host, there.host) or named(there, realms))


def _unencrypted(registry: Origin, there: Origin, options: Options) -> bool:
    """Whether the user has named this host as one of plain HTTP: `there`, or the registry at another port of it."""
    if named(there, options.plain_http):
        return True
    return there.host == registry.host and registry.scheme == "http" and named(registry, options.plain_http)


def named(origin: Origin, hosts: Iterable[str]) -> bool:
    """Whether `origin` is one of `hosts`, which are written as in references: `host` or `host:port`."""
    return any(_origin(origin.scheme, host) == origin for host in hosts)


def _origin(scheme: str, host: str) -> Origin | None:
    try:
        return origin_of(f"{scheme}://{host}")
    except NetworkError:
        return None


def related(registry: str, realm: str) -> bool:
    """Whether a realm's host shows that it is the registry's: the same host, or the same registrable domain.

    >>> related("registry.example.com", "gitlab.example.com"), related("registry.example.com", "example.org")
    (True, False)
    >>> related("mine.azurecr.io", "thief.azurecr.io"), related("mine.co.uk", "thief.co.uk")
    (False, False)
    """
    if registry == realm:
        return True
    if address_of(registry) or address_of(realm):
        return False
    domain = _domain(registry)
    return (bool(domain) and domain == _domain(realm)) or _alibaba(registry, realm)


def _domain(host: str) -> str:
    """Return the domain that somebody has registered; empty where only the whole host is known to be somebody's."""
    labels = host.rstrip(".").split(".")
    if any(".".join(labels[number:]) in _SHARED for number in range(len(labels))):
        return ""
    size = 2
    if len(labels) > 1 and len(labels[-1]) == _COUNTRY and (len(labels[-2]) <= _SHORT or labels[-2] in _SECOND_LEVELS):
        size = 3
    return ".".join(labels[-size:]) if len(labels) >= size else ""


def _alibaba(registry: str, realm: str) -> bool:
    """Alibaba Cloud's registries share a domain with its customers' buckets, and name `dockerauth.REGION.aliyuncs.com`.

    A bucket called dockerauth is at `dockerauth.oss-REGION`.
    """
    suffix = ".aliyuncs.com"
    if not (registry.endswith(suffix) and realm.endswith(suffix)):
        return False
    service, _, region = realm.removesuffix(suffix).partition(".")
    return (service == "dockerauth" or service.startswith("dockerauth-")) and not (
        "." in region or region.startswith("oss")
    )
