"""Kubeconfig files as kubectl reads them: several merged into one, and what a context of it leads to. No network.

The one rule for `up` and for every command of `multiarch`. Source: k8s.io/client-go tools/clientcmd (loader.go,
validation.go, client_config.go); tests/cluster/test_kubeconfigs.py holds it to kubectl.
"""

import base64
import binascii
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

from components.problems import ConfigError, Problem
from components.reading import kind

Files = Path | Sequence[Path]
"""One kubeconfig, or several to be merged: of those that have an entry, the first is taken."""
KINDS: Final = ("context", "cluster", "user")
_TYPES: Final[Mapping[str, Mapping[str, type]]] = {
    "context": {"cluster": str, "user": str},
    "cluster": {
        **dict.fromkeys(("server", "certificate-authority", "certificate-authority-data"), str),
        **dict.fromkeys(("tls-server-name", "proxy-url"), str),
        "insecure-skip-tls-verify": bool,
    },
    "user": {
        **dict.fromkeys(("client-certificate", "client-certificate-data", "client-key", "client-key-data"), str),
        **dict.fromkeys(("token", "tokenFile", "username", "password", "as", "as-uid"), str),
        "as-groups": list,
        "as-user-extra": dict,
        "exec": dict,
        "auth-provider": dict,
    },
}
"""The keys that are read; kubectl passes over others too."""
_REFERENCES: Final[Mapping[str, tuple[str, ...]]] = {
    "context": (),
    "cluster": ("certificate-authority",),
    "user": ("client-certificate", "client-key", "tokenFile"),
}
"""What is relative to the folder of the file it stands in. A `…-data` key beside it goes first."""
_DATA: Final = ("certificate-authority-data", "client-certificate-data", "client-key-data")
_PROXIES: Final = ("http", "https", "socks5")
_IMPERSONATED: Final = ("as-uid", "as-groups", "as-user-extra")
_CREDENTIALS: Final = ("token", "password", "client-key-data", "auth-provider")
_WORDS: Final = {str: "a text", bool: "true or false", list: "a list", dict: "a mapping"}


class KubeconfigError(ConfigError):
    """A kubeconfig that cannot be used as it stands: `found` says where and what is wrong, `fix` how to mend it."""

    def __init__(self, found: str, fix: str) -> None:
        self.found, self.fix = found, fix
        consequence = "no cluster can be reached by it"
        super().__init__([Problem(path="kubeconfig", found=found, consequence=consequence, fix=fix)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A named context, cluster or user, and the file that it is from."""

    value: Mapping[str, Any]
    file: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a context leads to, with every path made absolute."""

    cluster_name: str
    user_name: str
    """Empty for a context without a user: whoever asks is anonymous."""
    cluster: Mapping[str, Any]
    user: Mapping[str, Any]
    files: frozenset[Path]
    """The files that context, cluster and user are from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kubeconfig:
    """One or several files, merged."""

    name: str
    """The files, as they are told."""
    entries: Mapping[str, Mapping[str, Entry]]
    """Kind (`context`, `cluster`, `user`) to name to entry."""

    @property
    def contexts(self) -> tuple[str, ...]:
        """Name the contexts, in alphabetical order."""
        return tuple(sorted(self.entries["context"]))

    def place(self, context: str) -> Place:
        """Find what a context leads to. Raises KubeconfigError for what is missing, of a wrong type or no PEM."""
        of = f"{self.name}, context '{context}'"
        named = self._entry("context", context, self.name)
        cluster_name, user_name = (str(named.value.get(key) or "") for key in ("cluster", "user"))
        if not cluster_name:
            raise KubeconfigError(f"{of}: it names no cluster", "Add `cluster` to that context.")
        cluster = self._entry("cluster", cluster_name, of)
        user = self._entry("user", user_name, of) if user_name else Entry(value={}, file=named.file)
        _check_cluster(cluster.value, of)
        _check_user(user.value, of)
        return Place(
            cluster_name=cluster_name,
            user_name=user_name,
            cluster=_absolute("cluster", cluster),
            user=_absolute("user", user),
            files=frozenset({named.file, cluster.file, user.file}),
        )

    def _entry(self, kind_: str, name: str, of: str) -> Entry:
        entries = self.entries[kind_]
        if name not in entries:
            listed = ", ".join(sorted(entries))
            fix = f"It has: {listed}." if listed else f"Add it; the file has no {kind_}."
            raise KubeconfigError(f"{of}: there is no {kind_} '{name}' in it", fix)
        _check_types(kind_, entries[name].value, of)
        return entries[name]


def default_files(environment: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """Return the files of `$KUBECONFIG`, else `~/.kube/config`, as absolute paths; empty parts count for nothing."""
    listed = environment.get("KUBECONFIG") or "~/.kube/config"
    paths = (Path(part).expanduser().absolute() for part in listed.split(os.pathsep) if part)
    return tuple(dict.fromkeys(paths))


def read_kubeconfig(files: Files) -> Kubeconfig:
    """Read and merge. A file that is not there is passed over while there is another. Raises KubeconfigError."""
    paths = (files,) if isinstance(files, Path) else tuple(files)
    documents = {path: document for path in paths if (document := _load(path)) is not None}
    name = ", ".join(str(path) for path in documents or paths)
    if not documents:
        raise KubeconfigError(f"{name or '$KUBECONFIG'}: no such file or directory", "Name a kubeconfig that exists.")
    entries: dict[str, dict[str, Entry]] = {each: {} for each in KINDS}
    for path, document in documents.items():
        for each in KINDS:
            entries[each] = {**_entries(document, each, path), **entries[each]}
    return Kubeconfig(name=name, entries=entries)


def content_of(place: Place, context: str) -> dict[str, Any]:
    """Return a place as a kubeconfig of its own. Raises ValueError for a user who has a credential in it."""
    secrets = [key for key in _CREDENTIALS if place.user.get(key)]
    secrets += ["env"] if (place.user.get("exec") or {}).get("env") else []
    secrets += ["proxy-url"] if "@" in (place.cluster.get("proxy-url") or "") else []
    if secrets:
        raise ValueError(secrets[0])
    users = [{"name": place.user_name, "user": dict(place.user)}] if place.user_name else []
    named = {"cluster": place.cluster_name, **({"user": place.user_name} if place.user_name else {})}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": place.cluster_name, "cluster": dict(place.cluster)}],
        "users": users,
        "contexts": [{"name": context, "context": named}],
    }


def _load(path: Path) -> Mapping[str, Any] | None:
    """Read one file; None where there is none."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        raise KubeconfigError(f"{path}: {reason}", "Name a file that you may read.") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise KubeconfigError(
            f"{path}: it is not valid YAML{_where(error)}", "Correct it, or name another file."
        ) from error
    if not isinstance(document or {}, Mapping):
        raise KubeconfigError(f"{path}: it is {kind(document)}, not a kubeconfig", "Name a kubeconfig.")
    return document or {}


def _where(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return f" (line {mark.line + 1})" if mark is not None else ""


def _entries(document: Mapping[str, Any], each: str, path: Path) -> dict[str, Entry]:
    listed = document.get(f"{each}s") or []
    if not isinstance(listed, list):
        raise KubeconfigError(f"{path}: `{each}s` is {kind(listed)}, not a list", "Correct it, or name another file.")
    found: dict[str, Entry] = {}
    for name, value in _named(listed, each):
        if name in found:
            raise KubeconfigError(f"{path}: there are two {each}s named '{name}'", "Remove one.")
        if not isinstance(value, Mapping):
            raise KubeconfigError(f"{path}: {each} '{name}' is {kind(value)}, not a mapping", "Correct it.")
        found[name] = Entry(value=value, file=path)
    return found


def _named(listed: list[Any], each: str) -> Iterator[tuple[str, Any]]:
    for one in listed:
        if isinstance(one, Mapping) and isinstance(one.get("name"), str):
            yield one["name"], one.get(each) or {}


def _check_types(each: str, value: Mapping[str, Any], of: str) -> None:
    for key, wanted in _TYPES[each].items():
        if value.get(key) is not None and not isinstance(value[key], wanted):
            found = f"{of}: `{key}` of its {each} is {kind(value[key])}, not {_WORDS[wanted]}"
            raise KubeconfigError(found, f"Write {_WORDS[wanted]}.")
    for key in _DATA:
        if value.get(key):
            _check_data(key, value[key], of)


def _check_data(key: str, text: str, of: str) -> None:
    try:
        pem = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise KubeconfigError(f"{of}: `{key}` is not base64", _anew(key)) from error
    if b"-----BEGIN" not in pem:
        raise KubeconfigError(f"{of}: `{key}` is not PEM in base64", _anew(key))


def _anew(key: str) -> str:
    return f"Write the context again, or name a PEM file with `{key.removesuffix('-data')}`."


def _check_cluster(cluster: Mapping[str, Any], of: str) -> None:
    server, proxy = cluster.get("server") or "", cluster.get("proxy-url")
    if not _is_url(server, ("http", "https")):
        found = f"its server {server!r} is not a URL" if server else "its cluster has no server"
        raise KubeconfigError(f"{of}: {found}", "Write `server: https://...`.")
    if proxy and not _is_url(proxy, _PROXIES):
        # It may have a password, so that it is not told.
        fix = f"Write `SCHEME://HOST:PORT`, with {', '.join(_PROXIES)}."
        raise KubeconfigError(f"{of}: its proxy-url is not the URL of a proxy", fix)


def _is_url(text: str, schemes: Sequence[str]) -> bool:
    """Hold a URL to what client-go takes."""
    try:
        parts = urlsplit(text)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _check_user(user: Mapping[str, Any], of: str) -> None:
    groups, extra = user.get("as-groups") or [], user.get("as-user-extra") or {}
    lists = [groups, *(extra[key] or [] for key in extra)]
    if not all(isinstance(each, list) and all(isinstance(one, str) for one in each) for each in lists):
        found = f"{of}: `as-groups` is a list of texts, `as-user-extra` a mapping of such lists; one here is not"
        raise KubeconfigError(found, "Correct it.")
    without = next((key for key in _IMPERSONATED if user.get(key) and not user.get("as")), None)
    if without is not None:
        raise KubeconfigError(f"{of}: its user has `{without}` and no `as`", "Add `as`, whom to impersonate.")
    if _has(user, "client-certificate") and not _has(user, "client-key"):
        raise KubeconfigError(f"{of}: its user has a client-certificate and no client-key", "Add `client-key`.")


def _has(user: Mapping[str, Any], key: str) -> bool:
    return bool(user.get(key) or user.get(f"{key}-data"))


def _absolute(each: str, entry: Entry) -> dict[str, Any]:
    folder = entry.file.absolute().parent
    made: dict[str, Any] = {key: str(folder / entry.value[key]) for key in _REFERENCES[each] if entry.value.get(key)}
    program = entry.value.get("exec")
    if isinstance(program, Mapping) and os.sep in str(program.get("command") or ""):
        made["exec"] = {**program, "command": str(folder / str(program["command"]))}
    return {**entry.value, **made}
