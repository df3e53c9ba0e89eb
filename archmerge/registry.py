"""The distribution API of one registry host: the few calls a merge needs, and what their refusals mean."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from archmerge.errors import ArchmergeError, AuthError, MissingError, NetworkError, RefusedError, WrongContentError
from archmerge.manifests import ACCEPT, SIZE_LIMIT, Descriptor, Manifest, digest_of, parse_manifest
from archmerge.records import TYPE_CHECKING, NamedTuple
from archmerge.reference import Digest, is_digest
from archmerge.transport.client import StatusError, public_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from typing import TypeVar

    from archmerge.authorizer import Authorizer
    from archmerge.transport.client import Answer, Client
    from archmerge.transport.wire import Stream

    _T = TypeVar("_T")
    Source = Callable[[], AbstractContextManager[Iterator[bytes]]]

_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 401, 403, 404
_CREATED, _ACCEPTED = 201, 202
_MOUNT_ATTEMPTS = 2
"""A mount only spares an upload: whatever stands in its way, the blob can be uploaded."""
_STORED = frozenset({200, _CREATED, 204})
"""An upload's end: 201 by the specification, 204 by Docker's own that came before it; 200 by some."""


class Mount(NamedTuple):
    """What became of a mount. Refused with 202, `session` is where the blob can be uploaded instead."""

    done: bool
    status: int
    session: str = ""


class Registry:
    """One registry host. Safe to share between threads."""

    def __init__(
        self, client: Client, host: str, base: str, authorizer: Authorizer, explain: Callable[[str, str], str]
    ) -> None:
        self.host = host
        self.base = base
        self.client = client
        self.auth = authorizer
        self._explain = explain
        self.multi_tag: bool | None = None
        """Whether PUT with `?tag=` is confirmed here; None while not known."""

    def manifest(self, repository: str, version: str) -> Manifest:
        """Return a manifest or index, its digest checked. MissingError when it isn't there."""
        where = f"{self.host}/{repository}{'@' if is_digest(version) else ':'}{version}"
        answer = self._call("GET", repository, f"manifests/{quote(version, safe=':')}", {"Accept": ACCEPT})
        if answer.status != 200:  # noqa: PLR2004
            raise self.problem(answer, repository, f"reading {where}")
        manifest = parse_manifest(answer.body, answer.header("Content-Type"), version, where)
        said = answer.header("Docker-Content-Digest")
        if is_digest(said) and digest_of(answer.body, said) != said:
            raise WrongContentError(f"{where}: the registry announced {said}, but sent {manifest.digest}")
        return manifest

    def tag_digest(self, repository: str, tag: str) -> Digest | None:
        """Return the digest that a tag points to now; None when there is no such tag."""
        answer = self._call("HEAD", repository, f"manifests/{tag}", {"Accept": ACCEPT})
        if answer.status == _NOT_FOUND:
            return None
        if answer.status != 200:  # noqa: PLR2004
            raise self.problem(answer, repository, f"looking at {self.host}/{repository}:{tag}")
        said = answer.header("Docker-Content-Digest")
        return Digest(said) if is_digest(said) else self.manifest(repository, tag).digest

    def has_manifest(self, repository: str, digest: str) -> bool:
        """Whether the repository itself holds this manifest."""
        return self._has(repository, f"manifests/{digest}", {"Accept": ACCEPT})

    def has_blob(self, repository: str, digest: str) -> bool:
        """Whether the repository itself holds this blob."""
        return self._has(repository, f"blobs/{digest}", {})

    def spared(self, look: Callable[[], _T], otherwise: _T) -> _T:
        """Return what a look finds that only spares work; `otherwise` where it is refused: the write will tell.

        Artifactory's virtual repositories and ECR Public answer 401, 403 or 405 to HEAD of something absent.
        """
        try:
            return look()
        except (AuthError, RefusedError) as error:
            self.client.trace(f"going on without that look: {error.message}")
            return otherwise

    def small_blob(self, repository: str, blob: Descriptor) -> bytes:
        """Return a config: at most 4 MiB, its digest checked."""
        where = f"{self.host}/{repository}@{blob.digest}"
        if blob.size > SIZE_LIMIT:
            raise WrongContentError(
                f"{where}: the config is said to be {blob.size} bytes; at most {SIZE_LIMIT} are read"
            )
        answer = self._call("GET", repository, f"blobs/{blob.digest}", {})
        if answer.status != 200:  # noqa: PLR2004
            raise self.problem(answer, repository, f"reading the config {where}")
        if digest_of(answer.body, blob.digest) != blob.digest:
            raise WrongContentError(f"{where}: got content with digest {digest_of(answer.body, blob.digest)}")
        return answer.body

    def open_blob(self, repository: str, digest: str) -> Stream:
        """Return a blob as a stream, wherever the registry redirects to. The reader checks the digest."""
        url = f"{self.base}/v2/{repository}/blobs/{digest}"
        header = self.auth.header(repository)
        try:
            return self.client.stream(url, _authorized(header))
        except StatusError as error:
            first = error.answer
        if first.status == _UNAUTHORIZED and self.auth.refused(repository, header, first):
            try:
                return self.client.stream(url, _authorized(self.auth.header(repository)))
            except StatusError as error:
                first = error.answer
        raise self.problem(first, repository, f"reading the blob {self.host}/{repository}@{digest}")

    def mount(self, repository: str, digest: str, source: str) -> Mount:
        """Ask to take over a blob from the repository `source` of this registry."""
        query = urlencode({"mount": digest, "from": source}, safe=":/")
        try:
            answer = self._call("POST", repository, f"blobs/uploads/?{query}", {}, attempts=_MOUNT_ATTEMPTS)
        except NetworkError as error:
            self.client.trace(f"the mount failed, so that the blob is uploaded instead: {error.message}")
            return Mount(done=False, status=0)
        if answer.status == _CREATED:
            return Mount(done=True, status=answer.status)
        session = answer.header("Location") if answer.status == _ACCEPTED else ""
        return Mount(done=False, status=answer.status, session=session and self._located(answer, session))

    def start_upload(self, repository: str) -> str:
        """Open an upload session; its URL."""
        answer = self._call("POST", repository, "blobs/uploads/", {})
        location = answer.header("Location")
        if answer.status != _ACCEPTED or not location:
            raise self.problem(answer, repository, "opening an upload", reading=False)
        return self._located(answer, location)

    def finish_upload(self, repository: str, session: str, blob: Descriptor, source: Source) -> None:
        """Send a whole blob, from pieces that `source` opens, into a session. The registry checks the digest too."""
        header = self.auth.header(repository)
        answer = self._upload(session, header, blob, source)
        if answer.status == _UNAUTHORIZED and self.auth.refused(repository, header, answer):
            # A long copy outlives its token; a session that was refused once may be half full, so take a new one.
            answer = self._upload(self.start_upload(repository), self.auth.header(repository), blob, source)
        if answer.status not in _STORED:
            raise self.problem(answer, repository, f"uploading {blob.digest}", reading=False)

    def _upload(self, session: str, header: str, blob: Descriptor, source: Source) -> Answer:
        parts = urlsplit(session)
        # Location may carry a query of its own (S3, GCS), which must stay as it is.
        query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), ("digest", blob.digest)], safe=":")
        url = urlunsplit((*parts[:3], query, ""))
        headers = {**self._session_headers(header, session), "Content-Type": "application/octet-stream"}
        with source() as pieces:
            return self.client.upload(url, headers, pieces, blob.size)

    def cancel_upload(self, repository: str, session: str) -> None:
        """Close a session that isn't needed. A courtesy: the registry would time it out by itself."""
        try:
            self.client.request("DELETE", session, self._session_headers(self.auth.header(repository), session))
        except ArchmergeError as error:
            self.client.trace(f"an upload session was left open: {error.message}")

    def put_manifest(
        self, repository: str, version: str, manifest: Manifest, tags: Iterable[str] = ()
    ) -> frozenset[str]:
        """Store a manifest's exact bytes under a tag or its digest, and `tags`; the tags that were confirmed."""
        query = "?" + urlencode([("tag", tag) for tag in tags]) if tags else ""
        headers = {"Content-Type": manifest.media_type}
        answer = self._call("PUT", repository, f"manifests/{quote(version, safe=':')}{query}", headers, manifest.body)
        if answer.status not in (200, _CREATED, _ACCEPTED):
            raise self.problem(answer, repository, f"writing {self.host}/{repository}:{version}", reading=False)
        said = answer.header("Docker-Content-Digest")
        # 201 is what the specification asks for; a login page, too, answers 200.
        if answer.status != _CREATED or (is_digest(said) and digest_of(manifest.body, said) != said):
            stored = self._stored(repository, version)
            if stored != manifest.digest:
                raise WrongContentError(
                    f"{self.host}/{repository}:{version}: {manifest.digest} was written, {stored or 'nothing'} is there"
                )
        confirmed = (tag.strip() for value in answer.headers.get_all("OCI-Tag") or () for tag in value.split(","))
        return frozenset(confirmed)

    def _stored(self, repository: str, version: str) -> Digest | None:
        try:
            return self.manifest(repository, version).digest
        except MissingError:
            return None

    def problem(self, answer: Answer, repository: str, doing: str, *, reading: bool = True) -> ArchmergeError:
        """Return the error for a refusal, with the registry's own words and what we know of the cause."""
        place = f"{self.host}/{repository}"
        said = f"{doing}: the registry answered {answer.status}{self.auth.conceal(_own_words(answer.body))}"
        hint = self._explain(self.host, repository)
        if answer.status in (_UNAUTHORIZED, _FORBIDDEN):
            return AuthError(
                f"{said} ({self.auth.explain(repository)})",
                fix=hint
                or f"give credentials that may do this at {place}; docs/merge.md lists where they are looked for",
            )
        if reading and answer.status == _NOT_FOUND:
            return MissingError(said, fix=hint or f"was it pushed? Look with: archmerge inspect {place}:TAG")
        return RefusedError(said, fix=hint)

    def _has(self, repository: str, path: str, headers: Mapping[str, str]) -> bool:
        answer = self._call("HEAD", repository, path, headers)
        if answer.status not in (200, _NOT_FOUND):
            raise self.problem(answer, repository, f"looking for {repository}/{path}")
        return answer.status != _NOT_FOUND

    def _call(  # noqa: PLR0913 - a request's parts
        self,
        method: str,
        repository: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        *,
        attempts: int = 0,
    ) -> Answer:
        """Return a request with the repository's authorization, renewed once when it is refused."""
        url = f"{self.base}/v2/{repository}/{path}"
        header = self.auth.header(repository)
        answer = self.client.request(method, url, {**headers, **_authorized(header)}, body, attempts=attempts)
        if answer.status == _UNAUTHORIZED and self.auth.refused(repository, header, answer):
            header = self.auth.header(repository)
            answer = self.client.request(method, url, {**headers, **_authorized(header)}, body, attempts=attempts)
        return answer

    def _located(self, answer: Answer, location: str) -> str:
        return self.client.follow(answer.url, location, {})[0]

    def _session_headers(self, header: str, session: str) -> Mapping[str, str]:
        return self.client.follow(f"{self.base}/v2/", session, _authorized(header))[1]


class DryRegistry(Registry):
    """Reads like a registry, and says what it would write instead of writing it."""

    def mount(self, repository: str, digest: str, source: str) -> Mount:
        """Say it, and take the mount for granted."""
        query = urlencode({"mount": digest, "from": source}, safe=":/")
        self.client.trace(f"would POST {self.base}/v2/{repository}/blobs/uploads/?{query}")
        return Mount(done=True, status=_CREATED)

    def start_upload(self, repository: str) -> str:
        """Say it."""
        self.client.trace(f"would POST {self.base}/v2/{repository}/blobs/uploads/")
        return f"{self.base}/v2/{repository}/blobs/uploads/SESSION"

    def finish_upload(self, repository: str, session: str, blob: Descriptor, source: Source) -> None:  # noqa: ARG002 - not read: nothing is sent
        """Say it, without reading the blob."""
        self.client.trace(f"would PUT {public_url(session)}?digest={blob.digest} ({blob.size} bytes)")

    def put_manifest(
        self, repository: str, version: str, manifest: Manifest, tags: Iterable[str] = ()
    ) -> frozenset[str]:
        """Say it. Whether several tags would be confirmed can't be known without asking."""
        query = "?" + urlencode([("tag", tag) for tag in tags]) if tags else ""
        url = f"{self.base}/v2/{repository}/manifests/{version}{query}"
        self.client.trace(f"would PUT {url} ({len(manifest.body)} bytes of {manifest.media_type}, {manifest.digest})")
        return frozenset()


def _authorized(header: str) -> dict[str, str]:
    return {"Authorization": header} if header else {}


def _own_words(body: bytes) -> str:
    """Return the registry's error codes and messages, or nothing when it didn't send any."""
    try:
        errors = json.loads(body)["errors"]
        words = "; ".join(f"{e.get('code', '')} {e.get('message', '')}".strip() for e in errors[:3])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""
    printable = "".join(char if char.isprintable() else "?" for char in words[:300])
    return f": {printable}"
