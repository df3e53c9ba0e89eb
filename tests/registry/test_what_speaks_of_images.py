"""Referrers and clean-up on real registries: Distribution 2.8.2 and 3 list no referrers, so that tags stand in."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.registry.lab.images import OCI_MANIFEST, Image, descriptor, image, index

if TYPE_CHECKING:
    from tests.registry.lab.workbench import Workbench

BOTH = "linux/amd64,linux/arm64"


def _sbom(subject: str) -> Image:
    content = f"sbom of {subject}".encode()
    body = {
        "schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": "application/spdx+json",
        "config": descriptor(b"{}", "application/vnd.oci.empty.v1+json"),
        "layers": [descriptor(content, "application/spdx+json")],
        "subject": {"mediaType": OCI_MANIFEST, "digest": subject, "size": 1},
    }  # fmt: skip
    return Image(json.dumps(body).encode(), OCI_MANIFEST, (b"{}", content))


def test_an_sbom_is_carried_along_and_found_by_verify(either: Workbench) -> None:
    repository = either.name()
    template = either.pair(repository, apart=True)
    for arch in ("amd64", "arm64"):
        own = f"{repository}-{arch}"
        subject = either.digest_of(own, "1")
        assert subject
        sbom = _sbom(subject)
        either.push(own, sbom)
        either.push(own, index([(sbom, {"artifactType": "application/spdx+json"})]), subject.replace(":", "-"))
    wanted = ("verify", f"{either.host}/{repository}:1", "--platforms", BOTH, "--require", "sbom")
    assert either.merge(template, f"{repository}:1").code == 0
    missing = either.run(*wanted)
    assert (missing.code, missing.out.count("has an SBOM")) == (4, 2)
    ran = either.merge(template, f"{repository}:1", "--referrers")
    assert ran.code == 0, ran.err
    assert ran.err.count("1 that speak of it") == 2
    assert either.run(*wanted).code == 0


def _old(arch: str, seed: str) -> Image:
    created = datetime.now(UTC) - timedelta(days=30)
    config: dict[str, Any] = {"architecture": arch, "os": "linux", "created": f"{created:%FT%TZ}"}
    return image(arch, seed=seed, layers=1, config=config)


def test_prune_deletes_the_release_whose_index_is_gone_and_nothing_of_the_other(either: Workbench) -> None:
    repository = either.name()
    either.tokens.allow = lambda user, _repository, _action: bool(user)
    for release in ("1", "2"):
        for arch in ("amd64", "arm64"):
            either.push(repository, _old(arch, release + repository.replace("/", "")), f"{release}-{arch}")
    assert either.merge(f"{either.host}/{repository}:1-ARCH", f"{repository}:1").code == 0
    place = f"{either.host}/{repository}"
    dry = either.run("prune", place)
    assert (dry.code, dry.out.count("would delete")) == (0, 2), dry.err
    assert either.digest_of(repository, "2-amd64")
    ran = either.run("prune", place, "--delete", "--json")
    assert ran.code == 0, ran.err
    assert len(ran.json()["delete"]) == 2
    assert either.digest_of(repository, "2-amd64") is None
    assert either.run("verify", f"{place}:1", "--platforms", BOTH).code == 0
    assert either.digest_of(repository, "1-amd64")
