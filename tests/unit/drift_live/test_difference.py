"""JSON values are compared as the API server means them; each difference has the path that people would write."""

from typing import Any

import pytest

from multiarch.drift.live.difference import SECRET, deltas, same, same_meaning
from multiarch.drift.live.lists import in_order, of_kubernetes, of_toml
from multiarch.drift.live.paths import text
from multiarch.model.providers.values import UNKNOWN


def told(wanted: Any, found: Any, matcher: Any = of_kubernetes, equal: Any = same) -> list[str]:
    return [f"{delta.change} {text(delta.path)}" for delta in deltas(wanted, found, matcher=matcher, equal=equal)]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (4, 4.0),
        ({"a": None}, {}),
        ({"a": []}, {}),
        ({"rules": [1, 2]}, {"rules": [2, 1]}),
        ({"env": [{"name": "A"}, {"name": "B"}]}, {"env": [{"name": "B"}, {"name": "A"}]}),
        ({"a": SECRET}, {"a": "anything"}),
        ({"a": UNKNOWN}, {}),
        ({"a": UNKNOWN}, {"a": {"b": 1}}),
    ],
)
def test_what_means_the_same_is_no_difference(wanted: Any, found: Any) -> None:
    assert told(wanted, found) == []


@pytest.mark.parametrize(
    ("wanted", "found", "expected"),
    [
        ({"a": True}, {"a": 1}, ["changed a"]),
        ({"a": 0}, {"a": False}, ["changed a"]),
        ({"a": {}}, {}, ["gone a"]),
        ({}, {"a": {}}, ["added a"]),
        ({"a": {"b": 1, "c": 2}}, {}, ["gone a.b", "gone a.c"]),
        ({"a": "x"}, {"a": {"b": 1}}, ["changed a"]),
        ({"a": SECRET}, {}, ["gone a"]),
        ({"labels": {"a.b/c": "1"}}, {"labels": {"a.b/c": "2"}}, ['changed labels["a.b/c"]']),
        ({"command": ["a", "b"]}, {"command": ["b", "a"]}, ["changed command[0]", "changed command[1]"]),
        ({"command": ["a", "c"]}, {"command": ["a", "b", "c"]}, ["added command[1]"]),
        ({"verbs": ["get"]}, {"verbs": ["get", "list"]}, ["added verbs[list]"]),
        (
            {"containers": [{"name": "a", "image": "1"}]},
            {"containers": [{"name": "b"}, {"name": "a", "image": "2"}]},
            ["changed containers[a].image", "added containers[b]"],
        ),
        (
            {"ports": [{"containerPort": 1}]},
            {"ports": [{"containerPort": 1, "protocol": "TCP"}]},
            ["added ports[1/TCP].protocol"],
        ),
        (
            {"ports": [{"containerPort": 1, "protocol": "UDP"}]},
            {"ports": [{"containerPort": 1, "protocol": "TCP"}]},
            ["gone ports[1/UDP]", "added ports[1/TCP]"],
        ),
    ],
)
def test_every_difference_is_told_where_it_is(wanted: Any, found: Any, expected: list[str]) -> None:
    assert told(wanted, found) == expected


def test_a_changed_rule_is_that_rule_and_a_new_one_is_new() -> None:
    rules = [{"resources": [name], "verbs": ["get"]} for name in ("pods", "events", "services")]
    more = {"resources": ["pods"], "verbs": ["get", "list"]}
    assert told({"rules": rules}, {"rules": [rules[2], more, rules[1]]}) == ["added rules[1].verbs[list]"]
    assert told({"rules": rules}, {"rules": [*rules, {"resources": ["secrets"], "verbs": ["*"]}]}) == ["added rules[3]"]
    assert told({"rules": rules}, {"rules": rules[1:]}) == ["gone rules[0]"]


def test_elements_that_share_a_name_are_compared_by_place_and_none_is_lost() -> None:
    twice = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
    assert told({"env": twice}, {"env": [*twice, {"name": "A", "value": "3"}]}) == ["added env[2]"]


def test_a_network_policys_peer_is_found_in_its_own_rule() -> None:
    dns = {"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}], "ports": [{"port": 53}]}
    web = {"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]}}], "ports": [{"port": 443}]}
    opened = {**web, "to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}
    assert told({"egress": [dns, web]}, {"egress": [opened, dns]}) == [
        "gone egress[0].to[0].ipBlock.except[169.254.0.0/16]"
    ]


@pytest.mark.parametrize(
    ("wanted", "found", "equal"),
    [
        ({"limits": {"cpu": "1000m"}}, {"limits": {"cpu": "1"}}, True),
        ({"limits": {"cpu": "1000m"}}, {"limits": {"cpu": 1}}, True),
        ({"limits": {"memory": "512Mi"}}, {"limits": {"memory": "536870912"}}, True),
        ({"limits": {"memory": "512Mi"}}, {"limits": {"memory": "512M"}}, False),
        ({"image": "1000m"}, {"image": "1"}, False),
        ({"port": 80}, {"port": "80"}, True),
        ({"port": True}, {"port": "True"}, False),
        ({"limits": {"cpu": "lots"}}, {"limits": {"cpu": "1"}}, False),
    ],
)
def test_quantities_and_numbers_are_equal_in_any_spelling_and_nothing_else_is(
    wanted: Any, found: Any, *, equal: bool
) -> None:
    assert (told(wanted, found, equal=same_meaning) == []) is equal


def test_plain_lists_of_a_toml_file_are_sets_and_its_tables_are_not() -> None:
    assert told({"cap_drop": ["A", "B"]}, {"cap_drop": ["B", "A"]}, of_toml) == []
    assert told({"runners": [{"name": "a"}]}, {"runners": [{"name": "b"}]}, of_toml) == ["changed runners[0].name"]
    volumes = {"empty_dir": [{"name": "a", "mount_path": "/a"}, {"name": "b"}]}
    other = {"empty_dir": [{"name": "b"}, {"name": "a", "mount_path": "/x"}]}
    assert told(volumes, other, of_toml) == ["changed empty_dir[a].mount_path"]


def test_where_nothing_is_known_of_a_list_its_order_counts() -> None:
    assert told({"verbs": ["a", "b"]}, {"verbs": ["b", "a"]}, in_order) == ["changed verbs[0]", "changed verbs[1]"]
