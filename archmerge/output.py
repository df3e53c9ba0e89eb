"""What goes to standard output, to files, and to the person watching. Pure, but for the writing of files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from archmerge.errors import ArchmergeError, UsageError
from archmerge.merging import MergeResult
from archmerge.reference import parse_reference
from archmerge.verdicts import Check

if TYPE_CHECKING:  # which most commands do without
    from archmerge.inspection import Report


def to_json(document: Any) -> str:
    """JSON for machines and people."""
    return json.dumps(document, indent=2, ensure_ascii=False)


def _renamed(record: Any, *without: str) -> dict[str, Any]:
    names = {"media_type": "mediaType", "copied_bytes": "copiedBytes"}
    return {names.get(key, key): value for key, value in record._asdict().items() if key not in without}


def result_json(result: MergeResult, *, dry_run: bool = False) -> dict[str, Any]:
    """Return a merge's result; the keys are API."""
    children = [child._asdict() for child in result.children]
    own = {"reference": result.reference, "dryRun": dry_run, "manifests": children}
    return {**_renamed(result, "children", "body"), **own}


def error_json(error: ArchmergeError) -> dict[str, Any]:
    """Return an error, for `--json`."""
    own = {"kind": type(error).__name__, "exitCode": int(error.code)}
    return {"error": {**own, "message": error.message, "notes": error.notes, "fix": error.fix}}


def summary(result: MergeResult, *, dry_run: bool = False) -> str:
    """Return what was published, for the person watching."""
    kind = "OCI index" if "oci" in result.media_type else "Docker list"
    lines = [f"{'would publish ' if dry_run else ''}{result.target} ({kind}, {result.size} bytes)"]
    lines += [f"  {child.platform:<16} {child.digest}  {child.source}" for child in result.children]
    lines.append("  tags: " + ", ".join(f"{tag} {state}" for tag, state in result.tags.items()))
    if result.copied_bytes:
        lines.append(f"  copied: {human(result.copied_bytes)}")
    return "\n".join(lines)


def dotenv(result: MergeResult) -> str:
    """Variables for the jobs that follow (GitLab: `artifacts: reports: dotenv`)."""
    target = parse_reference(result.target)
    values = {
        "ARCHMERGE_TARGET": result.target,
        "ARCHMERGE_IMAGE": target.name,
        "ARCHMERGE_DIGEST": result.digest,
        "ARCHMERGE_REFERENCE": result.reference,
        "ARCHMERGE_PLATFORMS": ",".join(child.platform for child in result.children if not child.attestation),
    }
    return "".join(f"{key}={value}\n" for key, value in values.items())


def report_text(report: Report) -> str:
    """Return the table of `inspect`."""
    rows = [("PLATFORM", "DIGEST", "SIZE", "LAYERS", "ATTESTATIONS")]
    rows += [
        (part.platform, part.digest, human(part.size), str(part.layers), str(part.attestations or "-"))
        for part in report.parts
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [report.reference, f"{report.media_type}  {report.digest}", ""]
    lines += ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines += [f"{key}={value}" for key, value in sorted(report.annotations.items())]
    return "\n".join(lines)


def report_json(report: Report) -> dict[str, Any]:
    """`inspect --json`; the keys are API."""
    return {**_renamed(report, "parts", "body"), "manifests": [_renamed(part) for part in report.parts]}


def checks_text(reference: str, digest: str, checks: Sequence[Check]) -> str:
    """Return the lines of `verify`."""
    width = max(len(check.answer) for check in checks)
    lines = [f"{reference} ({digest})"]
    return "\n".join(
        [*lines, *(f"  {c.answer:<{width}}  {c.claim}{f': {c.reason}' if c.reason else ''}" for c in checks)]
    )


def checks_json(reference: str, digest: str, checks: Sequence[Check]) -> dict[str, Any]:
    """`verify --json`; the keys are API."""
    return {"reference": reference, "digest": digest, "checks": [check._asdict() for check in checks]}


def human(size: float) -> str:
    """Return a size for people.

    >>> human(1536)
    '1.5 KiB'
    """
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:  # noqa: PLR2004 - the unit's own step
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"


def write(name: str | None, text: str) -> None:
    """Write an output file, when one was asked for."""
    if not name:
        return
    try:
        with open(name, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"published, but {name} could not be written: {error}") from None
