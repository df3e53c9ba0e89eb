"""The images of one run, in its own registry: copied from where they come from, else made here, else not to be had.

Whoever runs the pods gets from each reference what it is and by which reference it is found, for a digest of an image
that was made here names nothing (digests.py lets such pods find it).
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Final

from archmerge import ArchmergeError, Options, Reference, Session, UsageError, parse_reference
from multiarch.core.secrets import hide
from multiarch.rehearse.control_plane.progress import Progress, ProgressSink, State, silent
from multiarch.rehearse.images.have import have_images
from multiarch.rehearse.images.model import Image
from multiarch.rehearse.images.push import push
from multiarch.rehearse.images.recipes import Name
from multiarch.rehearse.live.copying import copy_image
from multiarch.rehearse.mirror.registry import LocalRegistry
from multiarch.rehearse.nodes.architectures import Arch

SHORT: Final = Options(deadline=8.0, attempts=1, connect_timeout=3.0, read_timeout=5.0)
"""A machine without a way out must learn it fast."""
_STEP: Final = "image"
_DIGITS: Final = 12
Change = Callable[[Image], Image]


class Had(StrEnum):
    """How an image was had."""

    PULLED = "pulled"
    MADE = "made"
    NOT = "not had"


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplied:
    """One image that pods name, and what became of it."""

    reference: str
    had: Had
    use: str = ""
    """The reference by which the nodes find it: its own, except where its digest could not be kept. Empty: not had."""
    detail: str = ""
    """How the one that was made differs, or of which architectures alone the one that was pulled is."""
    reason: str = ""
    """Why it was not pulled."""

    def __str__(self) -> str:
        """Say it for a report: `pulled from ghcr.io`, `made here: DIFFERS`, or why it can't be had."""
        match self.had:
            case Had.PULLED:
                return f"pulled from {parse_reference(self.reference).host}{self.detail and f': {self.detail}'}"
            case Had.MADE:
                return f"made here{self.detail and f': {self.detail}'}"
            case Had.NOT:
                return f"can't be had: {self.reason}"


def supply(  # noqa: PLR0913 - each has a default
    wanted: Mapping[str, Name | None],
    registry: LocalRegistry,
    progress: ProgressSink = silent,
    *,
    change: Mapping[Name, Change] = MappingProxyType({}),
    options: Options | None = None,
    cache_root: Path | None = None,
) -> dict[str, Supplied]:
    """Put every wanted image into the run's registry, under its own repository and tag, for both architectures.

    `wanted`: each whole reference that a pod names, and which made image may stand in its place; None: there is none.
    `change`: what is done to a made image before it is stored, `taking_from` for BuildKit's. `options`: how the
    images' own registries are reached. Raises UsageError for what is no reference, ArchmergeError when the run's own
    registry fails, BinariesError or ImagesError where a made image is needed and can't be made.
    """
    _refuse_clashes(wanted)
    options = options or Options()
    own = frozenset({registry.host})
    options = options._replace(plain_http=options.plain_http | own, direct=options.direct | own)
    run = _Run(registry=registry, options=options, progress=progress)
    pulled = {reference: run.pull(reference) for reference in wanted}
    kinds = {name for reference, name in wanted.items() if name and pulled[reference].had is Had.NOT}
    images = have_images(progress, kinds, cache_root=cache_root) if kinds else {}
    for reference, name in wanted.items():
        if name and pulled[reference].had is Had.NOT:
            pulled[reference] = run.store(pulled[reference], images[name], change.get(name, _unchanged))
    return pulled


def own_tag(reference: Reference) -> str:
    """Return the tag of an image in the run's registry: its own, or one that says its digest.

    >>> own_tag(parse_reference("host/app:1@sha256:" + "0" * 64))
    '1-sha256-000000000000'
    """
    if reference.digest is None:
        return reference.tag or "latest"
    digest = reference.digest.replace(":", "-")[: len("sha256-") + _DIGITS]
    return f"{reference.tag}-{digest}" if reference.tag else digest


def why_not_reached(host: str, options: Options) -> str:
    """Ask a registry once, with a short limit, whether it answers; says why not, or nothing."""
    limits = {name: getattr(SHORT, name) for name in ("deadline", "attempts", "connect_timeout", "read_timeout")}
    with Session(options._replace(**limits)) as session:
        try:
            session.client.request("GET", f"{session.base(host)}/v2/", {})
        except ArchmergeError as error:
            return hide(error.message)
    return ""


@dataclass(slots=True, kw_only=True)
class _Run:
    """One supply: the registries that it speaks with, and which of them do not answer."""

    registry: LocalRegistry
    options: Options
    progress: ProgressSink
    unreached: dict[str, str] = field(default_factory=dict)
    """Host to why it does not answer; empty: it does."""

    def pull(self, reference: str) -> Supplied:
        """Copy an image from its own registry, or say why that is not possible."""
        named = parse_reference(reference)
        if reason := self.asked(named.host):
            return Supplied(reference=reference, had=Had.NOT, reason=reason)
        tell = _Telling(self.progress, reference, named.host)
        tell(0, 0)
        try:
            with Session(self.options) as session:  # its own: each image has the whole time limit
                into = session.registry(self.registry.host)
                copied = copy_image(session.registry(named.host), named, into, own_tag(named), tell)
        except ArchmergeError as error:
            tell.end(State.SKIPPED, hide(error.message))
            return Supplied(reference=reference, had=Had.NOT, reason=hide(error.message))
        lacking = [arch for arch in Arch if arch not in copied.architectures]
        found = Supplied(
            reference=reference,
            had=Had.PULLED,
            use=reference if named.digest in (None, copied.digest) else f"{named.name}:{own_tag(named)}",
            detail=f"there is none for {' nor '.join(lacking)}" if lacking else "",
        )
        tell.end(State.DONE, str(found))
        return found

    def asked(self, host: str) -> str:
        """Return why a registry can't be asked; each is tried, and told, once."""
        if host not in self.unreached:
            self.unreached[host] = why_not_reached(host, self.options)
            if reason := self.unreached[host]:
                told = f"does not answer, so its images are made here where they can be: {reason}"
                self.progress(Progress(step="registry", subject=host, state=State.SKIPPED, detail=told))
        return self.unreached[host] and f"{host} does not answer"

    def store(self, lacked: Supplied, images: Mapping[str, Image], change: Change) -> Supplied:
        """Store the image that was made in place of one that was not pulled."""
        named = parse_reference(lacked.reference)
        made = {arch: change(image) for arch, image in images.items()}
        with self.registry.session() as session:
            push(made, session.registry(self.registry.host), named.repository, own_tag(named))
        return Supplied(
            reference=lacked.reference,
            had=Had.MADE,
            use=f"{named.name}:{own_tag(named)}" if named.digest else lacked.reference,
            detail=_differences(made.values()),
            reason=lacked.reason,
        )


class _Telling:
    """Tells how a copy goes on."""

    def __init__(self, progress: ProgressSink, reference: str, host: str) -> None:
        self._progress = progress
        self._reference = reference
        self._host = host
        self._began = time.monotonic()

    def __call__(self, come: int, total: int) -> None:
        """Tell that it runs."""
        size = f", {total / (1 << 20):.0f} MiB" if total else ""
        self._tell(State.RUNNING, f"from {self._host}{size}", come / total if total else None)

    def end(self, state: State, detail: str) -> None:
        """Tell what came of it."""
        self._tell(state, detail, None)

    def _tell(self, state: State, detail: str, fraction: float | None) -> None:
        elapsed = time.monotonic() - self._began
        subject = self._reference
        self._progress(
            Progress(step=_STEP, subject=subject, state=state, detail=detail, elapsed=elapsed, fraction=fraction)
        )


def _refuse_clashes(wanted: Iterable[str]) -> None:
    """Refuse two references that are one in a registry which knows no host of theirs. Raises UsageError."""
    seen: dict[tuple[str, str], str] = {}
    for reference in wanted:
        named = parse_reference(reference)
        place = (named.repository, own_tag(named))
        first = parse_reference(seen.setdefault(place, reference))
        if first.host != named.host:
            raise UsageError(
                f"{first} and {named} differ in their registry alone, and the run has one registry in place of all",
                fix="let both name the same registry",
            )


def _differences(images: Iterable[Image]) -> str:
    """Say how images differ from the real one: what is said of both architectures once."""
    said = dict.fromkeys(image.differs for image in images if image.differs)
    return " | ".join(one for one in said if not any(other != one and other.startswith(one) for other in said))


def _unchanged(image: Image) -> Image:
    return image
