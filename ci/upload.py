"""Put files into the generic package registry of the project whose pipeline this is: `python -m ci.upload`.

With the job's own token, which may write there without any setting. Every file is asked back for its digest: GitLab's
answer to the upload has it. The address of each file is docs/releasing.md's.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import ssl
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

from archmerge import __version__

PACKAGE: Final = "multiarch-runner"
NEEDED: Final = ("CI_API_V4_URL", "CI_PROJECT_ID", "CI_JOB_TOKEN")
NO, USAGE, COULD_NOT_TELL = 1, 2, 3
_TIMEOUT: Final = 120
_SWITCHED_OFF: Final = (
    "switch the package registry on: Settings > General > Visibility, project features, permissions > Package registry"
)
FIXES: Final[Mapping[int, str]] = {
    401: "the job's token is no longer valid: run the job again",
    403: f"{_SWITCHED_OFF}. The one who started the pipeline needs the role Developer",
    404: _SWITCHED_OFF,
    400: "a package of this version may be there already, and duplicates not allowed: raise the version",
}


class RefusedError(Exception):
    """GitLab said no, or something else than that it has the file. With its fix."""


class UnreachableError(Exception):
    """GitLab gave no answer."""


def address(environ: Mapping[str, str], version: str, name: str) -> str:
    """Return where a file of a version is, to write and to read."""
    package = f"{PACKAGE}/{quote(version)}/{quote(name)}"
    return f"{environ['CI_API_V4_URL']}/projects/{environ['CI_PROJECT_ID']}/packages/generic/{package}"


def upload(file: Path, url: str, token: str, trust: ssl.SSLContext) -> None:
    """Send one file. RefusedError when GitLab does not have it afterwards, byte for byte."""
    content = file.read_bytes()
    headers = {"JOB-TOKEN": token, "Content-Type": "application/octet-stream"}
    request = urllib.request.Request(f"{url}?select=package_file", content, headers, method="PUT")  # noqa: S310 - GitLab's own
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT, context=trust) as answer:  # noqa: S310 - likewise
            said = json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as error:
        fix = FIXES.get(error.code, "look at GitLab's log")
        raise RefusedError(f"{file.name}: {url} answered {error.code}\n  fix: {fix}") from None
    except ValueError:
        raise RefusedError(f"{file.name}: {url} did not answer as GitLab does") from None
    except OSError as error:
        raise UnreachableError(f"{file.name}: {url}: {error}") from None
    digest = said.get("file_sha256") if isinstance(said, dict) else None
    if digest not in (None, hashlib.sha256(content).hexdigest()):
        raise RefusedError(f"{file.name}: GitLab has other content ({digest})\n  fix: run the job again")


def trusted(environ: Mapping[str, str]) -> ssl.SSLContext:
    """Return the system's certificates, and those that the runner was given for its GitLab."""
    context = ssl.create_default_context()
    own = environ.get("CI_SERVER_TLS_CA_FILE", "")
    if own and Path(own).is_file():
        context.load_verify_locations(own)
    return context


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m ci.upload",
        description="Put files into this project's generic package registry, from a CI job.",
        epilog="example: python -m ci.upload dist/*",
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Upload all of them, the first refusal ends it."""
    files = _arguments(given).files
    missing = [name for name in NEEDED if not environ.get(name)] or [str(one) for one in files if not one.is_file()]
    if missing:
        sys.stderr.write(f"error: there is no {', '.join(missing)}\n  fix: this is for a job of the pipeline\n")
        return USAGE
    trust = trusted(environ)
    for file in files:
        url = address(environ, __version__, file.name)
        try:
            upload(file, url, environ["CI_JOB_TOKEN"], trust)
        except RefusedError as error:
            sys.stderr.write(f"error: {error}\n")
            return NO
        except UnreachableError as error:
            sys.stderr.write(f"could not tell: {error}\n")
            return COULD_NOT_TELL
        sys.stdout.write(f"{url}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
