"""A token of `auth-provider: oidc` is used while it is good, and nothing is renewed behind kubectl's back."""

import base64
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from multiarch.cluster.errors import LoginError
from multiarch.cluster.oidc import stored_token
from multiarch.cluster.settings import settings_of
from tests.unit.cluster.stubs import kubeconfig, nothing, server

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def token(**claims: Any) -> str:
    parts = ({"alg": "none"}, claims)
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + ".s"


def test_a_token_that_is_good_is_what_requests_carry(tmp_path: Path) -> None:
    good = token(exp=int(time.time()) + 600)
    user = {"auth-provider": {"name": "oidc", "config": {"id-token": good}}}
    assert settings_of(kubeconfig(tmp_path, user), "x").get_api_key_with_prefix("BearerToken") == f"Bearer {good}"


@pytest.mark.parametrize(("seconds", "good"), [(3600, True), (11, True), (9, False), (-1, False)])
def test_it_is_good_until_ten_seconds_before_its_end(seconds: int, good: bool) -> None:  # noqa: FBT001 - a column
    one = token(exp=int(NOW.timestamp()) + seconds)
    if good:
        assert stored_token({"id-token": one}, NOW) == one
    else:
        with pytest.raises(LoginError, match=r"expired at 2026-11-29 1\d:\d\d UTC; `kubectl get namespaces`"):
            stored_token({"id-token": one}, NOW)


@pytest.mark.parametrize("config", [{}, {"id-token": ""}, {"id-token": 7}, {"id-token": "a.b.c"}, {"id-token": "a"}])
def test_what_is_no_token_is_told_and_nobody_goes_on_as_anonymous(config: dict[str, Any]) -> None:
    with pytest.raises(LoginError, match="auth-provider 'oidc'"):
        stored_token(config, NOW)
    with pytest.raises(LoginError):
        stored_token({"id-token": token()}, NOW)


def test_an_issuer_is_never_asked(tmp_path: Path) -> None:
    """It may hang, and a renewal may void the refresh token that the kubeconfig has."""
    with server(nothing) as issuer:
        config = {
            "id-token": token(exp=1),
            "refresh-token": "r",
            "client-id": "c",
            "client-secret": "s",
            "idp-issuer-url": issuer.url,
        }
        user = {"auth-provider": {"name": "oidc", "config": config}}
        with pytest.raises(LoginError, match="expired at 1970-01-01"):
            settings_of(kubeconfig(tmp_path, user), "x")
    assert issuer.requests == []
