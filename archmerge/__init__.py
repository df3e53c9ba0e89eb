"""Make one image out of many architectures: verified first, published in the fewest round trips.

>>> from archmerge import MergeRequest, Source, merge
>>> request = MergeRequest("host/app:1", [Source("host/app:1-amd64", "linux/amd64")])
"""

from __future__ import annotations

from archmerge.records import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from archmerge.errors import (
        ArchmergeError,
        AuthError,
        CopyForbiddenError,
        ExitCode,
        MismatchError,
        MissingError,
        NetworkError,
        RefusedError,
        UnknownError,
        UsageError,
        WrongContentError,
    )
    from archmerge.merging import MergedChild, MergeResult, merge
    from archmerge.platforms import Platform, parse_platform
    from archmerge.reference import Digest, Reference, parse_reference
    from archmerge.request import MergeRequest, Source
    from archmerge.session import Session
    from archmerge.transport.connections import Options

__version__ = "0.1.0"
__all__ = [
    "ArchmergeError",
    "AuthError",
    "CopyForbiddenError",
    "Digest",
    "ExitCode",
    "MergeRequest",
    "MergeResult",
    "MergedChild",
    "MismatchError",
    "MissingError",
    "NetworkError",
    "Options",
    "Platform",
    "Reference",
    "RefusedError",
    "Session",
    "Source",
    "UnknownError",
    "UsageError",
    "WrongContentError",
    "__version__",
    "merge",
    "parse_platform",
    "parse_reference",
]

_MODULES = ("errors", "platforms", "reference", "request", "transport.connections", "session", "merging")


def __getattr__(name: str) -> Any:
    """Load what is asked for, when it is asked for: the command sends its first request before most of it is there."""
    if name in __all__:
        from importlib import import_module  # noqa: PLC0415 - the command does without

        for module in _MODULES:
            found = vars(import_module(f"archmerge.{module}"))
            if name in found:
                return found[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
