"""The gitlab package: creating a runner (`POST /user/runners`)."""

from collections.abc import Iterator, Mapping
from typing import ClassVar

from multiarch.model.providers.base import Created, Refusal
from multiarch.model.providers.kinds import Inputs, Kind, KindProvider, items, number, refusal
from multiarch.model.providers.values import UNKNOWN, SecretValue

API = "docs.gitlab.com/api/users create a runner linked to a user"
USER_RUNNER = "gitlab:index/userRunner:UserRunner"
TYPES = ("instance_type", "group_type", "project_type")
ACCESS = ("not_protected", "ref_protected")
MIN_TIMEOUT = 600
MADE_UP_TOKEN = "glrt-rehearsal-created"  # noqa: S105 - made up, opens nothing


def scope(inputs: Inputs) -> Iterator[Refusal]:
    """Want the group of a group runner, and the project of a project runner."""
    kind = inputs.get("runnerType")
    if kind not in (*TYPES, UNKNOWN):
        yield refusal("runnerType", f"400 Bad Request: runner_type does not have a valid value: {kind!r}", API)
    for wanted, key in (("group_type", "groupId"), ("project_type", "projectId")):
        if kind == wanted and inputs.get(key) is None:
            yield refusal(key, f"400 Bad Request: {key} is missing for runner_type {wanted}", API)
        if kind in TYPES and kind != wanted and inputs.get(key) is not None:
            yield refusal(key, f"400 Bad Request: {key} is only for runner_type {wanted}", API)


def settings(inputs: Inputs) -> Iterator[Refusal]:
    """Refuse a runner that could run no job at all, and short timeouts."""
    if not items(inputs.get("tagLists")) and inputs.get("untagged") is False:
        message = "400 Bad Request: Tags list can not be empty when runner is not allowed to pick untagged jobs"
        yield refusal("tagLists", message, API)
    timeout = number(inputs.get("maximumTimeout"))
    if timeout is not None and timeout < MIN_TIMEOUT:
        message = f"400 Bad Request: maximum_timeout needs to be at least 10 minutes ({MIN_TIMEOUT} s), got {timeout}"
        yield refusal("maximumTimeout", message, API)
    level = inputs.get("accessLevel")
    if level not in (None, *ACCESS, UNKNOWN):
        yield refusal("accessLevel", f"400 Bad Request: access_level does not have a valid value: {level!r}", API)


def _create(name: str, inputs: Inputs) -> Created:
    del name
    return Created(id="1", outputs={**inputs, "token": SecretValue(MADE_UP_TOKEN)})


class GitlabProvider(KindProvider):
    """GitLab's runner API. The scope of the caller's token can't be judged here: it needs create_runner, then api."""

    package: ClassVar[str] = "gitlab"
    version: ClassVar[str] = "10.4.0"
    kinds: ClassVar[Mapping[str, Kind]] = {USER_RUNNER: Kind(rules=(scope, settings), create=_create)}
