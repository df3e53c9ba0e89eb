"""Helm's record of a release is read without Helm, within bounds, and what is none is never taken for one."""

import base64
import gzip
import json
from typing import Any

import pytest

from multiarch.drift.live.stored import MOST_BYTES, StoredUnreadableError, find_stored, read_record
from tests.unit.drift_live.stubs import Cluster

PLACE = "/api/v1/namespaces/ci"
MANIFEST = """---
# Source: chart/templates/a.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: a, annotations: {made: 2026-01-01, time: 12:30}}
---
apiVersion: v1
kind: List
items:
  - {apiVersion: v1, kind: Secret, metadata: {name: b, namespace: other}}
---
"""


def document(**fields: Any) -> dict[str, Any]:
    return {
        "name": "r",
        "version": 1,
        "info": {"status": "deployed", "last_deployed": "2026-11-25T12:00:00Z", "description": "Install complete"},
        "chart": {"metadata": {"name": "gitlab-runner", "version": "0.90.1"}},
        "config": {"concurrent": 4},
        "manifest": MANIFEST,
        **fields,
    }


def packed(content: bytes) -> str:
    return base64.b64encode(base64.b64encode(content)).decode()


def record(number: int = 1, content: bytes | None = None, **fields: Any) -> dict[str, Any]:
    body = content if content is not None else gzip.compress(json.dumps(document(version=number, **fields)).encode())
    return {
        "metadata": {"name": f"sh.helm.release.v1.r.v{number}", "labels": {"owner": "helm", "name": "r"}},
        "type": "helm.sh/release.v1",
        "data": {"release": packed(body)},
    }


def cluster(*records: dict[str, Any], plural: str = "secrets") -> Cluster:
    return Cluster({f"{PLACE}/{plural}/{one['metadata']['name']}": one for one in records})


def test_the_newest_revision_is_the_one_with_the_highest_number() -> None:
    stored = find_stored(cluster(record(9), record(10), record(2, content=b"broken")).api, "r", "ci")
    assert stored.newest is not None
    assert (stored.newest.number, stored.revisions, stored.driver) == (10, (2, 9, 10), "Secret")


def test_a_revision_is_read_whole() -> None:
    found = read_record(record(3))
    assert (found.status, found.chart, found.chart_version, found.number) == ("deployed", "gitlab-runner", "0.90.1", 3)
    assert found.values == {"concurrent": 4}
    assert [(item["kind"], item["metadata"]["name"]) for item in found.manifest] == [
        ("ConfigMap", "a"),
        ("Secret", "b"),
    ]
    # As Go's YAML has it: neither is a date or a number.
    assert found.manifest[0]["metadata"]["annotations"] == {"made": "2026-01-01", "time": "12:30"}


def test_records_in_config_maps_are_found_where_there_are_no_secrets() -> None:
    one = record()
    one["data"]["release"] = base64.b64decode(one["data"]["release"]).decode()
    stored = find_stored(cluster(one, plural="configmaps").api, "r", "ci")
    assert stored.newest is not None
    assert stored.driver == "ConfigMap"


def test_no_record_is_no_release() -> None:
    other = record()
    other["metadata"]["name"] = "sh.helm.release.v1.r.v1.v2"
    assert find_stored(cluster(other).api, "r", "ci").newest is None


def test_a_bomb_is_not_unpacked() -> None:
    with pytest.raises(StoredUnreadableError, match="more than 32 MiB"):
        read_record(record(content=gzip.compress(b"\0" * (MOST_BYTES + 1))))


WHOLE = gzip.compress(json.dumps(document()).encode())


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (WHOLE[:-9], "it is cut off"),
        (WHOLE[:60] + b"\xff\xff" + WHOLE[62:], "is not a release"),
        (gzip.compress(b"[]"), "is not a release"),
        (gzip.compress(b"{}"), "has no 'info'"),
        (gzip.compress(b'{"info": null, "version": 1}'), "is not a release"),
        (b"no gzip, no JSON", "is not a release"),
        (gzip.compress(json.dumps(document(manifest="a: [")).encode()), "is not a release"),
        (gzip.compress(json.dumps(document(manifest="just text")).encode()), "something that is not an object"),
        (gzip.compress(json.dumps(document(manifest="kind: X")).encode()), "without apiVersion, kind or name"),
        (gzip.compress(json.dumps(document(version="x")).encode()), "is not a release"),
    ],
)
def test_a_broken_record_is_told_and_never_read_in_part(content: bytes, reason: str) -> None:
    with pytest.raises(StoredUnreadableError, match=r"sh\.helm\.release\.v1\.r\.v1") as told:
        read_record(record(content=content))
    assert reason in str(told.value)


@pytest.mark.parametrize("change", [{"type": "Opaque"}, {"data": {}}, {"data": None}, {"data": {"release": "!"}}])
def test_a_secret_that_helm_did_not_make_is_told(change: dict[str, Any]) -> None:
    with pytest.raises(StoredUnreadableError):
        read_record({**record(), **change})
