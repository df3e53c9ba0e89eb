"""From a kubeconfig's context to the official client's settings: with a login, or the reason why there is none."""

import importlib.util
import ipaddress
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from kubernetes import client, config

from components.kubeconfig_files import Files, KubeconfigError, Place
from multiarch.cluster.errors import LoginError
from multiarch.cluster.impersonation import Headers, headers_of
from multiarch.cluster.kubeconfig import read_and_remember
from multiarch.cluster.login import Credential, Plugin, log_in
from multiarch.cluster.oidc import stored_token
from multiarch.core.secrets import remember

_REMOVED: Final = {
    "gcp": "gke-gcloud-auth-plugin (gcloud container clusters get-credentials writes it)",
    "azure": "kubelogin (kubelogin convert-kubeconfig writes it)",
}
"""Logins that Kubernetes' own clients know no more since 1.26, and what took their place."""


class Settings(client.Configuration):
    """The official client's settings, and whom each request acts as."""

    impersonated: Headers = ()


def settings_of(kubeconfig: Files, context: str, login_seconds: float | None = None) -> Settings:
    """Read a context and log in.

    Raises KubeconfigError for what is wrong with the files, and LoginError when the login fails.
    """
    kubeconfigs = read_and_remember(kubeconfig)
    place = kubeconfigs.place(context)
    with _named(f"{kubeconfigs.name}, context '{context}'"):
        _prepare(_load(place.cluster, place.user), place)  # before a login program is run
        return _prepare(_logged_in(place, login_seconds), place)


def check_context(kubeconfig: Files, context: str) -> None:
    """Raise KubeconfigError for what `settings_of` would find wrong before it logs in; nothing is run or asked."""
    kubeconfigs = read_and_remember(kubeconfig)
    place = kubeconfigs.place(context)
    with _named(f"{kubeconfigs.name}, context '{context}'"):
        _prepare(_load(place.cluster, place.user), place)


def _prepare(settings: Settings, place: Place) -> Settings:
    _check_certificates(settings)
    _set_proxy(settings, place.cluster.get("proxy-url"))
    settings.impersonated = headers_of(place.user)
    return settings


@contextmanager
def _named(of: str) -> Iterator[None]:
    """Put files and context before what is wrong with them."""
    try:
        yield
    except LoginError as error:
        raise LoginError(f"{of}: {error}") from error
    except KubeconfigError as error:
        raise KubeconfigError(f"{of}: {error.found}", error.fix) from error
    except OSError as error:
        found = f"{of}: {error.filename}: {(error.strerror or str(error)).lower()}"
        raise KubeconfigError(found, "Name a file that you may read.") from error
    except Exception as error:  # a kubeconfig can be wrong in any way that upstream lets it
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise KubeconfigError(f"{of}: {reason}", "Correct it, or name another context.") from error


def _logged_in(place: Place, seconds: float | None) -> Settings:
    user = place.user
    if user.get("token") or user.get("tokenFile"):
        return _load(place.cluster, user)
    if user.get("auth-provider"):
        return _load(place.cluster, {**user, "token": _providers_token(user["auth-provider"])})
    return _by_program(place, seconds) if user.get("exec") else _load(place.cluster, user)


def _providers_token(provider: Mapping[str, Any]) -> str:
    name = provider.get("name")
    if name == "oidc":
        return stored_token(provider.get("config") or {})
    if name in _REMOVED:
        raise LoginError(f"its login is auth-provider '{name}', which Kubernetes removed; use {_REMOVED[name]}")
    raise LoginError(f"its login is auth-provider '{name}', which is unknown; use a login program (`exec`)")


def _by_program(place: Place, seconds: float | None) -> Settings:
    plugin = Plugin.of(place.user["exec"], place.cluster)
    credential = log_in(plugin, seconds)
    settings = _load(place.cluster, {**place.user, **credential.user()})
    if credential.token:
        renewal: Any = _Renewal(plugin, credential, seconds)
        settings.refresh_api_key_hook = renewal  # upstream's type for it is None
    return settings


class _Renewal:
    """Gives the client a new token when the one it has expires, whichever thread asks first."""

    def __init__(self, plugin: Plugin, credential: Credential, seconds: float | None) -> None:
        self._plugin, self._credential, self._seconds = plugin, credential, seconds
        self._lock = threading.Lock()

    def __call__(self, settings: client.Configuration) -> None:
        """Upstream's hook, called before every request. Raises LoginError."""
        with self._lock:
            if self._credential.stale(datetime.now(UTC)):
                self._credential = log_in(self._plugin, self._seconds)
                settings.api_key["BearerToken"] = f"Bearer {self._credential.token}"


def _load(cluster: Mapping[str, Any], user: Mapping[str, Any]) -> Settings:
    settings = Settings()
    document = {
        "clusters": [{"name": "it", "cluster": _stated(cluster)}],
        # Not handed on: upstream would run a login without a time limit, and renew one without writing it back.
        "users": [{"name": "it", "user": _with_token(_stated(user, "exec", "auth-provider"))}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "current-context": "it",
    }
    config.load_kube_config_from_dict(  # type: ignore[no-untyped-call]  # upstream is half typed
        document, context="it", client_configuration=settings, persist_config=False
    )
    return settings


def _stated(entry: Mapping[str, Any], *without: str) -> dict[str, Any]:
    """Leave out what is empty: an empty `…-data` would hide the file beside it from upstream."""
    return {key: value for key, value in entry.items() if value and key not in without}


def _with_token(user: Mapping[str, Any]) -> dict[str, Any]:
    """Read the token's file as kubectl does: it wins over an inline token, and white space around it is not part of it.

    Source: k8s.io/client-go v0.36.3 transport/token_source.go (strings.TrimSpace). Raises LoginError, OSError.
    """
    others = {key: value for key, value in user.items() if key != "tokenFile"}
    if user.get("tokenFile"):
        others["token"] = Path(user["tokenFile"]).read_text(encoding="utf-8").strip()
        remember([others["token"]])
        if not others["token"]:
            raise LoginError(f"its token file {user['tokenFile']} is empty")
    if not str(others.get("token") or "").isprintable():  # no HTTP header takes it, and upstream would show it
        raise LoginError("its token has a line break or another control character in it; write it on one line")
    return others


_ANEW: Final = "Write the context again, or correct that entry."


def _check_certificates(settings: Settings) -> None:
    """Read them as a connection would. Raises KubeconfigError for what is unreadable, no PEM, or no pair."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if settings.ssl_ca_cert:
        try:
            context.load_verify_locations(settings.ssl_ca_cert)
        except OSError as error:  # ssl.SSLError is one
            raise KubeconfigError(f"its CA certificate cannot be read: {_why(error)}", _ANEW) from error
    if settings.cert_file:
        try:
            context.load_cert_chain(settings.cert_file, settings.key_file, password=_no_password)
        except OSError as error:
            what = "its client-certificate and client-key do not belong together, or cannot be read"
            raise KubeconfigError(f"{what}: {_why(error)}", _ANEW) from error


def _no_password() -> str:
    """Stand for the password of an encrypted key: without this, OpenSSL would ask the terminal and wait."""
    return ""


def _why(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or str(error)).lower().replace("_", " ")
    return (error.strerror or str(error)).lower()


def _set_proxy(settings: Settings, stated: str | None) -> None:
    """Take the kubeconfig's proxy for every server, as client-go does; the environment's for none on this machine."""
    if stated:
        settings.proxy, settings.no_proxy = stated, ""
    elif _is_loopback(settings.host):
        settings.proxy = None
    proxy = settings.proxy or ""
    if not proxy.startswith("socks"):
        return
    if importlib.util.find_spec("socks") is None:
        raise KubeconfigError("its proxy speaks SOCKS, and the module for it is missing", "pip install PySocks")
    # client-go leaves names to the proxy to resolve, whichever way it is spelled.
    settings.proxy = proxy.replace("socks5://", "socks5h://", 1)


def _is_loopback(server: str) -> bool:
    host = urlsplit(server).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
