"""Check refuses what could not work, without any network, and says where and why."""

from typing import Any

import pytest

from components.helper_image.inputs import Login, check_inputs, read_inputs
from components.helper_image.properties import UNKNOWN

DIGEST = "sha256:" + "0" * 64
GOOD: dict[str, Any] = {
    "target": "registry.example.com/ci/helper:v19.3.2",
    "sources": {
        "linux/amd64": "registry.gitlab.com/gitlab-org/helper:x86_64-v19.3.2",
        "linux/arm64": f"registry.gitlab.com/gitlab-org/helper@{DIGEST}",
    },
    "tags": ["latest"],
    "credentials": {"registry.example.com": {"username": "ci", "password": "s3cret-of-mine"}},
    "plainHttp": ["registry.example.com"],
    "deleteRemote": False,
}


def test_sound_inputs_are_read_as_they_are() -> None:
    assert check_inputs(GOOD) == []
    inputs = read_inputs(GOOD)
    assert str(inputs.target) == GOOD["target"]
    assert inputs.sources == GOOD["sources"]
    assert inputs.tags == ("latest",)
    assert inputs.credentials == {"registry.example.com": Login(username="ci", password="s3cret-of-mine")}


def test_target_and_sources_are_enough() -> None:
    least = {key: GOOD[key] for key in ("target", "sources")}
    assert check_inputs(least) == []
    assert read_inputs(least).delete_remote is False


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"target": None}, "target", "not set"),
    ({"target": 3.0}, "target", "is a number"),
    ({"target": f"host.example/app@{DIGEST}"}, "target", "names a digest"),
    ({"target": "host.example/app"}, "target", "has no tag"),
    ({"target": "host.example/App:1"}, "target", "is not a valid repository name"),
    ({"sources": None}, "sources", "not set"),
    ({"sources": {}}, "sources", "empty"),
    ({"sources": ["a/b:1"]}, "sources", "is a list"),
    ({"sources": {"arm64": "a.example/b:1"}}, "sources.arm64", "is not of the form os/arch"),
    ({"sources": {"linux/arm64": 1.0}}, 'sources["linux/arm64"]', "is a number"),
    ({"sources": {"linux/arm64": "a.example/b"}}, 'sources["linux/arm64"]', "neither tag nor digest"),
    ({"sources": {"linux/arm64": "a.example/b:1@sha256:12"}}, 'sources["linux/arm64"]', "is neither sha256"),
    ({"sources": {"linux/arm64": GOOD["target"]}}, 'sources["linux/arm64"]', "it is the target itself"),
    (
        {"sources": {"linux/arm64": "a.example/b:1", "linux/arm64/v8": "a.example/b:2"}},
        'sources["linux/arm64/v8"]',
        "the same platform as linux/arm64",
    ),
    ({"tags": "latest"}, "tags", "is text"),
    ({"tags": [1.0]}, "tags[0]", "is a number"),
    ({"tags": ["a", "-b"]}, "tags[1]", "can't be a tag"),
    ({"tags": ["a", "a"]}, "tags[1]", "listed twice"),
    ({"tags": ["v19.3.2"]}, "tags[0]", "the target's own"),
    ({"credentials": []}, "credentials", "is a list"),
    ({"credentials": {"registry.example.com": "ci:pass"}}, 'credentials["registry.example.com"]', "is text"),
    (
        {"credentials": {"registry.example.org": {"username": "a", "password": "b"}}},
        'credentials["registry.example.org"]',
        "no image is on 'registry.example.org'",
    ),
    (
        {"credentials": {"registry.example.com": {"username": "a"}}},
        'credentials["registry.example.com"].password',
        "not set",
    ),
    (
        {"credentials": {"registry.example.com": {"username": "a", "password": "b", "token": "c"}}},
        "credentials[registry.example.com].token",
        "unknown key 'token'",
    ),
    ({"plainHttp": "registry.example.com"}, "plainHttp", "is text"),
    ({"plainHttp": ["localhost:5000"]}, "plainHttp[0]", "no image is on 'localhost:5000'"),
    ({"plainHttp": [True]}, "plainHttp[0]", "is true or false"),
    ({"deleteRemote": "yes"}, "deleteRemote", "is text"),
    ({"delete_remote": True}, "delete_remote", "Did you mean deleteRemote?"),
    ({"platforms": {}}, "platforms", "unknown key 'platforms' for MultiArchImage"),
]


@pytest.mark.parametrize(("change", "where", "words"), REFUSED)
def test_each_mistake_is_refused_at_its_property_path(change: dict[str, Any], where: str, words: str) -> None:
    problems = {problem.path.replace('"', ""): str(problem) for problem in check_inputs({**GOOD, **change})}
    assert where.replace('"', "") in problems
    assert words in problems[where.replace('"', "")]


@pytest.mark.parametrize("key", sorted(GOOD))
def test_an_unknown_value_passes_anywhere(key: str) -> None:
    assert check_inputs({**GOOD, key: UNKNOWN}) == []


def test_an_unknown_value_passes_inside_of_others() -> None:
    host = "registry.example.com"
    for login in (UNKNOWN, {"username": UNKNOWN, "password": UNKNOWN}):
        inside = {"sources": {"linux/arm64": UNKNOWN}, "tags": [UNKNOWN, UNKNOWN], "plainHttp": [UNKNOWN]}
        assert check_inputs({**GOOD, **inside, "credentials": {host: login}}) == []


def test_an_unknown_value_hides_no_other_mistake() -> None:
    wrong = {**GOOD, "target": UNKNOWN, "sources": {"linux/amd64": UNKNOWN, "arm64": "a.example/b:1"}, "tags": ["-"]}
    assert [problem.path for problem in check_inputs(wrong)] == ["sources.arm64", "tags[0]"]


def test_all_mistakes_are_told_at_once() -> None:
    assert len(check_inputs({"target": 1.0, "sources": {}, "tags": {}, "extra": 1})) == 4


@pytest.mark.parametrize(
    "login", [{"username": "s3cret-of-mine"}, {"password": {"a": "s3cret-of-mine"}, "username": 1.0}, "s3cret-of-mine"]
)
def test_no_message_repeats_a_credential(login: Any) -> None:
    problems = check_inputs({**GOOD, "credentials": {"registry.example.com": login}})
    assert problems
    assert "s3cret-of-mine" not in "".join(map(str, problems))
    assert "s3cret-of-mine" not in repr(read_inputs(GOOD))
