"""Which proxy a request goes through, by what teams write into the variables."""

from __future__ import annotations

import os

import pytest

from archmerge import UsageError
from archmerge.transport.connections import origin_of
from archmerge.transport.proxies import Proxies


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


def proxy(monkeypatch: pytest.MonkeyPatch, url: str, **variables: str) -> str:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = Proxies().of(origin_of(url))
    return f"{found.host}:{found.port}" if found else ""


@pytest.mark.parametrize(
    ("no_proxy", "url", "straight"),
    [
        ("10.0.0.0/8", "https://10.1.2.3", True),
        ("10.0.0.0/8", "https://11.1.2.3", False),
        ("fd00::/8", "https://[fd00::1]", True),
        ("10.0.0.0/8", "https://r.example.com", False),
        (".example.com", "https://r.example.com", True),
        ("example.com", "https://r.example.com", True),
        ("example.com", "https://notexample.com", False),
        ("r.example.com:5000", "https://r.example.com:5000", True),
        ("r.example.com:5000", "https://r.example.com", False),
        ("*", "https://r.example.com", True),
        ("a.example, 192.168.0.0/16 ,b.example", "https://192.168.7.7:8443", True),
        ("not/a/range", "https://10.1.2.3", False),
        ("", "http://169.254.169.254", True),
    ],
)
def test_no_proxy(monkeypatch: pytest.MonkeyPatch, no_proxy: str, url: str, straight: bool) -> None:  # noqa: FBT001 - the table
    both = dict.fromkeys(("http_proxy", "https_proxy"), "http://p:3128")
    assert proxy(monkeypatch, url, no_proxy=no_proxy, **both) == ("" if straight else "p:3128")


def test_each_scheme_has_its_own_and_all_proxy_is_for_what_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    named = {"HTTPS_PROXY": "http://s:1", "ALL_PROXY": "http://a:2"}
    assert proxy(monkeypatch, "https://r.example", **named) == "s:1"
    assert proxy(monkeypatch, "http://r.example", **named) == "a:2"


@pytest.mark.parametrize("url", ["socks5://p:1080", "https://p:3128", "http://p:99999"])
def test_a_proxy_that_cannot_be_used_is_named_with_its_variable_where_it_would_be_used(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    named = {"HTTPS_PROXY": url.replace("//", "//me:hunter2@"), "no_proxy": "near.example"}
    assert proxy(monkeypatch, "https://near.example", **named) == ""
    with pytest.raises(UsageError, match="HTTPS_PROXY names the proxy") as caught:
        proxy(monkeypatch, "https://r.example", **named)
    assert "hunter2" not in str(caught.value)


def test_a_socks_proxy_for_everything_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert proxy(monkeypatch, "https://r.example", ALL_PROXY="socks5://p:1080") == ""
