"""The token protocol of distribution's docs/spec/auth: challenges, scopes, requests, answers. Pure."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple
from urllib.parse import quote, urlencode

from archmerge.credentials import Credential
from archmerge.errors import AuthError
from archmerge.manifests import load_object

_PART = re.compile(r'([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))|([A-Za-z][\w-]*)(?=[\s,]|$)')
"""A parameter (name, quoted value, plain value), or the name of a scheme, which what follows belongs to."""
_LIFETIME = 60.0
_LIFETIME_MAX = 86400.0
_MARGIN = 5.0
SCOPES_PER_TOKEN = 20
"""A token carries its scopes in a header of every request; servers take headers of about 8 KiB."""
_ACTIONS = ("pull", "push", "delete")


class Challenge(NamedTuple):
    """What a registry wants to see. `scheme` is `basic`, `bearer`, or `none` where it asked for nothing."""

    scheme: str
    realm: str = ""
    service: str = ""
    scope: str = ""


class Token:
    """A bearer token, and when to stop using it (monotonic seconds). No record: its text must not show the token."""

    def __init__(self, value: str, expires: float) -> None:
        self.value = value
        self.expires = expires


NO_CHALLENGE = Challenge("none")


def parse_challenges(values: Iterable[str]) -> list[Challenge]:
    """Return all challenges of WWW-Authenticate header values that can be answered, in their order.

    One value may hold several (RFC 9110, 11.6.1): `Negotiate, Basic realm="a", Bearer realm="https://b"`. A parameter
    belongs to the scheme before it; named twice, it counts once.
    """
    found: list[tuple[str, dict[str, str]]] = []
    for value in values:
        begun = len(found)
        for name, quoted, plain, scheme in _PART.findall(value):
            if scheme:
                found.append((scheme.lower(), {}))
            elif len(found) > begun:
                found[-1][1].setdefault(name.lower(), quoted.replace('\\"', '"') or plain)
    return [
        Challenge(scheme, *(given.get(name, "") for name in ("realm", "service", "scope")))
        for scheme, given in found
        if scheme == "basic" or (scheme == "bearer" and given.get("realm"))
    ]


def parse_challenge(values: Iterable[str], usable: Callable[[str], bool] = bool) -> Challenge | None:
    """Return the best of the challenges that can be met: Bearer with a `usable` realm, Basic, any Bearer."""

    def rank(challenge: Challenge) -> int:
        return 1 if challenge.scheme == "basic" else 0 if usable(challenge.realm) else 2

    return min(parse_challenges(values), key=rank, default=None)


# Documented endpoints: docs.docker.com/reference/api/registry/auth; gitlab.com/gitlab-org/gitlab/-/issues/19470 (the
# pattern of every GitLab); ghcr.io/token as in docs.rs/crate/docker-registry-client (resources/fetch_token).
_ENDPOINTS = {
    "docker.io": Challenge("bearer", "https://auth.docker.io/token", "registry.docker.io"),
    "ghcr.io": Challenge("bearer", "https://ghcr.io/token", "ghcr.io"),
    "registry.gitlab.com": Challenge("bearer", "https://gitlab.com/jwt/auth", "container_registry"),
}


def known_challenge(host: str, environ: Mapping[str, str]) -> Challenge | None:
    """Return the challenge of a registry that need not be asked for it, which saves a round trip; None for all others.

    GitLab's own variables name its token endpoint; ECR takes Basic and nothing else (facts/merge.md sections 2, 4);
    ACR's endpoint is on the registry's own host (azure.github.io/acr/Token-BasicAuth.html). Where one has changed, its
    first refusal leads to asking.
    """
    server = environ.get("CI_SERVER_URL", "").rstrip("/")
    if server and host == environ.get("CI_REGISTRY"):
        return Challenge("bearer", f"{server}/jwt/auth", "container_registry")
    if ".dkr.ecr" in host and host.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return Challenge("basic")
    if host.endswith(".azurecr.io"):
        return Challenge("bearer", f"https://{host}/oauth2/token", host)
    return _ENDPOINTS.get(host)


def scopes(wanted: Mapping[str, set[str]]) -> list[str]:
    """One scope per repository: of two for the same one, servers let the second override the first (kaniko #181)."""
    return [
        f"repository:{repository}:{','.join(a for a in _ACTIONS if a in actions)}"
        for repository, actions in sorted(wanted.items())
    ]


def token_request(
    challenge: Challenge, wanted: list[str], credential: Credential | None, *, post: bool
) -> tuple[str, str, dict[str, str], bytes | None]:
    """Return method, URL, headers and body: a GET with repeated scopes, or (`post`) a form with a refresh token.

    ACR needs the latter.
    """
    extra = [s for s in challenge.scope.split() if not s.startswith("repository:") and s not in wanted]
    everything = [*wanted, *extra]
    if post and credential:
        form = {
            "grant_type": "refresh_token",
            "service": challenge.service,
            "client_id": "archmerge",
            "scope": " ".join(everything),
            "refresh_token": credential.identity_token,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return "POST", challenge.realm, headers, urlencode(form).encode()
    query = [("service", challenge.service)] if challenge.service else []
    if credential and credential.username:
        query.append(("account", credential.username))
    query += [("scope", scope) for scope in everything]
    join = "&" if "?" in challenge.realm else "?"
    url = challenge.realm + join + urlencode(query, quote_via=quote, safe=":/,")
    return "GET", url, credential.basic if credential else {}, None


def parse_token(body: bytes, where: str) -> Token:
    """Return the token in an endpoint's answer: `token` or `access_token`; 60 s where it names no lifetime."""
    document = load_object(body, where)
    value = document.get("token") or document.get("access_token")
    # A line break in it would end the header it goes into.
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        raise AuthError(f"{where}: the answer holds no token")
    lifetime = document.get("expires_in")
    if isinstance(lifetime, bool) or not isinstance(lifetime, int | float) or not 0 < lifetime <= _LIFETIME_MAX:
        lifetime = _LIFETIME
    return Token(value, time.monotonic() + max(float(lifetime) - _MARGIN, 1.0))
