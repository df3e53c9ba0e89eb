"""What a MultiArchImage is asked to be, and what is wrong with it. Pure: no network, no Pulumi."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic.dataclasses import dataclass as read_strictly

from archmerge import ArchmergeError, Platform, Reference, parse_platform, parse_reference
from archmerge.reference import check_tag, parse_target
from components.forms import quoted, wrong
from components.helper_image.properties import UNKNOWN, contains_unknown, path
from components.keys import CONFIG
from components.problems import ConfigError, Problem
from components.reading import Kin, kind, parse


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


_NOT_KNOWN: Final = "not known yet"
"""Stands for what is only known once something else exists: each form takes it."""


def _form(check: Callable[[str], object]) -> AfterValidator:
    """Return what holds a known text to `check`, which raises ArchmergeError or what `wrong` makes."""

    def checked(text: str) -> str:
        try:
            if text != _NOT_KNOWN:
                check(text)
        except ArchmergeError as error:
            raise wrong(error.message, f"{(error.fix or 'Correct it').rstrip('.')}.") from None
        return text

    return AfterValidator(checked)


def _target(text: str) -> None:
    parse_target(text)
    if parse_reference(text).tag is None:
        raise wrong(f"{quoted(text)} has no tag", f"Write {parse_reference(text)}:TAG.")


def _source(text: str) -> None:
    reference = parse_reference(text)
    if reference.tag is None and reference.digest is None:
        raise wrong(f"{quoted(text)} has neither tag nor digest", "Add the tag, or better the digest.")


def _login(value: object) -> object:
    """Want a mapping, without a word of what is there instead."""
    if value == _NOT_KNOWN:
        return {"username": value, "password": value}
    if isinstance(value, Mapping):
        return value
    raise wrong(f"is {kind(value)}", "Give {username: ..., password: ...}.")


def _hidden(value: object) -> object:
    """Want a text likewise: a password may have been put under the other key."""
    if isinstance(value, str) and value:
        return value
    fix = "Give both, or leave the host out to use the environment's docker config."
    raise wrong("not text" if value else "not set", fix)


_Hidden = Annotated[str, BeforeValidator(_hidden)]


@read_strictly(frozen=True, kw_only=True, config=CONFIG)
class _Login:
    username: _Hidden
    password: _Hidden


@read_strictly(frozen=True, kw_only=True, config=CONFIG)
class Asked:
    """The inputs as a program spells them. The package's schema is made of this."""

    target: Annotated[str, _form(_target)]
    """Where to publish: `host/repository:tag`. Another target is another resource."""

    sources: Annotated[dict[Annotated[str, _form(parse_platform)], Annotated[str, _form(_source)]], Field(min_length=1)]
    """One image for each platform, by tag or digest: `{linux/amd64: host/repository@sha256:...}`. An index is taken
    apart: its image for that platform is used."""

    tags: list[Annotated[str, _form(check_tag)]] = field(default_factory=list)
    """More tags for the same image, written after the target's own."""

    credentials: dict[str, Annotated[_Login, BeforeValidator(_login)]] = field(default_factory=dict)
    """User name and password by registry host. A host left out is looked up in the environment's docker config. Never
    compared: new ones take effect at the next operation."""

    plain_http: list[str] = field(default_factory=list)
    """Registry hosts that are spoken to without TLS."""

    delete_remote: bool = False
    """Remove the tags from the registry when this resource is deleted. By default the image stays."""


def check_inputs(values: Mapping[str, Any]) -> list[Problem]:
    """Return every mistake, with its property path. What is unknown yet is passed over; nothing is sent anywhere."""
    given = {key: value for key, value in values.items() if value is not None and not key.startswith("__")}
    later = {key for key, value in given.items() if value is UNKNOWN}
    try:
        known = {key: _filled(value) for key, value in given.items() if key not in later}
        parse(Asked, known, "", kin=Kin(own="MultiArchImage", because=""))
    except ConfigError as error:
        if problems := [problem for problem in error.problems if problem.path not in later]:
            return problems
    return [*_twins(given), *_repeated_tags(given), *_unused_hosts(given)]


def _filled(value: Any) -> Any:
    """Return a value with what is not known in it as that text."""
    if isinstance(value, Mapping):
        return {key: _filled(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item) for item in value]
    return _NOT_KNOWN if value is UNKNOWN else value


def _known(values: Mapping[str, Any], key: str, empty: Any) -> Any:
    value = values.get(key)
    return empty if value is None or value is UNKNOWN else value


def _twins(values: Mapping[str, Any]) -> Iterator[Problem]:
    """Find platforms that are told twice, and sources that are what is published."""
    seen: dict[Platform, str] = {}
    target = _known(values, "target", None)
    own = parse_target(target) if target else None
    for name, source in _known(values, "sources", {}).items():
        where, platform = path("sources", name), parse_platform(name).normalised
        if platform in seen:
            yield Problem(path=where, found=f"the same platform as {seen[platform]}", fix="Keep one of the two.")
        seen[platform] = name
        image = None if source is UNKNOWN else parse_reference(source)
        if own and image and image.digest is None and (image.name, image.tag) == (own.name, own.tag):
            fix = "Name the image of this one platform, for example with the platform in its tag."
            yield Problem(path=where, found="it is the target itself", fix=fix)


def _repeated_tags(values: Mapping[str, Any]) -> Iterator[Problem]:
    target = _known(values, "target", None)
    seen = {parse_target(target).tag} if target else set()
    for number, tag in enumerate(_known(values, "tags", [])):
        if tag in seen:
            found = f"{tag!r} is listed twice, or is the target's own"
            yield Problem(path=path("tags", number), found=found, fix="Remove it.")
        seen |= {tag} - {UNKNOWN}


def _unused_hosts(values: Mapping[str, Any]) -> Iterator[Problem]:
    """Find hosts that no image is on: most probably they are spelled wrongly."""
    images = [values.get("target"), *_known(values, "sources", {"": UNKNOWN}).values()]
    if contains_unknown(images):
        return
    hosts = sorted({parse_reference(image).host for image in images})
    named = [(path("credentials", host), host) for host in _known(values, "credentials", {})]
    named += [(path("plainHttp", number), host) for number, host in enumerate(_known(values, "plainHttp", []))]
    for where, host in named:
        if host is not UNKNOWN and host not in hosts:
            yield Problem(path=where, found=f"no image is on {host!r}", fix=f"Name {', '.join(hosts)}, as they do.")
