"""The login `auth-provider: oidc`: the token that a kubeconfig has, while it is good. It is never renewed here.

A renewal may make the stored refresh token void, and only kubectl writes the new one back into the kubeconfig. The
official Python client would renew without writing back, without a time limit, and without checking the issuer's
certificate where the kubeconfig names no CA for it.
"""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from multiarch.cluster.errors import LoginError

_EARLY = timedelta(seconds=10)
"""As client-go has it."""
_RENEW = "`kubectl get namespaces` with this context renews it and writes it back"


def stored_token(config: Mapping[str, Any], now: datetime | None = None) -> str:
    """Return the `id-token`. Raises LoginError when there is none or it has expired."""
    token = config.get("id-token")
    if not isinstance(token, str) or not token:
        raise LoginError(f"its login is auth-provider 'oidc', which has no id-token yet; {_RENEW}")
    expires = _expires(token)
    if (now or datetime.now(UTC)) >= expires - _EARLY:
        raise LoginError(f"the id-token of its auth-provider 'oidc' expired at {expires:%Y-%m-%d %H:%M} UTC; {_RENEW}")
    return token


def _expires(token: str) -> datetime:
    try:
        part = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        return datetime.fromtimestamp(claims["exp"], UTC)
    except (LookupError, ValueError, TypeError, OverflowError, OSError) as error:
        raise LoginError(f"the id-token of its auth-provider 'oidc' does not say when it expires; {_RENEW}") from error
