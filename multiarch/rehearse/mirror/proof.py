"""A planned MultiArchImage, made for real: stand-ins for its sources, a registry on this machine, the real provider."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from archmerge import ArchmergeError, Reference, Session, parse_platform, parse_reference
from archmerge.inspection import verify
from archmerge.verdicts import YES
from multiarch.core.verdict import Verdict
from multiarch.model.providers.stand_in_image import image_for, index_of
from multiarch.model.providers.values import plain
from multiarch.rehearse.mirror.plugin import ImagePlugin, PluginError
from multiarch.rehearse.mirror.registry import LocalRegistry, NoRegistryError, push_image, push_index


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one promise."""

    verdict: Verdict
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirrored:
    """One planned image, and what came of making it."""

    target: str
    digest: str
    """What the plan says that it will be; the runner's config names it."""
    platforms: tuple[str, ...]
    published: Answer
    repaired: Answer


def make(inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> Mirrored:
    """Publish the planned image, move its tag, and have it repaired. `inputs` and `outputs` are the plan's.

    Nothing leaves this machine. Where the registry does not start, nothing was learned: could not tell.
    """
    given = plain(inputs)
    target, digest = str(given.get("target")), str(plain(outputs).get("publishedDigest"))
    try:
        with LocalRegistry() as registry, ImagePlugin() as plugin:
            session = registry.session()
            try:
                published, repaired = _Proof(given, digest, registry, plugin, session).run()
            finally:
                session.close()
    except NoRegistryError as error:
        published = repaired = Answer(Verdict.UNKNOWN, str(error))
    except (PluginError, ArchmergeError) as error:
        # With stand-ins that are all right, an error is the provider's; but its start says nothing about the stack.
        verdict = Verdict.UNKNOWN if "did not start" in str(error) else Verdict.NO
        published = repaired = Answer(verdict, str(error))
    return Mirrored(
        target=target,
        digest=digest,
        platforms=tuple(given.get("sources") or ()),
        published=published,
        repaired=repaired,
    )


def local(reference: str, host: str) -> str:
    """Return where a reference is on the local registry: its host becomes part of the path, a bare digest a tag.

    >>> local("registry.example.com:5000/ci/helper:1", "127.0.0.1:1")
    '127.0.0.1:1/registry.example.com-5000/ci/helper:1'
    """
    ref = parse_reference(reference)
    place = re.sub(r"[^a-z0-9.]+", "-", ref.host.lower()).strip("-.")
    return f"{host}/{place}/{ref.repository}:{ref.tag or 'by-digest'}"


@dataclass(frozen=True, slots=True)
class _Proof:
    given: Mapping[str, Any]
    digest: str
    registry: LocalRegistry
    plugin: ImagePlugin
    session: Session

    def run(self) -> tuple[Answer, Answer]:
        inputs = self._inputs()
        if refused := self.plugin.refusals(inputs):
            answer = Answer(Verdict.NO, f"the provider refuses it: {'; '.join(refused)}")
            return answer, answer
        for platform, source in inputs["sources"].items():
            ref = parse_reference(source)
            push_image(self.session.registry(ref.host), ref.repository, image_for(platform), ref.version)
        identity, state = self.plugin.create(inputs)
        published = self._published(inputs, state)
        if published.verdict is not Verdict.YES:
            return published, Answer(Verdict.UNKNOWN, "not tried: it was not published as planned")
        return published, self._repaired(identity, inputs, state)

    def _inputs(self) -> dict[str, Any]:
        """Return the planned inputs with every image on the local registry, which wants no credentials."""
        host = self.registry.host
        kept = {key: self.given[key] for key in ("tags",) if key in self.given}
        sources = {platform: local(source, host) for platform, source in self.given["sources"].items()}
        return {**kept, "target": local(self.given["target"], host), "sources": sources, "plainHttp": [host]}

    def _published(self, inputs: Mapping[str, Any], state: Mapping[str, Any]) -> Answer:
        """Read back what was published, past the provider."""
        if state["publishedDigest"] != self.digest:
            evidence = (
                f"published as {state['publishedDigest']}, but the plan (and the runner's config) says {self.digest}"
            )
            return Answer(Verdict.NO, evidence)
        _, checks = verify(inputs["target"], [parse_platform(name) for name in inputs["sources"]], self.session)
        if bad := [f"{one.claim}: {one.answer} {one.reason}".strip() for one in checks if one.answer != YES]:
            return Answer(Verdict.NO, "; ".join(bad))
        platforms = " and ".join(inputs["sources"])
        evidence = (
            f"{self.given['target']} as {self.digest[:19]}, for {platforms}: stand-ins, in {self.registry.program}"
        )
        return Answer(Verdict.YES, evidence)

    def _repaired(self, identity: str, inputs: Mapping[str, Any], state: Mapping[str, Any]) -> Answer:
        target = parse_reference(inputs["target"])
        if early := self.plugin.diff(identity, self.plugin.read(identity, state, inputs), inputs):
            return Answer(Verdict.NO, f"a refresh right after it was published shows {', '.join(early)}")
        moved = self._move(target, inputs)
        seen = self.plugin.read(identity, state, inputs)
        paths = self.plugin.diff(identity, seen, inputs)
        if seen.get("digest") != moved or paths != ["digest"]:
            return Answer(
                Verdict.NO, f"the tag was moved to {moved}, and a refresh shows {', '.join(paths) or 'nothing'}"
            )
        self.plugin.update(identity, seen, inputs)
        now = self.session.registry(target.host).tag_digest(target.repository, target.version)
        if now != self.digest:
            return Answer(Verdict.NO, f"after an update, the moved tag is {now}")
        return Answer(
            Verdict.YES, f"moved to {moved[:19]}: the refresh shows it, the update puts {self.digest[:19]} back"
        )

    def _move(self, target: Reference, inputs: Mapping[str, Any]) -> str:
        """Put another image under the tag, as somebody else would."""
        images = [image_for(platform, edition="moved") for platform in inputs["sources"]]
        registry = self.session.registry(target.host)
        return str(push_index(registry, target.repository, images, index_of(images), target.version))
