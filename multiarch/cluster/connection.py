"""Talk to a cluster by the official client: a named context, a time limit on every call, and errors of our own."""

import json
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import urllib3
from kubernetes import client, dynamic
from kubernetes.client import rest

from components.kubeconfig_files import Files
from multiarch.cluster.errors import LoginError, UnreachableError
from multiarch.cluster.impersonation import with_headers
from multiarch.cluster.settings import settings_of

CONNECT_SECONDS = 3.0
READ_SECONDS = 30.0
FIRST_WORD_SECONDS = 5.0
"""How long the first answer of a cluster may take: an unreachable one is told within a few seconds."""


class _Answer(rest.RESTResponse):
    """An answer whose body may still be lost on its way."""

    server = ""

    def read(self) -> bytes:
        """Read the whole body. Raises UnreachableError when it does not arrive."""
        with translated(self.server):
            body: bytes = super().read()  # type: ignore[no-untyped-call]  # upstream is half typed
            return body


class TimedApiClient(client.ApiClient):
    """The official client, but no call waits forever, it acts as whom it should, and no urllib3 error leaves it."""

    def call_api(self, *args: Any, **kwargs: Any) -> rest.RESTResponse:
        """Call as upstream does; `_request_timeout` (seconds, or connect and read) defaults to 3 s and 30 s."""
        if kwargs.get("_request_timeout") is None and len(args) < 6:  # noqa: PLR2004 - its position upstream
            kwargs["_request_timeout"] = (CONNECT_SECONDS, READ_SECONDS)
        impersonated = getattr(self.configuration, "impersonated", ())
        if impersonated:
            method, url, *others = args
            given = others[0] if others else kwargs.pop("header_params", None)
            args = (method, url, with_headers(given, impersonated), *others[1:])
        with translated(self.configuration.host):
            raw = super().call_api(*args, **kwargs)
        answer = _Answer(raw.response)
        answer.server = self.configuration.host
        return answer


class Connection:
    """A cluster, reached by kubeconfig (a file, or several merged) and the name of one of its contexts.

    `api` is for the typed classes (`client.CoreV1Api(connection.api)`), `dynamic` for objects of any kind.
    A login program of the kubeconfig is run at once, with a time limit (`login_seconds`, default see `login.log_in`),
    and again when its token expires. Raises KubeconfigError for a kubeconfig that is wrong, LoginError when it gives no
    login, and UnreachableError from every call that gets no answer.
    """

    def __init__(self, kubeconfig: Files, context: str, *, login_seconds: float | None = None) -> None:
        settings = settings_of(kubeconfig, context, login_seconds)
        settings.retries = False  # a test of what the cluster answers wants its first answer
        self.server: str = settings.host
        self.context = context
        try:
            self.api = TimedApiClient(settings)
        except (urllib3.exceptions.HTTPError, ValueError, OSError) as error:  # a proxy-url that is none, a broken key
            raise LoginError(f"context '{context}': {error}") from error
        self._dynamic: dynamic.DynamicClient | None = None
        self._discovery: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Self:
        """Connect lazily: the first call does."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close its sockets."""
        self.close()

    @property
    def dynamic(self) -> dynamic.DynamicClient:
        """A client for objects of any kind, made at its first use, since it asks the server what kinds there are."""
        if self._dynamic is None:
            # Its discovery cache is keyed by host and port, and ports of control planes come again: never shared.
            self._discovery = tempfile.TemporaryDirectory(prefix="multiarch-discovery-", ignore_cleanup_errors=True)
            self._dynamic = dynamic.DynamicClient(  # type: ignore[no-untyped-call]  # upstream is half typed
                self.api, cache_file=str(Path(self._discovery.name) / "kinds.json")
            )
        return self._dynamic

    def version(self) -> str:
        """Return the cluster's version, without the `v`. Raises UnreachableError when it does not tell in time."""
        try:
            answer = self.api.call_api(
                "GET",
                f"{self.server}/version",
                header_params=self._authorization(),
                _request_timeout=(CONNECT_SECONDS, FIRST_WORD_SECONDS),
            )
            body = answer.read()  # type: ignore[no-untyped-call]  # upstream is half typed
        except client.ApiException as error:
            raise UnreachableError(f"{self.server} answered {error.status} {error.reason}") from error
        if answer.status >= 300:  # noqa: PLR2004 - HTTP's success is 2xx
            raise UnreachableError(f"{self.server} answered {answer.status} {answer.reason}")
        try:
            return str(json.loads(body)["gitVersion"]).removeprefix("v")
        except (ValueError, KeyError, TypeError) as error:
            raise UnreachableError(f"{self.server} answers, but is not a Kubernetes API server") from error

    def close(self) -> None:
        """Close its sockets, and forget which kinds there were."""
        if self._discovery is not None:
            self._discovery.cleanup()
        self.api.close()  # type: ignore[no-untyped-call]  # upstream is half typed

    def _authorization(self) -> dict[str, str]:
        headers: dict[str, str] = dict(self.api.default_headers)
        self.api.update_params_for_auth(headers, [], ["BearerToken"], "/version", "GET", None)
        return headers


@contextmanager
def translated(server: str) -> Iterator[None]:
    """Turn the transport's errors into UnreachableError, one line that names the server and the cause."""
    try:
        yield
    except client.ApiException as error:
        if error.status != 0:  # upstream's spelling of "TLS failed"; anything else is an answer
            raise
        cause = str(error.reason).splitlines()[-1]
        raise UnreachableError(f"{server} is not trusted: {cause}") from error
    except (urllib3.exceptions.HTTPError, ssl.SSLError, ConnectionError, TimeoutError) as error:
        raise UnreachableError(f"{server} {reason(error)}") from error


def reason(error: BaseException) -> str:
    """Say in a few words why there was no answer."""
    cause: BaseException = error
    while isinstance(cause, urllib3.exceptions.MaxRetryError) and cause.reason is not None:
        cause = cause.reason
    text = str(cause)
    match cause:
        case urllib3.exceptions.NameResolutionError():
            return "its name does not resolve"
        case urllib3.exceptions.NewConnectionError():  # upstream: a kind of timeout, so it comes first
            return "refuses connections" if "refused" in text else f"cannot be reached: {text}"
        case urllib3.exceptions.ConnectTimeoutError() | urllib3.exceptions.ReadTimeoutError() | TimeoutError():
            return "did not answer in time"
        case urllib3.exceptions.SSLError() | ssl.SSLError():
            return f"is not trusted: {text}"
        case _:
            return f"cannot be reached: {text}"
