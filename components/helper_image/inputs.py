"""What a MultiArchImage is asked to be, and what is wrong with it. Pure: no network, no Pulumi."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from archmerge import ArchmergeError, Platform, Reference, parse_platform, parse_reference
from archmerge.reference import check_tag, parse_target
from components.helper_image.properties import UNKNOWN, contains_unknown, path
from components.problems import Problem
from components.reading import kind, unknown

LOGIN_KEYS: Final = ("username", "password")


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """User name and password for one registry. Neither is ever shown."""

    username: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageInputs:
    """Inputs that were checked, all known."""

    target: Reference
    sources: Mapping[str, str]
    """Image reference by platform, both as they were given."""
    tags: tuple[str, ...] = ()
    credentials: Mapping[str, Login] = field(default_factory=dict)
    """By registry host."""
    plain_http: frozenset[str] = frozenset()
    delete_remote: bool = False


def read_inputs(values: Mapping[str, Any]) -> ImageInputs:
    """Return checked inputs. Raises ArchmergeError for ones that `check_inputs` would have refused."""
    logins = values.get("credentials") or {}
    return ImageInputs(
        target=parse_target(values["target"]),
        sources=dict(values.get("sources") or {}),
        tags=tuple(values.get("tags") or ()),
        credentials={host: Login(**login) for host, login in logins.items()},
        plain_http=frozenset(values.get("plainHttp") or ()),
        delete_remote=bool(values.get("deleteRemote")),
    )


def check_inputs(values: Mapping[str, Any]) -> list[Problem]:
    """Return every mistake, with its property path. What is unknown yet is passed over; nothing is sent anywhere."""
    checks: dict[str, Callable[[Mapping[str, Any]], Iterator[Problem]]] = {
        "target": _target,
        "sources": _sources,
        "tags": _tags,
        "credentials": _credentials,
        "plainHttp": _plain_http,
        "deleteRemote": _delete_remote,
    }
    problems = [
        unknown("", key, tuple(checks), "MultiArchImage") for key in values if key not in checks and key[:2] != "__"
    ]
    for key, check in checks.items():
        if values.get(key) is not UNKNOWN:
            problems += check(values)
    return problems


def _problem(where: str, found: str, consequence: str, fix: str) -> Problem:
    return Problem(path=where, found=found, consequence=consequence, fix=fix)


def _refused(where: str, error: ArchmergeError, consequence: str) -> Problem:
    return _problem(where, error.message, consequence, (error.fix or "Mend it").rstrip(".") + ".")


def _wrong_type(where: str, value: Any, wanted: str) -> Problem:
    found = "not set" if value is None else f"is {kind(value)}"
    return _problem(where, found, "nothing could be merged from it", f"Give {wanted}.")


def _target(values: Mapping[str, Any]) -> Iterator[Problem]:
    value = values.get("target")
    if not isinstance(value, str):
        yield _wrong_type("target", value, "the image to publish: host/repository:tag")
        return
    try:
        parse_target(value)
    except ArchmergeError as error:
        yield _refused("target", error, "nothing could be published there")
        return
    if parse_reference(value).tag is None:
        where = str(parse_reference(value))
        yield _problem("target", f"{value!r} has no tag", "'latest' would be published", f"Write {where}:TAG.")


def _sources(values: Mapping[str, Any]) -> Iterator[Problem]:
    value = values.get("sources")
    if not isinstance(value, Mapping) or not value:
        wanted = "one image for each platform: {linux/amd64: host/repository:tag, ...}"
        yield _wrong_type("sources", value or None, wanted)
        return
    seen: dict[Platform, str] = {}
    for name, source in value.items():
        where = path("sources", name)
        try:
            platform = parse_platform(name).normalised
        except ArchmergeError as error:
            yield _refused(where, error, "no machine would choose it")
            continue
        if platform in seen:
            twin = f"the same platform as {seen[platform]}"
            yield _problem(where, twin, "a machine would only ever get the first", "Keep one of the two.")
        seen[platform] = name
        if source is not UNKNOWN:
            yield from _source(where, source, values.get("target"))


def _source(where: str, source: Any, target: Any) -> Iterator[Problem]:
    if not isinstance(source, str):
        yield _wrong_type(where, source, "an image reference: host/repository:tag or host/repository@sha256:...")
        return
    try:
        ref = parse_reference(source)
    except ArchmergeError as error:
        yield _refused(where, error, "there would be nothing to merge")
        return
    if ref.tag is None and ref.digest is None:
        fix = "State the tag, or better the digest."
        yield _problem(where, f"{source!r} has neither tag nor digest", "whatever is 'latest' would be merged", fix)
    own = _known_target(target)
    if own is not None and ref.digest is None and (ref.name, ref.tag) == (own.name, own.tag):
        yield _problem(
            where,
            "it is the target itself",
            "the first merge would replace its own source",
            "Name the image of this one platform, for example with the platform in its tag.",
        )


def _known_target(value: Any) -> Reference | None:
    if not isinstance(value, str):
        return None
    try:
        return parse_target(value)
    except ArchmergeError:
        return None  # told of where the target is checked


def _tags(values: Mapping[str, Any]) -> Iterator[Problem]:
    value = values.get("tags")
    if value is None:
        return
    if not isinstance(value, list):
        yield _wrong_type("tags", value, "a list of tags")
        return
    target = _reference(values.get("target"))
    seen = {target.tag} if target else set()
    for number, tag in enumerate(value):
        where = path("tags", number)
        if tag is UNKNOWN:
            continue
        if not isinstance(tag, str):
            yield _wrong_type(where, tag, "a tag")
            continue
        try:
            check_tag(tag)
        except ArchmergeError as error:
            yield _refused(where, error, "no registry would take it")
        if tag in seen:
            yield _problem(where, f"{tag!r} is named twice, or is the target's own", "it has no effect", "Remove it.")
        seen.add(tag)


def _credentials(values: Mapping[str, Any]) -> Iterator[Problem]:
    value = values.get("credentials")
    if value is None:
        return
    if not isinstance(value, Mapping):
        yield _wrong_type("credentials", value, "user name and password by registry host")
        return
    for host, login in value.items():
        where = path("credentials", host)
        yield from _used(where, host, values)
        if login is UNKNOWN:
            continue
        if not isinstance(login, Mapping):
            yield _wrong_type(where, login, "{username: ..., password: ...}")
            continue
        yield from (unknown(where, key, LOGIN_KEYS, f"`{where}`") for key in login if key not in LOGIN_KEYS)
        for key in LOGIN_KEYS:
            item = login.get(key)
            # Never what is there: a password may have been put under the other key.
            if item is not UNKNOWN and not (isinstance(item, str) and item):
                found = "not set" if item in (None, "") else "not text"
                fix = "Give both, or leave the host out to use the environment's docker config."
                yield _problem(path(where, key), found, "the registry would refuse the login", fix)


def _plain_http(values: Mapping[str, Any]) -> Iterator[Problem]:
    value = values.get("plainHttp")
    if value is None:
        return
    if not isinstance(value, list):
        yield _wrong_type("plainHttp", value, "a list of registry hosts")
        return
    for number, host in enumerate(value):
        where = path("plainHttp", number)
        if isinstance(host, str):
            yield from _used(where, host, values)
        elif host is not UNKNOWN:
            yield _wrong_type(where, host, "a registry host")


def _used(where: str, host: str, values: Mapping[str, Any]) -> Iterator[Problem]:
    """Find a host that no image is on: most probably it is spelled wrongly."""
    sources = values.get("sources")
    images = [values.get("target"), *(sources.values() if isinstance(sources, Mapping) else [sources])]
    if contains_unknown(images):
        return
    hosts = sorted({ref.host for ref in map(_reference, images) if ref is not None})
    if hosts and host not in hosts:
        fix = f"Write it as the images do: {', '.join(hosts)}."
        yield _problem(where, f"no image is on {host!r}", "it would have no effect", fix)


def _reference(value: Any) -> Reference | None:
    try:
        return parse_reference(value) if isinstance(value, str) else None
    except ArchmergeError:
        return None  # told of where the image is checked


def _delete_remote(values: Mapping[str, Any]) -> Iterator[Problem]:
    value = values.get("deleteRemote")
    if value is not None and not isinstance(value, bool):
        yield _wrong_type("deleteRemote", value, "true or false")
