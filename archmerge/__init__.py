"""Make one image out of many architectures: verified first, published in the fewest round trips.

>>> from archmerge import MergeRequest, Source, merge
>>> request = MergeRequest("host/app:1", [Source("host/app:1-amd64", "linux/amd64")])
"""

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

# The one place of the version, of archmerge and of all that this repository releases (docs/releasing.md).
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
