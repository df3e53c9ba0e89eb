"""`verify --require` has three answers, and what names another digest is no evidence."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from archmerge import MergeRequest, Session, Source, merge
from archmerge.cli import main
from archmerge.inspection import verify
from tests.registry.lab.images import OCI_MANIFEST, Image, descriptor, image, index
from tests.unit.archmerge.fake_registry import FakeRegistry

if TYPE_CHECKING:
    from collections.abc import Callable

BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
SIGNED = {
    "dev.sigstore.bundle.content": "dsse-envelope",
    "dev.sigstore.bundle.predicateType": "https://sigstore.dev/cosign/sign/v1",
}
EMPTY = "application/vnd.oci.empty.v1+json"


def artifact(kind: str, content: bytes, *, subject: str = "", layer: str = "application/json", **more: Any) -> Image:
    """A manifest as cosign, notation and oras write it."""
    layers = [{**descriptor(content, layer), "annotations": more.get("layer_says", {})}]
    body = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptor(b"{}", EMPTY), "layers": layers}
    body |= {"artifactType": kind} if kind else {}
    body |= {"subject": {"mediaType": OCI_MANIFEST, "digest": subject, "size": 1}} if subject else {}
    body |= {"annotations": more.get("says", {})}
    return Image(json.dumps(body).encode(), OCI_MANIFEST, (b"{}", content))


def dsse(digest: str) -> bytes:
    algorithm, _, value = digest.partition(":")
    statement = {"subject": [{"name": "x", "digest": {algorithm: value}}]}
    return json.dumps({"payload": base64.b64encode(json.dumps(statement).encode()).decode()}).encode()


def simple(digest: str) -> bytes:
    return json.dumps({"critical": {"image": {"docker-manifest-digest": digest}}}).encode()


@pytest.fixture
def published(fake: FakeRegistry, pair: str, open_session: Callable[..., Session]) -> dict[str, str]:
    """The digests of `app:1` and its two images."""
    sources = [Source(f"{fake.host}/{pair}:1-{arch}") for arch in ("amd64", "arm64")]
    made = merge(MergeRequest(f"{fake.host}/app:1", sources), open_session())
    return {"index": made.digest, **{child.platform[6:]: child.digest for child in made.children}}


def answers(fake: FakeRegistry, session: Session, *kinds: str) -> list[str]:
    checks = verify(f"{fake.host}/app:1", [], session, require=kinds)[1]
    return [check.answer for check in checks if ": has " in check.claim]


@pytest.mark.parametrize("api", [True, False], ids=["referrers", "tags in their place"])
@pytest.mark.parametrize(
    ("kind", "artifact_type", "says"),
    [
        ("signature", BUNDLE, SIGNED),
        ("signature", "application/vnd.cncf.notary.signature", {}),
        ("sbom", "application/spdx+json", {}),
        ("sbom", BUNDLE, {"dev.sigstore.bundle.predicateType": "https://cyclonedx.org/bom"}),
        ("provenance", BUNDLE, {"dev.sigstore.bundle.predicateType": "https://slsa.dev/provenance/v1"}),
    ],
)
def test_referrers_of_an_image_are_found(  # noqa: PLR0913, PLR0917 - the matrix
    fake: FakeRegistry, published: dict[str, str], put: Callable[..., str], open_session: Callable[..., Session],
    kind: str, artifact_type: str, says: dict[str, str], *, api: bool,
) -> None:  # fmt: skip
    own = artifact(artifact_type, b"x", subject=published["amd64"], says=says)
    put("app", own)
    if not api:
        fake.referrers_api = False
        put("app", index([(own, {})]), published["amd64"].replace(":", "-"))
    assert answers(fake, open_session(), kind) == ["yes", "no"]


@pytest.mark.parametrize(
    ("kind", "tag", "layer", "payload", "says"),
    [
        ("signature", "sig", "application/vnd.dev.cosign.simplesigning.v1+json", simple, {}),
        ("provenance", "att", "application/vnd.dsse.envelope.v1+json", dsse,
         {"predicateType": "https://slsa.dev/provenance/v0.2"}),
        ("sbom", "att", "application/vnd.dsse.envelope.v1+json", dsse, {"predicateType": "https://spdx.dev/Document"}),
    ],
)  # fmt: skip
def test_tags_of_cosign_are_evidence_only_of_the_digest_that_is_in_them(  # noqa: PLR0913, PLR0917 - the matrix
    fake: FakeRegistry, published: dict[str, str], put: Callable[..., str], open_session: Callable[..., Session],
    kind: str, tag: str, layer: str, payload: Callable[[str], bytes], says: dict[str, str],
) -> None:  # fmt: skip
    for arch, speaks_of in (("amd64", "amd64"), ("arm64", "amd64")):  # the second was moved there from another image
        made = artifact("", payload(published[speaks_of]), layer=layer, layer_says=says)
        put("app", made, f"{published[arch].replace(':', '-')}.{tag}")
    assert answers(fake, open_session(), kind) == ["yes", "no"]


def test_buildkits_attestations_are_evidence_of_the_image_that_the_index_links_them_to(
    fake: FakeRegistry, put: Callable[..., str], open_session: Callable[..., Session]
) -> None:
    images = {arch: image(arch, layers=1) for arch in ("amd64", "arm64")}
    proof = artifact("", b"{}", layer="application/vnd.in-toto+json",
                     layer_says={"in-toto.io/predicate-type": "https://slsa.dev/provenance/v1"})  # fmt: skip
    marks = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": images["arm64"].digest}
    entries = [(made, {"platform": {"architecture": arch, "os": "linux"}}) for arch, made in images.items()]
    unknown = {"platform": {"architecture": "unknown", "os": "unknown"}, "annotations": marks}
    put("app", index([*entries, (proof, unknown)]), "1")
    assert answers(fake, open_session(), "provenance", "sbom") == ["no", "no", "yes", "no"]


def test_a_signature_of_the_index_is_one_of_its_images_and_its_sbom_is_not(
    fake: FakeRegistry, published: dict[str, str], put: Callable[..., str], open_session: Callable[..., Session]
) -> None:
    put("app", artifact(BUNDLE, b"x", subject=published["index"], says=SIGNED))
    put("app", artifact("application/spdx+json", b"y", subject=published["index"]))
    assert answers(fake, open_session(), "signature") == ["yes", "yes"]
    assert answers(fake, open_session(), "sbom") == ["no", "no"]


def test_what_could_not_be_looked_at_is_neither_yes_nor_no(
    fake: FakeRegistry, published: dict[str, str], open_session: Callable[..., Session],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(fake, "_referrers", lambda *_: (403, [], b""))
    assert published
    assert answers(fake, open_session(), "signature", "sbom") == ["could not tell"] * 4


def test_the_command_ends_with_the_answer(
    fake: FakeRegistry, published: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/nonexistent")
    assert published
    there = [f"--plain-http={fake.host}", f"{fake.host}/app:1"]
    assert main(["verify", "--require", "signature,sbom", *there]) == 4
    assert "linux/arm64: has an SBOM" in capsys.readouterr().out
    assert main(["verify", "--require", "sinature", *there]) == 2


@pytest.mark.parametrize(
    ("same_registry", "api"), [(True, True), (False, True), (False, False)],
    ids=["mounted", "another registry", "another registry, which keeps no list"],
)  # fmt: skip
def test_what_speaks_of_an_image_is_carried_along_to_where_it_goes(  # noqa: PLR0913 - fixtures
    fake: FakeRegistry, pair: str, put: Callable[..., str], open_session: Callable[..., Session], *, api: bool,
    same_registry: bool,
) -> None:  # fmt: skip
    there = fake if same_registry else FakeRegistry()
    sources = [Source(f"{fake.host}/{pair}-{arch}:1") for arch in ("amd64", "arm64")]
    digests = [fake.tags[f"{pair}-{arch}"]["1"] for arch in ("amd64", "arm64")]
    for arch, digest in zip(("amd64", "arm64"), digests, strict=True):
        sbom = artifact("application/spdx+json", f"sbom of {arch}".encode(), subject=digest)
        put(f"{pair}-{arch}", sbom)
        put(f"{pair}-{arch}", artifact(BUNDLE, f"sign {arch}".encode(), subject=sbom.digest, says=SIGNED))
        old = artifact("", simple(digest), layer="application/vnd.dev.cosign.simplesigning.v1+json")
        put(f"{pair}-{arch}", old, f"{digest.replace(':', '-')}.sig")
    there.referrers_api = api
    try:
        session = open_session(plain_http=frozenset({fake.host, there.host}))
        target = MergeRequest(f"{there.host}/new:1", sources, referrers=True)
        merge(target, session)
        merge(target, open_session(plain_http=frozenset({fake.host, there.host})))  # again, and nothing is twice
        checks = verify(f"{there.host}/new:1", [], session, require=["sbom", "signature"])[1]
        assert [check.answer for check in checks if ": has " in check.claim] == ["yes"] * 4
        assert len(there.manifests["new"]) == 2 + 2 + 2 + 2 + 1 + (0 if api else 4)
        merge(target._replace(target=f"{there.host}/bare:1", referrers=False), session)
        assert len(there.manifests["bare"]) == 3
    finally:
        if there is not fake:
            there.close()
