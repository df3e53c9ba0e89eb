"""Who may do what at one registry host: finds out what it wants, gets one token for all, and renews it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping

from archmerge.credentials import Credential, Credentials
from archmerge.errors import ArchmergeError, AuthError, NetworkError
from archmerge.tokens import (
    NO_CHALLENGE,
    SCOPES_PER_TOKEN,
    Challenge,
    Token,
    parse_challenge,
    parse_token,
    scopes,
    token_request,
)
from archmerge.transport.client import Answer, Client, public_url
from archmerge.transport.connections import origin_of
from archmerge.transport.parallel import gather
from archmerge.transport.trust import may_have, named

_OK, _UNAUTHORIZED = 200, 401
_NO_POST = (404, 405)
_JUST_NOW = 30.0
"""Seconds: a token that is refused so soon after another one has not expired."""


class Authorizer:
    """The Authorization header for each repository of one host. Safe to share between threads.

    `known` is what the registry is thought to want, so that it need not be asked.
    """

    def __init__(
        self, client: Client, host: str, base: str, credentials: Credentials, *, known: Challenge | None = None
    ) -> None:
        self._client = client
        self._host = host
        self._base = base
        self._credentials = credentials
        self._realms = _named_realms(host, client.options.realms, known)
        self._challenge = self._guess = known
        self._wanted: dict[str, set[str]] = {}
        self._mounted: dict[str, set[str]] = {}
        self._tokens: dict[str, Token] = {}
        self._denied: dict[str, AuthError] = {}
        self._apart: set[str] = set()
        """Repositories whose scopes were refused together: each gets a token of its own."""
        self._renewed = float("-inf")
        self._secrets: set[str] = set()
        self._lock = threading.RLock()

    def want(self, repository: str, *actions: str, mounting: Iterable[str] = ()) -> None:
        """Say what will be needed, before the first token is asked for: then one token serves all.

        `mounting` names the repositories that blobs will be mounted from.
        """
        with self._lock:
            self._wanted.setdefault(repository, set()).update(actions)
            self._mounted.setdefault(repository, set()).update(mounting)

    def header(self, repository: str) -> dict[str, str]:
        """Return the Authorization header for a request to `repository`; none to go without."""
        with self._lock:
            if self._challenge is None:
                self._discover()
            scheme = (self._challenge or NO_CHALLENGE).scheme
            credential = self._credential(repository)
            if scheme == "none":
                return {}
            if scheme == "basic":
                return credential.basic if credential else {}
            if credential and credential.registry_token:
                return {"Authorization": f"Bearer {credential.registry_token}"}
            token = self._tokens.get(repository)
            if token is not None and token.expires > time.monotonic():
                return {"Authorization": f"Bearer {token.value}"}
            self._tokens.pop(repository, None)
            self._fetch(repository)
            return self.header(repository)  # the guess may have been wrong, and the scheme another one now

    def refused(self, repository: str, header: dict[str, str], answer: Answer) -> bool:
        """After a 401 or 403 to a request with `header`: whether another attempt with a new header makes sense.

        A token is renewed once. One for several repositories is then asked for again for this one alone: some token
        services answer 200 to several scopes, and honour the first (kaniko #1007).
        """
        if origin_of(answer.url) != origin_of(self._base):
            return False  # a storage that was redirected to has no say in where credentials are sent
        with self._lock:
            if self.header(repository) != header:
                return True  # another thread has renewed it meanwhile
            token = self._tokens.get(repository)
            challenge = self._best(answer, repository) if answer.status == _UNAUTHORIZED else self._challenge
            was_basic = header.get("Authorization", "").startswith("Basic ")
            if challenge is None or (challenge.scheme == "basic" and was_basic):
                return False
            sharing = [name for name, held in self._tokens.items() if held is token]
            several = len(sharing) > 1
            if answer.status != _UNAUTHORIZED and not several:
                return False
            now = time.monotonic()
            if several and (answer.status != _UNAUTHORIZED or now - self._renewed < _JUST_NOW):
                self._client.trace("the token for several repositories was refused; asking for each repository apart")
                self._apart.update(sharing)
            self._renewed = now
            self._challenge, self._guess = challenge, None
            for name in sharing:
                del self._tokens[name]
            return self.header(repository) != header

    def explain(self, repository: str) -> str:
        """For an error message: which credential was used, and what was skipped on the way to it."""
        found = self._credential(repository)
        said = f"used {found!r}" if found else f"no credentials for {self._host} were found"
        return "; ".join([said, *self._credentials.notes])

    def conceal(self, text: str) -> str:
        """Return text of others without what was sent to them: some registries repeat it in their errors."""
        with self._lock:
            secrets = {token.value for token in self._tokens.values()} | self._secrets
        for secret in sorted(secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text

    def _credential(self, repository: str) -> Credential | None:
        found = self._credentials.find(self._host, repository)
        self._secrets.update(found.secrets if found else ())  # without the lock: `_discover` waits for it in a thread
        return found

    def _discover(self) -> None:
        """Ask `/v2/` what the registry wants, and read the credentials meanwhile (a helper may take its time)."""
        repository = next(iter(self._wanted), "")
        answers: list[Answer] = []
        gather(
            [
                lambda: self._credential(repository),
                lambda: answers.append(self._client.request("GET", f"{self._base}/v2/", {})),
            ]
        )
        challenge = NO_CHALLENGE  # if it wants something after all, it says so at the first request
        if answers[0].status == _UNAUTHORIZED:
            challenge = self._best(answers[0], repository) or Challenge("basic")
        self._challenge, self._guess = challenge, None

    def _best(self, answer: Answer, repository: str) -> Challenge | None:
        """Return the best challenge of an answer: a realm that must not see the credentials comes after Basic."""
        credential = self._credential(repository)
        return parse_challenge(
            answer.headers.get_all("WWW-Authenticate") or (), lambda realm: self._acceptable(realm, credential)
        )

    def _fetch(self, repository: str) -> None:
        if repository in self._denied:
            raise self._denied[repository]  # once is enough: some servers lock an account after a few wrong passwords
        credential = self._credential(repository)
        group = self._group(repository, credential)
        try:
            token = self._ask(group, credential)
        except ArchmergeError as error:
            if self._guess and self._was_wrong(self._guess, error):
                return
            if len(group) == 1 and isinstance(error, AuthError):
                self._denied[repository] = error
            if len(group) == 1 or isinstance(error, NetworkError):
                raise
            # One refused source scope can refuse the whole token (kaniko #1007).
            self._client.trace("the token for all repositories was refused; asking for each repository apart")
            self._apart.update(group)
            self._fetch(repository)
            return
        self._tokens.update(dict.fromkeys(group, token))

    def _was_wrong(self, guess: Challenge, error: ArchmergeError) -> bool:
        """After a failure at a guessed endpoint: whether the registry names another one."""
        self._client.trace(f"the known token endpoint did not help ({error.message}); asking the registry")
        self._discover()
        found = self._challenge or NO_CHALLENGE
        return found[:3] != guess[:3] or isinstance(error, NetworkError)

    def _group(self, repository: str, credential: Credential | None) -> dict[str, set[str]]:
        """Return the repositories to ask a token for together: wanted, of the same credential, not refused before."""
        if repository in self._apart:
            return {repository: self._wanted.get(repository) or {"pull"}}
        mine = self._bundle(repository, credential)
        now = time.monotonic()
        for name in self._wanted:
            served = name in self._apart or (name in self._tokens and self._tokens[name].expires > now)
            if not served and self._credential(name) == credential:
                both = {**mine, **self._bundle(name, credential)}
                mine = both if len(both) <= SCOPES_PER_TOKEN else mine
        return mine

    def _bundle(self, repository: str, credential: Credential | None) -> dict[str, set[str]]:
        """Return a repository with those that blobs are mounted from, which is allowed by one token for both only."""
        names = [name for name in self._mounted.get(repository, ()) if name not in self._apart]
        alike = [name for name in names if self._credential(name) == credential]
        return {name: self._wanted.get(name) or {"pull"} for name in (repository, *alike)}

    def _ask(self, group: Mapping[str, set[str]], credential: Credential | None) -> Token:
        challenge = self._challenge or NO_CHALLENGE
        if not self._acceptable(challenge.realm, credential):
            raise self._withheld(challenge.realm)
        refresh = bool(credential and credential.identity_token)
        answer = self._send(challenge, group, credential, post=refresh)
        if refresh and answer.status in _NO_POST and credential and credential.password:
            answer = self._send(challenge, group, credential, post=False)
        if answer.status != _OK:
            names = ", ".join(group)
            raise AuthError(
                f"{public_url(challenge.realm)} gave no token for {names}: it answered {answer.status} "
                f"({self.explain(next(iter(group)))})",
                fix="check the credentials, and that they may pull the sources and push to the target",
            )
        return parse_token(answer.body, public_url(challenge.realm))

    def _send(
        self, challenge: Challenge, group: Mapping[str, set[str]], credential: Credential | None, *, post: bool
    ) -> Answer:
        method, url, headers, body = token_request(challenge, scopes(group), credential, post=post)
        # Only one attempt at a guess: the registry may long have moved from there, and says where to.
        return self._client.request(method, url, headers, body, attempts=1 if self._guess else 0)

    def _acceptable(self, realm: str, credential: Credential | None) -> bool:
        """Whether a token may be asked for there, and with this credential. Nobody is led inward, or off TLS."""
        try:
            here, there = origin_of(self._base), origin_of(realm)
        except NetworkError:
            return False
        if credential:
            return may_have(here, there, self._client.options, realms=self._realms)
        open_enough = there.scheme == "https" or here.scheme == "http"
        return open_enough and (named(there, self._realms) or not self._client.lured(here, there, private=True))

    def _withheld(self, realm: str) -> AuthError:
        """Return the error for a realm that must not see the credentials, or must not be asked at all."""
        place = public_url(realm)
        try:
            there = origin_of(realm)
        except NetworkError as error:
            return AuthError(f"{self._host} names a token service that can't be asked: {error.message}")
        said = f"{self._host} wants credentials sent to {place}"
        if there.scheme == "http":
            return AuthError(
                f"{said}, which is not encrypted; they were not sent",
                fix="the registry's token realm must be an https address",
            )
        return AuthError(
            f"{said}, which does not show that it belongs to {self._host}; they were not sent",
            fix=f"ask who runs {self._host}; if {there.netloc} is its token service: "
            f"--token-realm {self._host}={there.netloc}",
        )


def _named_realms(host: str, named_by_user: Iterable[tuple[str, str]], known: Challenge | None) -> frozenset[str]:
    """Return the hosts that a registry's realm may be on though they don't show it: the user, or the job, says so."""
    realms = {realm for registry, realm in named_by_user if registry == host}
    if known and known.scheme == "bearer":
        realms.add(known.realm.partition("://")[2].partition("/")[0])
    return frozenset(realms)
