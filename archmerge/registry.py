"""The distribution API of one registry host: the few calls a merge needs, and what their refusals mean."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from email.message import Message
from functools import partial
from typing import TypeVar
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from archmerge.authorizer import Authorizer
from archmerge.errors import ArchmergeError, AuthError, MissingError, NetworkError, RefusedError, WrongContentError
from archmerge.manifests import (
    ACCEPT,
    OCI_INDEX,
    SIZE_LIMIT,
    Descriptor,
    Manifest,
    digest_of,
    load_object,
    parse_manifest,
)
from archmerge.reference import Digest, is_digest
from archmerge.transport.client import Answer, Body, Client, Part, Stream, public_url

_T = TypeVar("_T")

_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 401, 403, 404
_OK, _CREATED, _ACCEPTED = 200, 201, 202
_TOO_LARGE = 413
_PART_SIZES = (64 << 20, 8 << 20, 1 << 19)
"""Bytes at a time for what is too large in one: under the limits of Cloudflare (100 MB) and nginx (1 MiB)."""
_NOT_YET_KNOWN = (b"MANIFEST_BLOB_UNKNOWN", b"BLOB_UNKNOWN", b"MANIFEST_UNKNOWN")
_UNKNOWN_ATTEMPTS = 4
_NOT_OFFERED = (400, 405, 501)
"""How registries say that they delete no tags, or nothing."""
_NEXT = r'<([^>]*)>\s*;[^,]*\brel="?next"?'
_OCTETS = {"Content-Type": "application/octet-stream"}
_MOUNT_ATTEMPTS = 2
"""A mount only spares an upload: whatever stands in its way, the blob can be uploaded."""
_STORED = frozenset({_OK, _CREATED, 204})
"""An upload's end: 201 by the specification, 204 by Docker's own that came before it; 200 by some."""


class Mount:
    """What became of a mount. Refused with 202, `session` is where the blob can be uploaded instead."""

    def __init__(self, status: int, session: str = "") -> None:
        self.status = status
        """0 where there was no answer."""
        self.session = session
        self.done = status == _CREATED


class Registry:
    """One registry host. Safe to share between threads."""

    def __init__(
        self, client: Client, host: str, base: str, authorizer: Authorizer, environ: Mapping[str, str]
    ) -> None:
        self.host = host
        self.base = base
        self.client = client
        self.auth = authorizer
        self.dry = client.options.dry_run
        """Whether it only says what it would write."""
        self._environ = environ

    def manifest(self, repository: str, version: str, *, spare: bool = False) -> Manifest:
        """Return a manifest or index, its digest checked. MissingError when it isn't there.

        With `spare`, it is read only to spare work: a refusal then tells nothing about the token.
        """
        where = f"{self.host}/{repository}{'@' if is_digest(version) else ':'}{version}"
        path = f"manifests/{quote(version, safe=':')}"
        answer = self._get(repository, path, {"Accept": ACCEPT}, f"reading {where}", spare=spare)
        manifest = parse_manifest(answer.body, answer.header("Content-Type"), version, where)
        said = answer.header("Docker-Content-Digest")
        if is_digest(said) and digest_of(answer.body, said) != said:
            raise WrongContentError(f"{where}: the registry announced {said}, but sent {manifest.digest}")
        return manifest

    def tag_digest(self, repository: str, tag: str) -> Digest | None:
        """Return the digest that a tag points to now; None when there is no such tag."""
        if not (answer := self._head(repository, f"manifests/{tag}", {"Accept": ACCEPT})):
            return None
        said = answer.header("Docker-Content-Digest")
        return Digest(said) if is_digest(said) else self.manifest(repository, tag).digest

    def tags(self, repository: str) -> list[str]:
        """List the repository's tags, page by page. MissingError when there is no such repository."""
        found: list[str] = []
        for answer in self._pages(repository, "tags/list?n=1000", {}):
            listed = load_object(answer.body, f"{self.host}/{repository}: tags").get("tags") or []
            found += [str(tag) for tag in listed]
        return found

    def referrers(self, repository: str, digest: str) -> list[Descriptor]:
        """Return what speaks of a manifest (signatures, SBOMs), by the API, or the tag where there is no API."""
        where = f"{self.host}/{repository}: referrers of {digest}"
        try:
            pages = list(self._pages(repository, f"referrers/{digest}", {"Accept": OCI_INDEX}))
        except MissingError:
            try:
                return list(self.manifest(repository, digest.replace(":", "-")).manifests)
            except MissingError:
                return []
        return [entry for page in pages for entry in parse_manifest(page.body, OCI_INDEX, "", where).manifests]

    def speaking(self, repository: str, digest: str) -> list[tuple[str, str]]:
        """Return where to look for what speaks of a manifest: `referrer` or a cosign tag's ending, and version."""
        listed = [("referrer", str(entry.digest)) for entry in self.referrers(repository, digest)]
        return listed + [(ending, f"{digest.replace(':', '-')}.{ending}") for ending in ("sig", "att", "sbom")]

    def delete(self, repository: str, version: str) -> bool:
        """Delete a tag or a manifest; False when the registry does not do that. Gone already is as good as deleted."""
        answer = self._call("DELETE", repository, f"manifests/{version}", {})
        if answer.status in _NOT_OFFERED:
            return False
        if answer.status not in (_OK, _CREATED, _ACCEPTED, _NOT_FOUND):
            raise self.problem(answer, repository, f"deleting {self.host}/{repository}: {version}", reading=False)
        return True

    def _pages(self, repository: str, path: str, headers: Mapping[str, str]) -> Iterator[Answer]:
        """Read a list to its end. Where it goes on at another host, it is no list of this registry's."""
        while path:
            answer = self._get(repository, path, headers, f"listing {self.host}/{repository}/{path}")
            yield answer
            more, begin = re.search(_NEXT, answer.header("Link")), f"{self.base}/v2/{repository}/"
            following = self.client.follow(answer.url, more[1], {})[0] if more else begin
            if not following.startswith(begin):
                raise RefusedError(f"{self.host}/{repository}: the list goes on elsewhere, at {public_url(following)}")
            path = following[len(begin) :]

    def has_manifest(self, repository: str, digest: str) -> bool:
        """Whether the repository itself holds this manifest."""
        return self._head(repository, f"manifests/{digest}", {"Accept": ACCEPT}) is not None

    def has_blob(self, repository: str, digest: str) -> bool:
        """Whether the repository itself holds this blob."""
        return self._head(repository, f"blobs/{digest}", {}) is not None

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
        answer = self._get(repository, f"blobs/{blob.digest}", {}, f"reading the config {where}")
        if digest_of(answer.body, blob.digest) != blob.digest:
            raise WrongContentError(f"{where}: got content with digest {digest_of(answer.body, blob.digest)}")
        return answer.body

    def open_blob(self, repository: str, digest: str) -> Stream:
        """Return a blob as a stream, wherever the registry redirects to. The reader checks the digest."""
        send = partial(self.client.stream, f"{self.base}/v2/{repository}/blobs/{digest}")
        opened = self._authorized(repository, send)
        if isinstance(opened, Answer):
            raise self.problem(opened, repository, f"reading the blob {self.host}/{repository}@{digest}")
        return opened

    def mount(self, repository: str, digest: str, source: str) -> Mount:
        """Ask to take over a blob from the repository `source` of this registry."""
        query = urlencode({"mount": digest, "from": source}, safe=":/")
        try:
            answer = self._call("POST", repository, f"blobs/uploads/?{query}", {}, attempts=_MOUNT_ATTEMPTS)
        except NetworkError as error:
            self.client.trace(f"the mount failed, so that the blob is uploaded instead: {error.message}")
            return Mount(0)
        session = answer.header("Location") if answer.status == _ACCEPTED else ""
        return Mount(answer.status, session and self._located(answer, session))

    def start_upload(self, repository: str) -> str:
        """Open an upload session; its URL."""
        answer = self._call("POST", repository, "blobs/uploads/", {})
        location = answer.header("Location")
        if answer.status != _ACCEPTED or not location:
            raise self.problem(answer, repository, "opening an upload", reading=False)
        return self._located(answer, location)

    def finish_upload(self, repository: str, session: str, blob: Descriptor, source: Body) -> None:
        """Send a whole blob, which `source` opens, into a session. The registry checks the digest too.

        What is too large for a proxy on the way (413) is sent in parts, in memory as small.
        """
        sessions = [session]

        def send(headers: Mapping[str, str]) -> Answer:
            # A long copy outlives its token; a session that was refused once may be half full, so take a new one.
            place = sessions.pop() if sessions else self.start_upload(repository)
            own = {**self.client.follow(f"{self.base}/v2/", place, headers)[1], **_OCTETS}
            return self.client.upload("PUT", _ended(place, blob.digest), own, source, blob.size)

        answer = self._authorized(repository, send)
        sizes = iter(_PART_SIZES)
        while answer.status == _TOO_LARGE and (size := next(sizes, 0)):
            if size < blob.size:
                self.client.trace(f"{blob.digest} is too large for one request; sending {size >> 10} KiB at a time")
                answer = self._upload_in_parts(repository, blob, source, size)
        if answer.status not in _STORED:
            raise self.problem(answer, repository, f"uploading {blob.digest}", reading=False)

    def _upload_in_parts(self, repository: str, blob: Descriptor, source: Body, size: int) -> Answer:
        place = self.start_upload(repository)
        with source() as content:
            for start in range(0, blob.size, size):
                length = min(size, blob.size - start)
                headers = {**self._session_headers(repository, place), **_OCTETS}
                headers["Content-Range"] = f"{start}-{start + length - 1}"
                answer = self.client.upload("PATCH", place, headers, Part(content, length), length)
                if answer.status not in (_ACCEPTED, *_STORED):
                    return answer
                place = self._located(answer, answer.header("Location") or place)
        ending = self._session_headers(repository, place)
        return self.client.request("PUT", _ended(place, blob.digest), ending, b"", attempts=1)

    def cancel_upload(self, repository: str, session: str) -> None:
        """Close a session that isn't needed. A courtesy: the registry would time it out by itself."""
        try:
            self.client.request("DELETE", session, self._session_headers(repository, session))
        except ArchmergeError as error:
            self.client.trace(f"an upload session was left open: {error.message}")

    def put_manifest(self, repository: str, version: str, manifest: Manifest) -> bool:
        """Store a manifest's exact bytes under a tag or its digest; whether its subject's list of referrers has it.

        Stores that become consistent in time don't know a blob or child right after its upload: those get a few tries.
        """
        headers = {"Content-Type": manifest.media_type}
        path, place = f"manifests/{quote(version, safe=':')}", f"{self.host}/{repository}:{version}"
        for number in range(_UNKNOWN_ATTEMPTS):
            answer = self._call("PUT", repository, path, headers, manifest.body)
            unknown = answer.status in (400, _NOT_FOUND) and any(word in answer.body for word in _NOT_YET_KNOWN)
            if not unknown or number + 1 == _UNKNOWN_ATTEMPTS:
                break
            self.client.pause(f"writing {place}", number, "the registry does not know yet what was uploaded")
        if answer.status not in (_OK, _CREATED, _ACCEPTED):
            raise self.problem(answer, repository, f"writing {place}", reading=False)
        said = answer.header("Docker-Content-Digest")
        # 201 is what the specification asks for; a login page, too, answers 200.
        if answer.status != _CREATED or (is_digest(said) and digest_of(manifest.body, said) != said):
            stored = self._stored(repository, version)
            if stored != manifest.digest:
                raise WrongContentError(f"{place}: {manifest.digest} was written, {stored or 'nothing'} is there")
        return bool(answer.header("OCI-Subject"))

    def _stored(self, repository: str, version: str) -> Digest | None:
        try:
            return self.manifest(repository, version).digest
        except MissingError:
            return None

    def problem(self, answer: Answer, repository: str, doing: str, *, reading: bool = True) -> ArchmergeError:
        """Return the error for a refusal, with the registry's own words and what we know of the cause."""
        place = f"{self.host}/{repository}"
        said = f"{doing}: the registry answered {answer.status}{self.auth.conceal(_own_words(answer.body))}"
        hint = naming_trap(self._environ, self.host, repository)
        if answer.status in (_UNAUTHORIZED, _FORBIDDEN):
            return AuthError(
                f"{said} ({self.auth.explain(repository)})",
                fix=hint
                or f"give credentials that may do this at {place}; docs/merge.md lists where they are looked for",
            )
        if reading and answer.status == _NOT_FOUND:
            return MissingError(said, fix=hint or f"was it pushed? Look with: archmerge inspect {place}:TAG")
        return RefusedError(said, fix=hint)

    def _get(
        self, repository: str, path: str, headers: Mapping[str, str], doing: str, *, spare: bool = False
    ) -> Answer:
        answer = self._call("GET", repository, path, headers, spare=spare)
        if answer.status != _OK:
            raise self.problem(answer, repository, doing)
        return answer

    def _head(self, repository: str, path: str, headers: Mapping[str, str]) -> Answer | None:
        """Look at something; None when it isn't there."""
        answer = self._call("HEAD", repository, path, headers)
        if answer.status not in (_OK, _NOT_FOUND):
            raise self.problem(answer, repository, f"looking for {repository}/{path}")
        return answer if answer.status == _OK else None

    def _call(  # noqa: PLR0913 - a request's parts
        self,
        method: str,
        repository: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        *,
        attempts: int = 0,
        spare: bool = False,
    ) -> Answer:
        """Send a request with the repository's authorization, and return the answer."""
        url = f"{self.base}/v2/{repository}/{path}"
        if self.dry and method not in ("GET", "HEAD"):
            self.client.trace(f"would {method} {url}" + (f" ({len(body)} bytes)" if body else ""))
            return Answer(_CREATED, Message(), b"", url)

        def send(authorization: Mapping[str, str]) -> Answer:
            return self.client.request(method, url, {**headers, **authorization}, body, attempts=attempts)

        return self._authorized(repository, send, once=spare or method == "HEAD" or "?mount=" in path)

    def _authorized(self, repository: str, send: Callable[[dict[str, str]], _T], *, once: bool = False) -> _T:
        """Send with the repository's authorization, which is renewed, and then asked for alone, when it is refused.

        With `once` it is only renewed: a mount needs the token for both repositories, and some registries refuse to
        look at what is not there (Quay, Artifactory), whatever the token.
        """
        left, refusals = (1, (_UNAUTHORIZED,)) if once else (2, (_UNAUTHORIZED, _FORBIDDEN))
        while True:
            authorization = self.auth.header(repository)
            answer = send(authorization)
            if not left or not isinstance(answer, Answer) or answer.status not in refusals:
                return answer
            if not self.auth.refused(repository, authorization, answer):
                return answer
            left -= 1

    def _located(self, answer: Answer, location: str) -> str:
        return self.client.follow(answer.url, location, {})[0]

    def _session_headers(self, repository: str, session: str) -> Mapping[str, str]:
        return self.client.follow(f"{self.base}/v2/", session, self.auth.header(repository))[1]


def _ended(session: str, digest: str) -> str:
    """Return the address that ends an upload. Location may carry a query of its own (S3, GCS), which must stay."""
    parts = urlsplit(session)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), ("digest", digest)], safe=":")
    return urlunsplit((*parts[:3], query, ""))


def _own_words(body: bytes) -> str:
    """Return the registry's error codes and messages, or nothing when it didn't send any."""
    try:
        errors = json.loads(body)["errors"]
        words = "; ".join(f"{e.get('code', '')} {e.get('message', '')}".strip() for e in errors[:3])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""
    printable = "".join(char if char.isprintable() else "?" for char in words[:300])
    return f": {printable}"


_LEVELS_BELOW = 2


def naming_trap(environ: Mapping[str, str], host: str, repository: str) -> str:
    """Why GitLab may refuse this repository; empty when its name is fine, or GitLab's registry isn't concerned.

    A repository must be the project's path or below it, by two levels at most (facts/merge.md section 0).
    """
    image = environ.get("CI_REGISTRY_IMAGE", "")
    own_host, _, project = image.partition("/")
    if not project or own_host != host or repository == project:
        return ""
    if repository.startswith(f"{project}/"):
        below = repository[len(project) + 1 :].count("/") + 1
        if below <= _LEVELS_BELOW:
            return ""
        return (
            f"GitLab takes image names at most {_LEVELS_BELOW} levels below the project, "
            f"and {repository} is {below} below {project}"
        )
    if repository.startswith(project):
        rest = repository[len(project) :].lstrip("-_.")
        return (
            f"$CI_REGISTRY_IMAGE{repository[len(project) :]} names another GitLab project ({repository}), not an image "
            f"of this one ({project}); write $CI_REGISTRY_IMAGE/{rest}, or $CI_REGISTRY_IMAGE:TAG-{rest}"
        )
    return (
        f"{repository} belongs to another GitLab project than this job's ({project}); a job token may push only to its "
        "own project, and reads others only where their job token allowlist names this one"
    )
