"""Reading: nothing but GET and access reviews, Secrets by their keys alone, pods without what may be secret."""

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, cast

import pytest

from multiarch.cluster.api import Api, ApiRefused
from multiarch.cluster.readonly import ReadOnlyApi
from multiarch.cluster.seen import read_list, read_one
from multiarch.doctor.facts import quoted, trimmed
from multiarch.doctor.gather import Wanted, gather, read_events
from multiarch.doctor.objects import compare_keys, keys_of, mounts_of


class Server:
    """Answers by path, and remembers what it was asked."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, str]] = []

    def call(self, method: str, path: str, *_: Any, accept: str = "", **__: Any) -> dict[str, Any]:
        self.asked.append((method, path))
        answer = self.answers.get(f"{accept.rpartition('as=')[2].partition(';')[0]} {path}", self.answers.get(path))
        if answer is None:
            raise ApiRefused(404, "NotFound", "not found")
        return cast("dict[str, Any]", answer)


def reader(answers: Mapping[str, Any]) -> tuple[ReadOnlyApi, Server]:
    server = Server(answers)
    return ReadOnlyApi(cast("Api", server)), server


SECRET = "/api/v1/namespaces/m/secrets/token"
SPEC = {"volumes": [{"name": "v", "secret": {"secretName": "token", "items": [{"key": "a"}, {"key": "b"}]}}]}


def metadata(*keys: str, part: str = "f:data") -> dict[str, Any]:
    return {"metadata": {"managedFields": [{"fieldsV1": {part: {f"f:{key}": {} for key in keys}}}]}}


def table(count: int) -> dict[str, Any]:
    columns = [{"name": "Name"}, {"name": "Type"}, {"name": "Data"}, {"name": "Age"}]
    return {"columnDefinitions": columns, "rows": [{"cells": ["token", "Opaque", count, "1h"]}]}


class TestSecrets:
    def mount(self, fields: dict[str, Any], count: int | None) -> Any:
        answers = {f"PartialObjectMetadata {SECRET}": fields}
        if count is not None:
            answers[f"Table {SECRET}"] = table(count)
        read, server = reader(answers)
        result = mounts_of(read, "m", SPEC)[0]
        assert {method for method, _ in server.asked} == {"GET"}
        return result

    def test_keys_are_told_by_managed_fields(self) -> None:
        assert not self.mount(metadata("a", "b"), None).missing

    def test_a_key_that_is_not_among_all_keys_is_lacking(self) -> None:
        assert self.mount(metadata("a", "c"), 2).lacking == ("b",)

    def test_a_key_written_as_string_data_may_be_gone_and_the_count_tells(self) -> None:
        fields = metadata("a", "b", part="f:stringData")
        assert not self.mount(fields, 2).missing
        assert self.mount(fields, 1).lacking == ("one of a, b",)

    def test_managed_fields_that_were_cleared_are_a_doubt(self) -> None:
        result = self.mount({"metadata": {}}, 2)
        assert not result.missing
        assert result.doubt

    def test_a_secret_that_is_not_there_is_missing(self) -> None:
        read, _ = reader({})
        assert mounts_of(read, "m", SPEC)[0].missing

    @pytest.mark.parametrize(
        ("now", "once", "count", "lacking", "doubt"),
        [
            ({"a", "b"}, set(), 2, (), False),
            ({"a"}, set(), 1, ("b",), False),
            ({"a"}, {"b"}, 2, (), False),
            ({"a"}, {"a", "b"}, 1, ("b",), False),
            (set(), {"a", "b"}, 0, ("a", "b"), False),
            (set(), set(), None, (), True),
            ({"c"}, set(), 3, (), True),
        ],
    )
    def test_what_is_sure_is_told_from_what_is_not(
        self,
        now: set[str],
        once: set[str],
        count: int | None,
        lacking: tuple[str, ...],
        doubt: bool,  # noqa: FBT001 - a table
    ) -> None:
        found_lacking, found_doubt = compare_keys(("a", "b"), now, once, count)
        assert found_lacking == lacking
        assert bool(found_doubt) is doubt

    def test_past_and_present_keys_are_told_apart(self) -> None:
        assert keys_of(metadata("a")) == ({"a"}, set())
        assert keys_of(metadata("a", part="f:stringData")) == (set(), {"a"})


class TestPods:
    def test_the_jobs_variables_are_not_kept(self) -> None:
        container = {
            "name": "build",
            "image": "i",
            "env": [{"name": "T", "value": "hush"}],
            "args": ["hush"],
            "command": ["hush"],
        }
        pod = {
            "metadata": {"name": "n", "annotations": {"a": "hush"}},
            "spec": {"containers": [container], "initContainers": [{**container, "name": "init"}]},
        }
        kept = trimmed(pod)
        assert "hush" not in json.dumps(kept)
        assert kept["spec"]["initContainers"][0]["image"] == "i"

    def test_tokens_in_messages_are_not_shown(self) -> None:
        assert "glrt-" not in quoted("token glrt-t1_abcdefghijkl is not valid")
        assert quoted("x" * 700).endswith("…")


class TestNodes:
    def test_what_comes_with_a_node_is_told_from_what_may_go(self) -> None:
        def on(owner: str, cpu: str, **given: Any) -> dict[str, Any]:
            owners = [{"kind": owner}] if owner else []
            containers = [{"name": "c", "resources": {"requests": {"cpu": cpu}}}]
            metadata = {"name": f"p-{owner}", "namespace": "x", "ownerReferences": owners}
            return {"metadata": metadata, "spec": {"nodeName": "n", "containers": containers}, "status": given}

        nodes = [{"metadata": {"name": "n"}, "spec": {}, "status": {"allocatable": {"cpu": "8"}}}]
        running = [
            on("DaemonSet", "1"),
            on("Node", "2"),
            on("ReplicaSet", "4"),
            on("", "8"),
            on("DaemonSet", "16", phase="Failed"),
        ]
        only = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}]}
        rule = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [only]}}
        waits = on("DaemonSet", "32")
        waits["spec"] |= {"nodeName": None, "affinity": {"nodeAffinity": rule}}
        running.append(waits)
        lists = {"/api/v1/nodes": nodes, "/api/v1/pods": running}

        class Cluster:
            impersonates = False

            def pages(self, path: str, *_: Any, **__: Any) -> Iterator[list[dict[str, Any]]]:
                yield lists.get(path, [])

            def call(self, *_: Any, **__: Any) -> dict[str, Any]:
                raise ApiRefused(404, "NotFound", "not found")

            find = call

        wanted = Wanted(context="c", version="1.36.3")
        one = gather(ReadOnlyApi(cast("Api", Cluster())), wanted, lambda _: None).nodes.value[0]
        assert one.used is not None
        assert [one.used["cpu"], one.daemons["cpu"], one.daemons["pods"]] == [Decimal(15), Decimal(35), Decimal(3)]


class TestAnswers:
    def test_none_is_missing_and_a_refusal_is_not(self) -> None:
        read, _ = reader({})
        assert read_one(lambda: read.metadata_of("/x"), "x").missing

        def refuse() -> None:
            raise ApiRefused(403, "Forbidden", "a long story")

        assert not read_one(refuse, "x").missing
        forbidden = ReadOnlyApi(cast("Api", type("Closed", (), {"call": lambda *_, **__: refuse()})()))
        assert read_one(lambda: forbidden.metadata_of("/x"), "x").failure == "x: 403 Forbidden"
        assert read_one(refuse, "x").failure == "x: 403 Forbidden"

    def test_an_empty_list_is_known_and_a_refused_one_is_not(self) -> None:
        def refuse() -> list[str]:
            raise ApiRefused(500, "InternalError", "etcd is away")

        assert read_list(list, "x").known
        assert read_list(refuse, "x").failure == "x: 500 etcd is away"


class Lists:
    """Answers lists of a namespace: events by their selector's reason or type, pods by name."""

    def __init__(self, *events: Mapping[str, Any], pods: Sequence[str] = (), forbidden: str = "") -> None:
        self.events, self.names, self.forbidden = events, pods, forbidden
        self.asked: list[str] = []

    def pages(
        self, path: str, query: Mapping[str, str] | None = None, *, metadata_only: bool = False, **_: Any
    ) -> Iterator[list[dict[str, Any]]]:
        selector = (query or {}).get("fieldSelector", "")
        self.asked.append(selector or path)
        if self.forbidden and path.endswith(self.forbidden):
            raise ApiRefused(403, "Forbidden", "a long story")
        if path.endswith("/pods"):
            assert metadata_only
            yield from ([{"metadata": {"name": name}}] for name in self.names)
            return
        wanted = dict(part.split("=") for part in selector.split(","))
        for one in self.events:
            if wanted.get("reason", one["reason"]) == one["reason"] and wanted.get("type", one["type"]) == one["type"]:
                yield [dict(one)]


def told(reason: str, name: str, kind: str = "Normal") -> dict[str, Any]:
    about = {"kind": "Pod", "namespace": "jobs", "name": name}
    return {"metadata": {"namespace": "jobs"}, "involvedObject": about, "reason": reason, "type": kind}


class TestEvents:
    A, B = "runner-a-project-1-concurrent-0-aa", "runner-a-project-1-concurrent-0-bb"

    def read(self, lists: Lists, *present: str) -> list[tuple[str, str]]:
        read = read_events(ReadOnlyApi(cast("Api", lists)), "jobs", {f"jobs/{name}" for name in present})
        assert read.known
        return [(one.reason, one.name) for one in read.value]

    def test_what_went_well_is_read_of_pods_in_trouble_alone(self) -> None:
        lists = Lists(
            told("FailedScheduling", self.A, "Warning"),
            told("Scheduled", self.A),
            told("Pulled", self.A),
            told("Scheduled", self.B),
        )
        assert self.read(lists) == [("FailedScheduling", self.A), ("Scheduled", self.A), ("Pulled", self.A)]

    def test_where_nothing_went_wrong_the_many_events_of_health_are_not_asked_for(self) -> None:
        lists = Lists(told("Scheduled", self.A), told("Unhealthy", self.A, "Warning"))
        assert self.read(lists) == [("Unhealthy", self.A)]
        assert not [asked for asked in lists.asked if "Scheduled" in asked or "/pods" in asked]

    def test_a_pod_that_came_after_the_list_or_has_succeeded_is_not_gone(self) -> None:
        failed = told("FailedScheduling", self.A, "Warning"), told("FailedScheduling", self.B, "Warning")
        assert self.read(Lists(*failed, pods=[self.B])) == [("FailedScheduling", self.A)]
        assert self.read(Lists(*failed, pods=[self.A, self.B]), self.A) == [("FailedScheduling", self.A)]

    def test_what_could_not_be_read_is_no_answer(self) -> None:
        failed = told("FailedScheduling", self.A, "Warning")
        for kind in ("events", "pods"):
            read = read_events(ReadOnlyApi(cast("Api", Lists(failed, forbidden=f"/{kind}"))), "jobs", ())
            assert read.failure == f"{kind} of jobs: 403 Forbidden"
            assert read.value == ()
