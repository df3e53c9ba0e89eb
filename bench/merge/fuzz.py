"""Coverage-guided fuzzing of the parsers with atheris: longer and deeper than the hypothesis tests.

    pip install atheris && python -m bench.merge.fuzz -max_total_time=600

Every parser may raise an ArchmergeError (or LayerError) and nothing else; atheris stops at the first other exception.
"""

from __future__ import annotations

import contextlib
import io
import sys
from typing import TYPE_CHECKING

from archmerge.binaries import LayerError, entries
from archmerge.credentials import Credentials
from archmerge.errors import ArchmergeError
from archmerge.manifests import OCI_IMAGE, parse_config, parse_manifest
from archmerge.platforms import parse_platform
from archmerge.reference import parse_reference
from archmerge.tokens import parse_challenge, parse_token
from archmerge.transport.client import parse_retry_after

if TYPE_CHECKING:
    from collections.abc import Callable


def _layer(data: bytes) -> None:
    for _ in entries(io.BytesIO(data)):
        pass


def _docker_config(data: bytes) -> None:
    environ = {"HOME": "/nonexistent", "DOCKER_AUTH_CONFIG": data.decode("utf-8", "replace")}
    Credentials(environ, helper=lambda _program, _server: None).find("h", "app")


def _text(parse: Callable[[str], object]) -> Callable[[bytes], None]:
    def act(data: bytes) -> None:
        parse(data.decode("utf-8", "replace"))

    return act


TARGETS: list[Callable[[bytes], object]] = [
    lambda data: parse_manifest(data, OCI_IMAGE, "tag", "fuzz"),
    lambda data: parse_config(data, "fuzz"),
    lambda data: parse_token(data, "fuzz"),
    _docker_config,
    _layer,
    _text(parse_reference),
    _text(parse_platform),
    _text(lambda value: parse_challenge([value])),
    _text(parse_retry_after),
]


def one_input(data: bytes) -> None:
    """Give the rest of the data to the parser that the first byte names."""
    if data:
        with contextlib.suppress(ArchmergeError, LayerError):
            TARGETS[data[0] % len(TARGETS)](data[1:])


def main() -> None:
    """Run atheris until it finds something, or its time is over."""
    try:
        import atheris  # type: ignore[import-untyped]  # noqa: PLC0415 - a bench, no dependency of the project
    except ImportError:
        raise SystemExit("atheris is not installed: pip install atheris") from None
    atheris.instrument_all()
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
