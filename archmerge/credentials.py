"""Whose name to come under: finding credentials where CI systems and container tools keep them.

Order (docs/merge.md): `--username`/environment pair, --docker-cfg, DOCKER_AUTH_CONFIG, REGISTRY_AUTH_FILE,
DOCKER_CONFIG, ~/.docker, podman's auth.json, GitLab's CI_REGISTRY*, the job's own identity in a cloud. The first source
that knows the host wins.
"""

from __future__ import annotations

import json
import os.path
from base64 import b64encode
from binascii import a2b_base64
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import quote

from archmerge.errors import AuthError
from archmerge.reference import DOCKER_HUB
from archmerge.transport.parallel import Once

_HELPER_SECONDS = 30
_INLINE = "DOCKER_AUTH_CONFIG"
_HELPER_NAMES = (
    *("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TZ", "LANG", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    # Keyrings: secretservice, pass.
    *("DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS", "GNUPGHOME", "GPG_TTY"),
)
_HELPER_STARTS = (
    *("LC_", "XDG_", "PASSWORD_STORE_"),
    # Logins of ecr-login, gcr, gcloud, acr-env, env and the like.
    *("DOCKER_", "AWS_", "GOOGLE_", "CLOUDSDK_", "GCE_METADATA_", "AZURE_", "ACR_", "IDENTITY_", "MSI_"),
)
_HUB_NAMES = ("docker.io", "index.docker.io", "registry-1.docker.io")


class Credential(NamedTuple):
    """One way to authenticate. Exactly one of the three secrets is used."""

    username: str = ""
    password: str = ""
    identity_token: str = ""
    registry_token: str = ""
    source: str = ""
    """Where it was found, for messages."""

    def __repr__(self) -> str:
        """Never the secrets, not even in a traceback."""
        return f"<credential of {self.username or 'a token'} from {self.source}>"

    @property
    def basic(self) -> dict[str, str]:
        """The Authorization header; none without a password."""
        login = b64encode(f"{self.username}:{self.password}".encode()).decode()
        return {"Authorization": f"Basic {login}"} if self.password else {}

    @property
    def secrets(self) -> set[str]:
        """What must not be shown, in every form in which it is sent."""
        sent = {value.removeprefix("Basic ") for value in self.basic.values()}
        return (sent | {self.password, quote(self.password, safe=""), self.identity_token, self.registry_token}) - {""}


class Credentials:
    """All sources of credentials, read at most once each, and only until one knows the host.

    `primary` is the host that `explicit` is for, and the environment's pair unless ARCHMERGE_REGISTRY names another:
    sending them to whatever registry a source names would give the password away. `helper` runs a credential helper
    (tests replace it), `cloud` logs in by the job's own identity, or says why it can't.
    """

    def __init__(  # noqa: PLR0913 - each is a place to look at
        self,
        environ: Mapping[str, str],
        *,
        primary: str = "",
        explicit: tuple[str, str] | None = None,
        docker_cfg: str | None = None,
        helper: Callable[[str, str], dict[str, Any] | None] | None = None,
        cloud: Callable[[str], Credential | str | None] | None = None,
    ) -> None:
        self._environ = environ
        self._primary = primary
        self._explicit = explicit
        self._docker_cfg = docker_cfg
        self._helper = helper or run_helper
        self._cloud = cloud
        self._once = Once()
        self._broken: list[AuthError] = []
        self.notes: list[str] = []
        """What was skipped and why; shown when authentication fails."""

    def find(self, host: str, repository: str) -> Credential | None:
        """Return the credential for a repository, or None to go anonymously."""
        configs = (self._from_config(document, place, host, repository) for place, document in self._configs())
        found = self._pair(host) or next(filter(None, configs), None) or self._from_gitlab(host)
        found = found or self._from_cloud(host)
        if not found and self._broken:
            raise self._broken[0]  # whose login is in there can't be told
        return found

    def _pair(self, host: str) -> Credential | None:
        """Return the pair of the command line, for the target's host, or else of the environment, for its own."""
        if self._explicit:
            own, pair, source = self._primary, self._explicit, "--username"
        else:
            own = self._environ.get("ARCHMERGE_REGISTRY") or self._primary
            pair = (self._environ.get("ARCHMERGE_USERNAME", ""), self._environ.get("ARCHMERGE_PASSWORD", ""))
            source = "ARCHMERGE_USERNAME and ARCHMERGE_PASSWORD"
        return Credential(*pair, source=source) if pair[1] and host == own else None

    def _configs(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Give the configs there are, in order, with their names; each is read once."""
        environ, config = self._environ, self._docker_cfg
        home, inline = environ.get("HOME") or os.path.expanduser("~"), environ.get("DOCKER_AUTH_CONFIG", "").strip()
        docker, runtime = environ.get("DOCKER_CONFIG"), environ.get("XDG_RUNTIME_DIR")
        places = [
            f"{config}/config.json" if config and os.path.isdir(config) else config,
            inline and (inline if inline.startswith("/") else _INLINE),  # GitLab's variables of type File hold a path
            environ.get("REGISTRY_AUTH_FILE"),
            docker and f"{docker}/config.json",
            f"{home}/.docker/config.json",
            runtime and f"{runtime}/containers/auth.json",
            f"{environ.get('XDG_CONFIG_HOME') or f'{home}/.config'}/containers/auth.json",
        ]
        for place in filter(None, places):
            if document := self._once.do(("file", place), partial(self._read, place, inline)):
                yield place, document

    def _read(self, place: str, inline: str) -> dict[str, Any] | None:
        """Read a config. One that is none stops the search only where no other source knows the host."""
        document = None
        try:
            text = inline
            if place != _INLINE:
                with open(place, encoding="utf-8") as file:
                    text = file.read()
            document = json.loads(text)
        except FileNotFoundError:
            if place == inline:
                self.notes.append(f"{_INLINE} names {place}, which does not exist")
            return None
        except (OSError, UnicodeDecodeError) as error:
            self.notes.append(f"{place}: {type(error).__name__}")
            return None
        except (ValueError, RecursionError):
            pass
        if isinstance(document, dict):
            return document
        # Not its content: a broken credentials file is still a credentials file.
        broken = AuthError(
            f"{place} is not a JSON object",
            fix='it must read like {"auths": {"HOST": {"auth": "<base64 of user:password>"}}}',
        )
        self._broken.append(broken)
        self.notes.append(broken.message)
        return None

    def _from_config(self, document: dict[str, Any], source: str, host: str, repository: str) -> Credential | None:
        helpers = document.get("credHelpers")
        listed = helpers.items() if isinstance(helpers, dict) else ()
        name = next((program for key, program in listed if _strip(key) in _names(host)), None)
        for program in (name, document.get("credsStore")):
            if isinstance(program, str) and program and (found := self._from_helper(program, host)):
                return found
        auths = document.get("auths")
        if not isinstance(auths, dict):
            return None
        entry = best_entry(auths, host, repository)
        return read_entry(entry, source) if entry else None

    def _from_helper(self, program: str, host: str) -> Credential | None:
        server, source = "https://index.docker.io/v1/" if host == DOCKER_HUB else host, f"docker-credential-{program}"

        def ask() -> dict[str, Any] | None:
            try:
                return self._helper(program, server)
            except (OSError, ValueError) as error:
                self.notes.append(f"{source}: {type(error).__name__}: {error}")
                return None

        answer = self._once.do((program, server), ask)
        if not answer or not answer.get("Secret"):
            return None
        username, secret = str(answer.get("Username", "")), str(answer["Secret"])
        if username == "<token>":
            return Credential(identity_token=secret, source=source)
        return Credential(username, secret, source=source)

    def _from_cloud(self, host: str) -> Credential | None:
        def ask() -> Credential | None:
            found = self._cloud(host) if self._cloud else None
            if isinstance(found, str):
                self.notes.append(found)
            return None if isinstance(found, str) else found

        return self._once.do(("cloud", host), ask)

    def _from_gitlab(self, host: str) -> Credential | None:
        for server, user, password in (
            ("CI_REGISTRY", "CI_REGISTRY_USER", "CI_REGISTRY_PASSWORD"),
            ("CI_DEPENDENCY_PROXY_SERVER", "CI_DEPENDENCY_PROXY_USER", "CI_DEPENDENCY_PROXY_PASSWORD"),
        ):
            if self._environ.get(server) == host and self._environ.get(password):
                return Credential(self._environ.get(user, ""), self._environ[password], source=password)
        return None


def best_entry(auths: dict[str, Any], host: str, repository: str) -> dict[str, Any] | None:
    """Return the entry whose key is the longest prefix of `host/repository`; `https://host/v1/` counts as `host`."""
    best, length = None, -1
    wanted = [f"{name}/{repository}" for name in _names(host)]
    for key, entry in auths.items():
        place = _strip(key)
        fits = any(full == place or full.startswith(f"{place}/") for full in wanted)
        if fits and isinstance(entry, dict) and entry and len(place) > length:
            best, length = entry, len(place)
    return best


def read_entry(entry: dict[str, Any], source: str) -> Credential | None:
    """Read an `auths` entry: registrytoken, identitytoken, auth, or username and password. None when it is empty."""
    username, password = str(entry.get("username") or ""), str(entry.get("password") or "")
    if entry.get("auth"):
        username, password = _decode(str(entry["auth"]), source)
    identity, registry = str(entry.get("identitytoken") or ""), str(entry.get("registrytoken") or "")
    if not (identity + registry).isascii() or not (identity + registry).isprintable():
        raise AuthError(f"{source}: a token holds characters that no token has", fix="log in again")
    return Credential(username, password, identity, registry, source) if password or identity or registry else None


def helper_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what a credential helper gets: the names above, and those that begin so. It finds its own login by them.

    Not among it: DOCKER_AUTH_CONFIG, `ARCHMERGE_PASSWORD`, GitLab's `CI_*` with the job's token, and whatever else the
    shell holds.
    """
    kept = {name: value for name, value in environ.items() if name in _HELPER_NAMES or name.startswith(_HELPER_STARTS)}
    kept.pop("DOCKER_AUTH_CONFIG", None)
    return kept


def run_helper(program: str, server: str) -> dict[str, Any] | None:
    """Ask `docker-credential-PROGRAM`. None when it knows nothing of the server; raises OSError when it isn't there."""
    if not program.replace("-", "").replace("_", "").replace(".", "").isalnum():
        raise ValueError(f"{program[:80]!r} is not a helper name")
    import subprocess  # 3 ms, only where there is a helper

    command = [f"docker-credential-{program}", "get"]
    try:
        ran = subprocess.run(
            command,
            env=helper_environment(os.environ),
            input=server.encode(),
            capture_output=True,
            timeout=_HELPER_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ValueError(f"no answer in {_HELPER_SECONDS} s") from None
    if ran.returncode:
        if b"credentials not found" in ran.stdout + ran.stderr:
            return None
        # Helpers say on standard output why they fail; but an answer there is an answer, and not for a message.
        said = ran.stderr if ran.stdout.lstrip().startswith(b"{") else ran.stdout + ran.stderr
        raise ValueError(said[-200:].decode("utf-8", "replace").strip() or f"ended with {ran.returncode}")
    answer = json.loads(ran.stdout)
    return answer if isinstance(answer, dict) else None


def _names(host: str) -> tuple[str, ...]:
    return _HUB_NAMES if host in _HUB_NAMES else (host,)


def _strip(key: str) -> str:
    place = key.partition("://")[2] if "://" in key else key
    place = place.rstrip("/")
    head, _, tail = place.rpartition("/")
    return head if tail in ("v1", "v2") and head and "/" not in head else place


def _decode(auth: str, source: str) -> tuple[str, str]:
    """`base64(user:password)`: wrapped lines and a trailing newline are forgiven, a ':' in the password is kept."""
    try:
        text = a2b_base64("".join(auth.split()), strict_mode=True).decode()
    except ValueError:  # not base64, not ASCII, or not UTF-8
        text = ""
    username, colon, password = text.partition(":")
    if not colon:
        raise AuthError(
            f"{source}: an 'auth' value is not base64 of user:password",
            fix="make it with: printf %s USER:PASSWORD | base64 -w0",
        )
    return username, password.rstrip("\r\n\0")
