"""What can go wrong on the wire, each as something that can be done to one kind of request."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.registry.lab.proxy import Call, Proxy

Headers = list[tuple[str, str]]
HTML = b"<!doctype html><title>Please sign in</title>"


class Fault(NamedTuple):
    """`before` answers in the registry's place, `after` changes its answer."""

    before: Callable[[Call, Proxy], bool] | None = None
    after: Callable[[Call, int, Headers, bytes], tuple[int, Headers, bytes]] | None = None


def inject(proxy: Proxy, kind: str, fault: Fault, times: int | None) -> list[str]:
    """Do `fault` to the first `times` requests of `kind` (all, for None); the paths it was done to, as they come."""
    struck: list[str] = []

    def strikes(call: Call) -> bool:
        if call.kind != kind or (times is not None and len(struck) >= times):
            return False
        struck.append(call.path)
        return True

    def before(call: Call) -> bool:
        return bool(fault.before) and strikes(call) and bool(fault.before and fault.before(call, proxy))

    def after(call: Call, status: int, headers: Headers, body: bytes) -> tuple[int, Headers, bytes]:
        if fault.after and strikes(call):
            return fault.after(call, status, headers, body)
        return status, headers, body

    if fault.before:
        proxy.fault = before
    else:
        proxy.alter = after
    return struck


def status(code: int, **headers: str) -> Fault:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return Fault(before=lambda call, _proxy: call.answer(code, named, b'{"errors":[{"code":"LAB","message":"fault"}]}'))


def _plain_upload(call: Call, _proxy: Proxy) -> bool:
    call.path = call.path.partition("?")[0]
    return False


def unauthorized() -> Fault:
    """A 401 as the registry itself would give it."""

    def before(call: Call, proxy: Proxy) -> bool:
        challenge = f'Bearer realm="{proxy.base}/token",service="lab-registry",error="invalid_token"'
        return call.answer(401, {"WWW-Authenticate": challenge})

    return Fault(before=before)


def _cut(call: Call, code: int, headers: Headers, body: bytes) -> tuple[int, Headers, bytes]:
    call.cut = len(body) // 2
    return code, headers, body


def _slow(call: Call, code: int, headers: Headers, body: bytes) -> tuple[int, Headers, bytes]:
    call.pace = 0.2
    return code, headers, body


def _truncate(call: Call, code: int, headers: Headers, body: bytes) -> tuple[int, Headers, bytes]:
    call.handler.close_connection = True
    return code, [*headers, ("Content-Length", str(len(body)))], body[: len(body) // 2]


def _without_digest(_call: Call, code: int, headers: Headers, body: bytes) -> tuple[int, Headers, bytes]:
    return code, [(key, value) for key, value in headers if key.lower() != "docker-content-digest"], body


def _wrong_digest(call: Call, code: int, headers: Headers, body: bytes) -> tuple[int, Headers, bytes]:
    code, headers, body = _without_digest(call, code, headers, body)
    return code, [*headers, ("Docker-Content-Digest", "sha256:" + "0" * 64)], body


def _other_content(_call: Call, code: int, headers: Headers, body: bytes) -> tuple[int, Headers, bytes]:
    return code, headers, body.replace(b"amd64", b"arm64").replace(b"a", b"e")


def _relative(call: Call, code: int, headers: Headers, body: bytes) -> tuple[int, Headers, bytes]:
    base = f"http://{call.headers['Host']}"
    return code, [(k, v.removeprefix(base) if k.lower() == "location" else v) for k, v in headers], body


DECLINED_MOUNT = Fault(before=_plain_upload)
"""The registry opens an upload session (202) instead of mounting."""
DROP = Fault(before=lambda call, _proxy: call.drop())
DROP_INSIDE = Fault(after=_cut)
SLOW = Fault(after=_slow)
TRUNCATE = Fault(after=_truncate)
NO_DIGEST = Fault(after=_without_digest)
WRONG_DIGEST = Fault(after=_wrong_digest)
OTHER_CONTENT = Fault(after=_other_content)
RELATIVE_LOCATION = Fault(after=_relative)
WEB_PAGE = Fault(before=lambda call, _proxy: call.answer(200, {"Content-Type": "text/html"}, HTML))
