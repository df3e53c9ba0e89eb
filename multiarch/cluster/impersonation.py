"""Whom a kubeconfig's user acts as (`as`, `as-uid`, `as-groups`, `as-user-extra`), as headers of each request.

The official Python client leaves these keys out unsaid: what was meant to be asked as somebody with few rights would be
asked as an administrator. Source: k8s.io/client-go transport/round_trippers.go.
"""

from collections.abc import Mapping
from typing import Any

from urllib3 import HTTPHeaderDict

Headers = tuple[tuple[str, str], ...]
_TOKEN = "!#$&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"  # noqa: S105 - RFC 9110's `token`


def headers_of(user: Mapping[str, Any]) -> Headers:
    """Return the headers for a user that was checked; none where it acts as itself."""
    if not user.get("as"):
        return ()
    uid = [("Impersonate-Uid", user["as-uid"])] if user.get("as-uid") else []
    groups = [("Impersonate-Group", group) for group in user.get("as-groups") or ()]
    extra = [
        (f"Impersonate-Extra-{_escaped(key)}", value)
        for key, values in (user.get("as-user-extra") or {}).items()
        for value in values or ()
    ]
    return (("Impersonate-User", user["as"]), *uid, *groups, *extra)


def with_headers(given: Mapping[str, str] | None, added: Headers) -> Mapping[str, str]:
    """Add headers of which several may have one name."""
    headers = HTTPHeaderDict(given or {})
    for name, value in added:
        headers.add(name, value)
    return headers


def _escaped(key: str) -> str:
    """Write what no header's name may have as client-go does; `%` too, which starts it."""
    return "".join(chr(byte) if chr(byte) in _TOKEN else f"%{byte:02X}" for byte in key.encode())
