"""References, platforms, templates."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archmerge import UsageError, parse_platform, parse_reference
from archmerge.platforms import Platform
from archmerge.reference import check_tag, expand_template, parse_target

HEX = "a" * 64


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("alpine", "docker.io/library/alpine"),
        ("me/app:1", "docker.io/me/app:1"),
        ("index.docker.io/me/app", "docker.io/me/app"),
        ("localhost/app:1", "localhost/app:1"),
        ("localhost:5000/a/b/c:1", "localhost:5000/a/b/c:1"),
        ("[::1]:5000/app:1", "[::1]:5000/app:1"),
        (f"[fe80::1]/app@sha256:{HEX}", f"[fe80::1]/app@sha256:{HEX}"),
        (f"h.example/app:1@sha256:{HEX}", f"h.example/app:1@sha256:{HEX}"),
        (f"h.example/app@sha512:{HEX * 2}", f"h.example/app@sha512:{HEX * 2}"),
        ("h.example/a__b/c-d.e:" + "x" * 128, "h.example/a__b/c-d.e:" + "x" * 128),
    ],
)
def test_references_are_read_as_the_classic_tools_read_them(text: str, expected: str) -> None:
    assert str(parse_reference(text)) == expected


@pytest.mark.parametrize(
    "text",
    ["", ":", "@", "h.example/", "h.example/App:1", "h.example/app:" + "x" * 129, "h.example/app:-x", "h.example//app",
     f"h.example/app@sha256:{HEX[1:]}", f"h.example/app@md5:{HEX}", "h.example/app@", "h.example/a b", "ho st/app:1",
     "h.example/" + "a" * 256, "h.example/app:1\n", "[::1/app", "h_x.example/app"],
)  # fmt: skip
def test_what_is_no_reference_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError):
        parse_reference(text)


def test_a_version_is_the_digest_where_there_is_one() -> None:
    assert parse_reference(f"h.example/app:1@sha256:{HEX}").version == f"sha256:{HEX}"
    assert parse_reference("h.example/app").version == "latest"


def test_a_target_has_a_tag_and_no_digest() -> None:
    assert parse_target("h.example/app").tag == "latest"
    with pytest.raises(UsageError, match="only known once it is made"):
        parse_target(f"h.example/app@sha256:{HEX}")


@given(st.text(max_size=300))
def test_any_text_is_a_reference_or_a_usage_error(text: str) -> None:
    try:
        reference = parse_reference(text)
    except UsageError:
        return
    assert parse_reference(str(reference)) == reference


@given(st.from_regex(r"\A[A-Za-z0-9_.\-:/@\[\]]{0,80}\Z"))
def test_reference_like_text_survives_writing_and_reading(text: str) -> None:
    test_any_text_is_a_reference_or_a_usage_error.hypothesis.inner_test(text)  # type: ignore[attr-defined]  # hypothesis's own


@pytest.mark.parametrize(
    ("template", "platform", "expected"),
    [
        ("h/app-ARCH:1", "linux/arm64", "h/app-arm64:1"),
        ("h/ARCH/app-ARCH:OS-ARCH", "linux/arm64", "h/arm64/app-arm64:linux-arm64"),
        ("h/app-ARCHVARIANT:1", "linux/amd64", "h/app-amd64:1"),
        ("h/app-ARCHVARIANT:1", "linux/arm/v7", "h/app-armv7:1"),
        ("h/app:1-OS-ARCH", "windows/amd64", "h/app:1-windows-amd64"),
    ],
)
def test_templates_fill_every_occurrence(template: str, platform: str, expected: str) -> None:
    assert expand_template(template, parse_platform(platform)) == expected


@pytest.mark.parametrize(
    ("claim", "actual", "holds"),
    [
        ("linux/arm64", "linux/arm64/v8", True),
        ("linux/arm64/v8", "linux/arm64", True),
        ("linux/arm/v7", "linux/arm", True),
        ("linux/amd64", "linux/amd64/v1", True),
        ("linux/aarch64", "linux/arm64", True),
        ("linux/x86_64", "linux/amd64", True),
        ("linux/arm64/8", "linux/arm64", True),
        ("linux/arm/v6", "linux/arm/v7", False),
        ("linux/arm/v6", "linux/arm", False),
        ("linux/amd64", "linux/amd64/v8", False),
        ("linux/amd64/v2", "linux/amd64", False),
        ("linux/arm64", "linux/amd64", False),
        ("linux/amd64", "windows/amd64", False),
    ],
)
def test_a_claim_holds_after_normalising(claim: str, actual: str, holds: bool) -> None:  # noqa: FBT001 - the table
    assert parse_platform(claim).claims(parse_platform(actual)) is holds


def test_a_claim_says_nothing_of_the_os_version_unless_it_names_one() -> None:
    actual = Platform("windows", "amd64", os_version="10.0.17763.1")
    assert parse_platform("windows/amd64").claims(actual)
    assert not Platform("windows", "amd64", os_version="10.0.20348.1").claims(actual)


@pytest.mark.parametrize("text", ["", "linux", "linux/", "/amd64", "a/b/c/d", "linux/am d64", "linux/amd64/"])
def test_what_is_no_platform_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError):
        parse_platform(text)


@given(st.text(alphabet="abv0123456789/_-", max_size=20))
def test_normalising_twice_changes_nothing(text: str) -> None:
    try:
        platform = parse_platform(text)
    except UsageError:
        return
    assert platform.normalised == platform.normalised.normalised
    assert platform.claims(platform.normalised)


@pytest.mark.parametrize("tag", ["1", "_x", "a.b-c", "x" * 128])
def test_tags(tag: str) -> None:
    assert check_tag(tag) == tag
