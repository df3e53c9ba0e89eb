"""Failures are told in the words of the resource, not in those of archmerge's command line."""

import pytest

from archmerge import MismatchError, NetworkError, parse_platform
from archmerge.index import decide_platform
from archmerge.manifests import parse_config
from components.helper_image.errors import plain_error


def _config(arch: str, variant: str = "") -> bytes:
    return f'{{"os": "linux", "architecture": "{arch}", "variant": "{variant}"}}'.encode()


@pytest.mark.parametrize(("claim", "arch", "variant"), [("linux/arm64", "amd64", ""), ("linux/arm/v7", "arm", "v6")])
def test_a_mismatch_names_no_option_of_the_command_line(claim: str, arch: str, variant: str) -> None:
    config = parse_config(_config(arch, variant), "config")
    with pytest.raises(MismatchError) as caught:
        decide_platform(parse_platform(claim), config, "a.example/app:1", allow=False)
    text = str(plain_error(caught.value, "publishing b.example/app:1"))
    assert text.startswith("publishing b.example/app:1: a.example/app:1 is said to be")
    assert "fix: look at the build" in text
    assert "--" not in text


def test_plain_http_is_named_as_the_input_that_it_is() -> None:
    error = NetworkError(
        "GET https://a", fix="this host seems to speak plain HTTP; if that is meant, say --plain-http HOST"
    )
    assert str(plain_error(error, "x")).endswith("if that is meant, name the host in `plainHttp`")
