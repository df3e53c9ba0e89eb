"""From a kubeconfig's context to the official client's settings: with a login, or the reason why there is none."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import yaml
from kubernetes import client, config

from ops.kubernetes.errors import LoginError
from ops.kubernetes.login import Credential, Plugin, log_in
from ops.reporting.secrets import remember, remember_document

_FILES: Final = {
    "clusters": ("certificate-authority",),
    "users": ("client-certificate", "client-key", "tokenFile"),
}
"""What is relative to the kubeconfig's folder."""
_REMOVED: Final = {
    "gcp": "gke-gcloud-auth-plugin (gcloud container clusters get-credentials writes it)",
    "azure": "kubelogin (kubelogin convert-kubeconfig writes it)",
}
"""Logins that Kubernetes' own clients know no more since 1.26, and what took their place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a context of a kubeconfig leads to, with every path made absolute."""

    cluster: Mapping[str, Any]
    user: Mapping[str, Any]
    """Empty for a context without a user: whoever asks is anonymous."""


def settings_of(kubeconfig: Path, context: str, login_seconds: float | None = None) -> client.Configuration:
    """Read a context and log in. Raises LoginError, whatever is wrong with the file or its login."""
    try:
        return _settings(kubeconfig, context, login_seconds)
    except LoginError as error:
        raise LoginError(f"{kubeconfig}, context '{context}': {error}") from error
    except Exception as error:  # a kubeconfig can be wrong in any way that upstream lets it
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise LoginError(f"{kubeconfig}, context '{context}': {reason}") from error


def find_place(document: Any, context: str, folder: Path) -> Place:
    """Find what a context leads to. `folder` is the kubeconfig's own. Raises LoginError."""
    named = _entry(document, "contexts", context)
    cluster = _entry(document, "clusters", named.get("cluster"))
    user = _entry(document, "users", named["user"]) if named.get("user") else {}
    return Place(cluster=_absolute(cluster, "clusters", folder), user=_absolute(user, "users", folder))


def _settings(kubeconfig: Path, context: str, login_seconds: float | None) -> client.Configuration:
    folder = kubeconfig.resolve().parent
    place = find_place(yaml.safe_load(kubeconfig.read_text(encoding="utf-8")), context, folder)
    remember_document(place.user)
    provider = (place.user.get("auth-provider") or {}).get("name")
    if provider in _REMOVED:
        raise LoginError(f"its login is auth-provider '{provider}', which Kubernetes removed; use {_REMOVED[provider]}")
    if place.user.get("as"):
        raise LoginError(
            f"its user acts as '{place.user['as']}' (impersonation), which the official Python client would leave out "
            "unsaid; name a context with a login of its own"
        )
    if "exec" not in place.user or place.user.get("token") or place.user.get("tokenFile"):
        return _load(place.cluster, place.user)
    plugin = Plugin.of(place.user["exec"], place.cluster, folder)
    credential = log_in(plugin, login_seconds)
    others = {key: value for key, value in place.user.items() if key != "exec"}
    settings = _load(place.cluster, {**others, **credential.user()})
    if credential.token:
        renewal: Any = _Renewal(plugin, credential, login_seconds)
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


def _load(cluster: Mapping[str, Any], user: Mapping[str, Any]) -> client.Configuration:
    settings = client.Configuration()
    document = {
        "clusters": [{"name": "it", "cluster": dict(cluster)}],
        "users": [{"name": "it", "user": _with_token(user)}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "current-context": "it",
    }
    config.load_kube_config_from_dict(  # type: ignore[no-untyped-call]  # upstream is half typed
        document, context="it", client_configuration=settings, persist_config=False
    )
    return settings


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


def _entry(document: Any, kind: str, name: Any) -> Mapping[str, Any]:
    entries = document.get(kind) if isinstance(document, Mapping) else None
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, Mapping) and entry.get("name") == name:
            found = entry.get(kind.removesuffix("s")) or {}
            if isinstance(found, Mapping):
                return found
    raise LoginError(f"there is no {kind.removesuffix('s')} '{name}' in it")


def _absolute(entry: Mapping[str, Any], kind: str, folder: Path) -> dict[str, Any]:
    files = {key: str(folder / str(entry[key])) for key in _FILES[kind] if entry.get(key)}
    return {**entry, **files}
