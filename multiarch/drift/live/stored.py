"""What Helm stored of a release: its newest revision, read from the Kubernetes API without Helm.

Facts: helm.sh/helm/v3 pkg/storage/driver: one Secret (or ConfigMap) for each revision, named
`sh.helm.release.v1.<release>.v<revision>`, of type `helm.sh/release.v1`, labelled `owner=helm,name=<release>`; its
`data.release` is base64 of gzip of JSON, and in a Secret once more base64 of that, as every Secret's data.
"""

import base64
import binascii
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from multiarch.cluster.readonly import ReadOnlyApi

MOST_BYTES: Final = 32 * 2**20
"""Unpacked size that is read: a Secret holds at most 1 MiB, which a hostile one could blow up a thousandfold."""
_PREFIX: Final = "sh.helm.release.v1."
_TYPE: Final = "helm.sh/release.v1"
_INT: Final = "tag:yaml.org,2002:int"
_GZIP: Final = 16 + zlib.MAX_WBITS


class _Loader(yaml.SafeLoader):
    """YAML as Helm reads it (sigs.k8s.io/yaml): a date is text, and `12:30` is no number."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own interface
        first: [
            (tag, re.compile(r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*)\Z") if tag == _INT else pattern)
            for tag, pattern in resolvers
            if tag != "tag:yaml.org,2002:timestamp"
        ]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


class StoredUnreadableError(Exception):
    """A release's record is there and could not be read; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One revision of a release, as Helm stored it."""

    number: int
    status: str
    """`deployed`, `failed`, `pending-upgrade`, `superseded`, `uninstalled` ..."""
    changed: str = ""
    """When, as Helm wrote it."""
    description: str = ""
    chart: str = ""
    chart_version: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    """Those that were given, without the chart's defaults."""
    manifest: tuple[Mapping[str, Any], ...] = ()
    """The objects, each with its namespace where the chart states it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What is stored of a release."""

    newest: Revision | None
    revisions: tuple[int, ...] = ()
    """Numbers of all that are stored, in order."""
    driver: str = ""
    """`Secret` or `ConfigMap`; empty where nothing is stored."""


def find_stored(api: ReadOnlyApi, name: str, namespace: str) -> Stored:
    """Find the newest revision of a release. `newest` is None where Helm stored none.

    Raises StoredUnreadableError for a record that is none, ApiRefused and UnreachableError.
    """
    for kind, plural in (("Secret", "secrets"), ("ConfigMap", "configmaps")):
        place = f"/api/v1/namespaces/{namespace}/{plural}"
        selector = {"labelSelector": f"owner=helm,name={name}"}
        numbers = sorted(filter(None, (_number(entry, name) for entry in api.metadata(place, selector))))
        if not numbers:
            continue
        record = api.find(f"{place}/{_PREFIX}{name}.v{numbers[-1]}")
        if record is not None:
            return Stored(newest=read_record(record, kind), revisions=tuple(numbers), driver=kind)
    return Stored(newest=None)


def read_record(record: Mapping[str, Any], kind: str = "Secret") -> Revision:
    """Read the record of one revision. Raises StoredUnreadableError."""
    name = record["metadata"]["name"]
    if kind == "Secret" and record.get("type") != _TYPE:
        raise StoredUnreadableError(
            f"Secret {name} is of type {record.get('type')!r}, not {_TYPE}: Helm did not create it"
        )
    try:
        packed = base64.b64decode((record.get("data") or {})["release"], validate=True)
        if kind == "Secret":
            packed = base64.b64decode(packed, validate=True)
        document = json.loads(_unpacked(packed))
        return _revision(document)
    except KeyError as error:
        raise StoredUnreadableError(f"{kind} {name} has no {error}") from error
    except (binascii.Error, zlib.error, ValueError, TypeError, AttributeError, RecursionError, yaml.YAMLError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise StoredUnreadableError(f"{kind} {name} is not a release that Helm wrote: {reason}") from error


def _number(metadata: Mapping[str, Any], name: str) -> int | None:
    match = re.fullmatch(re.escape(f"{_PREFIX}{name}.v") + "([0-9]+)", str(metadata.get("name")))
    return int(match[1]) if match else None


def _unpacked(packed: bytes) -> bytes:
    if packed[:3] != b"\x1f\x8b\x08":
        return packed  # Helm 2's first releases; helm.sh/helm/v3 pkg/storage/driver/util.go still reads them
    engine = zlib.decompressobj(_GZIP)
    unpacked = engine.decompress(packed, MOST_BYTES)
    if engine.unconsumed_tail:
        raise ValueError(f"it unpacks to more than {MOST_BYTES // 2**20} MiB")
    if not engine.eof:
        raise ValueError("it is cut off")
    return unpacked


def _revision(document: Mapping[str, Any]) -> Revision:
    info, chart = document["info"], (document.get("chart") or {}).get("metadata") or {}
    return Revision(
        number=int(document["version"]),
        status=str(info["status"]),
        changed=str(info.get("last_deployed") or ""),
        description=str(info.get("description") or ""),
        chart=str(chart.get("name") or ""),
        chart_version=str(chart.get("version") or ""),
        values=document.get("config") or {},
        manifest=tuple(_objects(str(document.get("manifest") or ""))),
    )


def _objects(text: str) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for document in yaml.load_all(text, Loader=_Loader):
        if not document:
            continue
        if not isinstance(document, Mapping):
            raise ValueError("its manifest has something that is not an object")  # noqa: TRY004 - told as all of its kind
        found += document["items"] if document.get("kind") == "List" else [document]
    for item in found:
        if not item.get("apiVersion") or not item.get("kind") or not (item.get("metadata") or {}).get("name"):
            raise ValueError("its manifest has an object without apiVersion, kind or name")
    return found
