"""A helper image is of a version and an architecture only where its whole tag says so."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from multiarch.core.verdict import Verdict
from multiarch.model.executor.helper_image import REGISTRY, tag
from multiarch.model.executor.helper_tags import judge

ARCHES = ("amd64", "arm64")
VERSIONS = st.builds("{}.{}.{}".format, st.integers(0, 25), st.integers(0, 25), st.integers(0, 25))
FLAVOURS = st.sampled_from(["", "alpine", "alpine-latest", "alpine3.21", "ubuntu", "ubi-fips", "concrete"])
SHELLS = st.sampled_from(["", "bash", "pwsh"])
REPOSITORIES = st.sampled_from([REGISTRY, "mirror.example/helper", "localhost:5000/helper"])


@pytest.mark.parametrize(
    ("image", "version"),
    [
        (f"{REGISTRY}:arm64-v19.1.10", "19.1.1"),
        (f"{REGISTRY}:arm64-v119.1.1", "19.1.1"),
        (f"{REGISTRY}:arm64-v19.1.1", "19.1.10"),
        (f"{REGISTRY}:arm64-v19.1.10-pwsh", "19.1.1"),
        ("mirror.example/helper:arm64-latest", "19.1.1"),
    ],
)
def test_a_longer_or_missing_version_is_another_version(image: str, version: str) -> None:
    assert judge(image, "arm64", version).verdict is Verdict.NO


@given(arch=st.sampled_from(ARCHES), v=VERSIONS, w=VERSIONS, flavour=FLAVOURS, shell=SHELLS, repository=REPOSITORIES)
def test_a_tag_of_one_version_is_never_proved_for_another(  # noqa: PLR0913, PLR0917 - what a tag is made of
    arch: str, v: str, w: str, flavour: str, shell: str, repository: str
) -> None:
    assume(v != w)
    assert judge(f"{repository}:{tag(arch, v, flavour, shell)}", arch, w).verdict is Verdict.NO


@given(arch=st.sampled_from(ARCHES), v=VERSIONS, flavour=FLAVOURS, shell=SHELLS, repository=REPOSITORIES)
def test_a_tag_that_the_runner_makes_is_proved_for_its_own_version_and_architecture_alone(
    arch: str, v: str, flavour: str, shell: str, repository: str
) -> None:
    image = f"{repository}:{tag(arch, v, flavour, shell)}"
    (other,) = set(ARCHES) - {arch}
    assert judge(image, arch, v).verdict is Verdict.YES
    assert judge(image, arch, "").verdict is Verdict.YES
    assert judge(image, other, v).verdict is Verdict.NO


@pytest.mark.parametrize(
    ("tag_", "version", "verdict"),
    [
        ("v19.2.0", "19.2.0", Verdict.YES),
        ("alpine-latest-v19.3.0", "19.3.0", Verdict.YES),
        ("v19.1.9", "19.1.9", Verdict.UNKNOWN),
        ("v19.2.0-pwsh", "19.2.0", Verdict.UNKNOWN),
        ("ubi-fips-v19.2.0", "19.2.0", Verdict.UNKNOWN),
        ("ours-v19.2.0", "19.2.0", Verdict.UNKNOWN),
        ("arm64-v19.2.0-rc1", "19.2.0", Verdict.UNKNOWN),
    ],
)
def test_a_tag_without_an_architecture_serves_both_only_where_upstream_publishes_it(
    tag_: str, version: str, verdict: Verdict
) -> None:
    assert judge(f"{REGISTRY}:{tag_}", "arm64", version).verdict is verdict


def test_a_foreign_architecture_is_a_no_whatever_is_known_of_the_version() -> None:
    assert judge(f"{REGISTRY}:arm64-v19.2.0-rc1", "amd64", "19.2.0").verdict is Verdict.NO
    assert judge(f"{REGISTRY}:arm64-v19.2.0", "amd64", "main").verdict is Verdict.NO


@pytest.mark.parametrize("version", ["", "19.2.0-pwsh", "main"])
def test_no_form_of_a_version_breaks_the_judgement(version: str) -> None:
    for reference in (f"{REGISTRY}:v19.2.0-pwsh", f"{REGISTRY}:arm64-v19.2.0", "helper", "r:5000/helper@sha256:ab"):
        assert judge(reference, "arm64", version).verdict in Verdict


def test_a_registrys_port_is_no_tag_and_a_bare_digest_says_nothing() -> None:
    assert judge("localhost:5000/helper", "arm64", "19.2.0").verdict is Verdict.UNKNOWN
    assert judge(f"mirror.example/helper@sha256:{'a' * 64}", "arm64", "19.2.0").verdict is Verdict.UNKNOWN
