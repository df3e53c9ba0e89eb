"""GitLab's issues over HTTP: the four calls that one kept issue needs, with bounded waits and clear errors.

Source of the shapes: https://docs.gitlab.com/api/issues/ and https://docs.gitlab.com/api/rest/ (pagination).
"""

import json
import ssl
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote, urlencode, urlsplit

import urllib3

from multiarch.core.printable import one_line

_PER_PAGE: Final = 100
_MOST_PAGES: Final = 50
_TIMEOUT: Final = urllib3.Timeout(connect=10.0, read=30.0)
_TRIES_AGAIN: Final = 3
_BUSY: Final = frozenset({408, 429, 500, 502, 503, 504})
"""What a later try may answer otherwise: too many calls, or GitLab's own trouble."""
_RETRY_AFTER_MOST: Final = 30
"""Seconds; GitLab may ask for minutes, a job is better told."""
_SAID_MOST: Final = 300

_MEANINGS: Final[Mapping[int, str]] = {
    401: "GitLab refuses the token: it has expired, was revoked, or belongs to another GitLab",
    403: "the token may not do this: it needs the scope `api` and, in the project, the role Planner or Reporter",
    404: "there is no such project for this token, or its issues are switched off",
}


class IssueError(Exception):
    """GitLab did not let us keep the issue; the message says what was asked, what came, and what to do."""


class NoAnswerError(IssueError):
    """No answer, or 'later': what was asked may have been done all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """An issue, as far as it matters here."""

    number: int
    """Its `iid`, the number that people see."""
    title: str
    description: str
    opened: bool
    labels: tuple[str, ...]
    url: str
    moved: bool = False
    """It was moved to another project; what is left here is closed for good."""


class IssuesApi:
    """The issues of one project. Every call raises IssueError; `create` also NoAnswerError, when that is not known.

    `api` is CI_API_V4_URL, `project` a number or a path, `pause` the wait in seconds before the second try.
    """

    def __init__(self, *, api: str, project: str, token: str, ca_file: str = "", pause: float = 1.0) -> None:
        self._issues = f"{api.rstrip('/')}/projects/{quote(project, safe='')}/issues"
        # A personal, project or group access token is taken as a bearer token, and so is one of OAuth.
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._pool = _pool(api, ca_file)
        self._retries = urllib3.Retry(
            total=None,
            connect=_TRIES_AGAIN,
            read=_TRIES_AGAIN,
            status=_TRIES_AGAIN,
            other=0,
            redirect=0,
            # A POST that got no answer may have made its issue: who asks looks first, and only then asks again.
            allowed_methods=frozenset({"GET", "PUT"}),
            status_forcelist=_BUSY,
            backoff_factor=pause,
            backoff_max=10.0,
            retry_after_max=_RETRY_AFTER_MOST,
            raise_on_status=False,
        )

    def __enter__(self) -> Self:
        """Connect lazily: the first call does."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close its connections."""
        self._pool.clear()

    def labelled(self, label: str) -> list[Issue]:
        """List all issues with this label, open and closed, oldest first."""
        found: list[Issue] = []
        query = {"labels": label, "state": "all", "scope": "all", "order_by": "created_at", "sort": "asc"}
        page = "1"
        for _ in range(_MOST_PAGES):
            url = f"{self._issues}?{urlencode({**query, 'per_page': _PER_PAGE, 'page': page})}"
            answer, read = self._call("GET", url)
            if not isinstance(read, list):
                raise IssueError(f"{_asked('GET', url)}: the answer is not a list of issues; is CI_API_V4_URL right?")
            found += [_issue(entry, url) for entry in read]
            page = answer.headers.get("x-next-page", "")
            if not page.isdigit():
                # Labels are not found by their begin, but an odd server's answer is not taken for ours.
                return [issue for issue in found if has_label(issue, label)]
        raise IssueError(f"more than {_MOST_PAGES * _PER_PAGE} issues have the label {label!r}: use a label of its own")

    def create(self, fields: Mapping[str, Any]) -> Issue:
        """Make an issue. Raises NoAnswerError when it is not known whether it was made."""
        _, read = self._call("POST", self._issues, fields)
        return _issue(read, self._issues)

    def edit(self, number: int, fields: Mapping[str, Any]) -> Issue:
        """Change an issue: `title`, `description`, `state_event` (`close`, `reopen`)."""
        url = f"{self._issues}/{number}"
        _, read = self._call("PUT", url, fields)
        return _issue(read, url)

    def _call(
        self, method: str, url: str, fields: Mapping[str, Any] | None = None
    ) -> tuple[urllib3.BaseHTTPResponse, Any]:
        """Ask, and read the JSON. A redirect is an error: the token is for the address that was given."""
        headers = dict(self._headers)
        body = None
        if fields is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(fields).encode()
        try:
            answer = self._pool.request(
                method, url, body=body, headers=headers, retries=self._retries, timeout=_TIMEOUT, redirect=False
            )
        except urllib3.exceptions.HTTPError as error:
            raise NoAnswerError(f"{_asked(method, url)}: {_unanswered(error)}") from error
        if not 200 <= answer.status < 300:  # noqa: PLR2004 - HTTP's success
            raise _refusal(method, url, answer)
        try:
            return answer, json.loads(answer.data)
        except ValueError as error:
            raise IssueError(f"{_asked(method, url)}: the answer is not JSON; is CI_API_V4_URL right?") from error


def has_label(issue: Issue, label: str) -> bool:
    """Tell whether the issue has the label."""
    return label.casefold() in (name.casefold() for name in issue.labels)


def _pool(api: str, ca_file: str) -> urllib3.PoolManager:
    """Make a pool that trusts the runner's own authority too, and goes through the job's proxy if there is one."""
    parts = urlsplit(api)
    trust = _trust(ca_file) if parts.scheme == "https" else None
    proxy = urllib.request.getproxies().get(parts.scheme)
    if proxy and not urllib.request.proxy_bypass(parts.netloc):
        return urllib3.ProxyManager(proxy if "//" in proxy else f"http://{proxy}", ssl_context=trust)
    return urllib3.PoolManager(ssl_context=trust)


def _trust(ca_file: str) -> ssl.SSLContext:
    """Trust what the machine trusts, and what is in the file. Raises IssueError for one that is no such file."""
    trust = ssl.create_default_context()
    if ca_file:
        try:
            trust.load_verify_locations(ca_file)
        except OSError as error:  # an ssl.SSLError is one
            raise IssueError(f"CI_SERVER_TLS_CA_FILE={ca_file} holds no certificates: {error}") from error
    return trust


def _refusal(method: str, url: str, answer: urllib3.BaseHTTPResponse) -> IssueError:
    """Say what GitLab answered, in its words and ours."""
    status = f"{_asked(method, url)}: {answer.status} {one_line(answer.reason or '')}".rstrip()
    if answer.status in _BUSY:
        return NoAnswerError(f"{status}, also when asked again; a later pipeline tries again")
    if 300 <= answer.status < 400:  # noqa: PLR2004 - HTTP's redirects
        leads = one_line(answer.headers.get("Location", "nowhere"))
        return IssueError(f"{status}: it redirects to {leads}, where the token must not be sent; correct CI_API_V4_URL")
    said = _said(answer.data)
    return IssueError(": ".join(part for part in (status, _MEANINGS.get(answer.status, ""), said) if part))


def _said(data: bytes) -> str:
    """Take GitLab's own words out of an error's body: `message` or `error`, text or a mapping of fields."""
    try:
        read = json.loads(data)
    except ValueError:
        return ""
    said = (read.get("message") or read.get("error_description") or read.get("error")) if isinstance(read, dict) else ""
    text = one_line(said if isinstance(said, str) else json.dumps(said))
    return text if len(text) <= _SAID_MOST else text[:_SAID_MOST] + "…"


def _unanswered(error: urllib3.exceptions.HTTPError) -> str:
    # Only here, and seldom: the module brings the whole Kubernetes client along.
    from multiarch.cluster.connection import reason  # noqa: PLC0415 - as said above

    return one_line(reason(error))


def _asked(method: str, url: str) -> str:
    return f"{method} {url.partition('?')[0]}"


def _issue(entry: object, url: str) -> Issue:
    """Read one issue. Raises IssueError for what is none."""
    fields: dict[str, Any] = entry if isinstance(entry, dict) else {}
    match fields:
        case {"iid": int(number), "state": str(state), "title": str(title), "labels": list(labels)}:
            description, address = fields.get("description"), fields.get("web_url")
            return Issue(
                number=number,
                title=title,
                description=description if isinstance(description, str) else "",
                opened=state == "opened",
                labels=tuple(str(label) for label in labels),
                url=one_line(address) if isinstance(address, str) else f"#{number}",
                moved=fields.get("moved_to_id") is not None,
            )
        case _:
            raise IssueError(f"{url.partition('?')[0]}: the answer is not an issue; is CI_API_V4_URL right?")
