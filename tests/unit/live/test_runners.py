"""gitlab-runner itself where it can be had, else the executor model; and the report says which, and why."""

from pathlib import Path
from typing import Any

import pytest

from multiarch.cluster.api import Api
from multiarch.model.executor import parse_config
from multiarch.model.plan.model import Plan, PlannedResource
from multiarch.model.readback import Installed
from multiarch.rehearse.claims.scene import Scene
from multiarch.rehearse.live import runners
from multiarch.rehearse.live.by_model import ByModel
from multiarch.rehearse.live.gitlab.runner import ClusterPlace, GitLabRunner
from multiarch.rehearse.live.runners import Candidates, RunnerNotHad, Wish, check_early, helper_lacks
from multiarch.rehearse.live.stage import Stack
from multiarch.rehearse.live.supply import Had, Supplied
from multiarch.rehearse.live.wanted import HELPER, Wanted
from tests.unit.live.gitlab.test_program import put

RUNS = "19.3.1"
NO_HELPER = "the helper image can't be pulled: registry.gitlab.com does not answer"


class NoApi(Api):
    def __init__(self) -> None:
        """No connection."""


@pytest.fixture
def candidates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Candidates:
    """A stack that is installed, and gitlab-runner of its version on PATH."""
    put(tmp_path / "bin", RUNS)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    installed = Installed(
        namespace="gitlab", release="r", deployment="d", selector={}, service_account="runner",
        config=parse_config("[[runners]]\n[runners.kubernetes]\n"), runner_version=RUNS,
    )  # fmt: skip
    api = NoApi()
    scene = Scene(stack="local", admin=api, runner=api, installed=installed, groups=(), nodes={})
    place = ClusterPlace(api=api, server="https://127.0.0.1:1", certificate=b"", address="127.0.0.1")
    stack = Stack(scene=scene, kubectl={}, scenes={"multi-arch": scene})
    return Candidates(stack=stack, place=place, sources=tmp_path)


@pytest.mark.parametrize("wish", ["auto", "gitlab-runner"])
def test_gitlab_runner_itself_is_taken_where_it_is_had(candidates: Candidates, wish: Wish) -> None:
    chosen = candidates.choose(wish, "")
    assert isinstance(chosen.runner, GitLabRunner)
    assert str(chosen) == f"gitlab-runner {RUNS} (path)"


def test_without_its_helper_the_model_runs_the_jobs_and_says_why(candidates: Candidates) -> None:
    chosen = candidates.choose("auto", NO_HELPER)
    assert isinstance(chosen.runner, ByModel)
    assert str(chosen).startswith("the executor model: ")
    assert str(chosen).endswith(f". Not gitlab-runner itself: {NO_HELPER}")


def test_without_git_the_model_runs_the_jobs_and_says_why(
    candidates: Candidates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    chosen = candidates.choose("auto", "")
    assert isinstance(chosen.runner, ByModel)
    assert "git is not on PATH" in str(chosen)


def test_the_model_is_taken_where_it_is_asked_for(candidates: Candidates) -> None:
    chosen = candidates.choose("model", "")
    assert isinstance(chosen.runner, ByModel)
    assert "--runner model" in str(chosen)


def test_what_was_asked_for_and_is_not_had_is_no_answer_and_never_something_else(candidates: Candidates) -> None:
    with pytest.raises(RunnerNotHad, match="can't be used here: the helper image can't be pulled"):
        candidates.choose("gitlab-runner", NO_HELPER)


def supplied(reference: str, had: Had, reason: str = "") -> Supplied:
    return Supplied(reference=reference, had=had, use=reference, reason=reason)


def test_a_helper_that_was_made_here_or_is_not_had_is_none_for_the_real_runner() -> None:
    wanted = [
        Wanted("base:1", "base image", "base"),
        Wanted("h/x86:1", HELPER, "helper"),
        Wanted("h/arm:1", HELPER, "helper"),
    ]
    why = "registry.gitlab.com does not answer"
    base = {"base:1": supplied("base:1", Had.MADE, "no way out")}
    pulled = {name: supplied(name, Had.PULLED) for name in ("h/x86:1", "h/arm:1")}
    assert helper_lacks(wanted, {**base, **pulled}) == ""
    for had in (Had.MADE, Had.NOT):
        assert helper_lacks(wanted, {**base, **pulled, "h/arm:1": supplied("h/arm:1", had, why)}) == NO_HELPER


def plan(version: str = "0.92.2", helper: str = "", **values: Any) -> Plan:
    config = f"[[runners]]\n[runners.kubernetes]\nhelper_image = '{helper}'\n"
    inputs = {
        "name": "r",
        "chart": "gitlab-runner",
        "version": version,
        "values": {"runners": {"config": config}, **values},
    }
    release = PlannedResource(urn="u", type="kubernetes:helm.sh/v3:Release", name="r", inputs=inputs)
    return Plan(stack="local", resources=(release,))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which registries and versions were asked for; no runner is had, and each registry but one answers."""
    seen: list[str] = []

    def reached(host: str, _: object) -> str:
        seen.append(host)
        return "no such host" if host == "lost.example" else ""

    def find(version: str, _: object) -> tuple[None, str]:
        seen.append(version)
        return None, "not on PATH"

    monkeypatch.setattr(runners, "why_not_reached", reached)
    monkeypatch.setattr(runners, "find_runner", find)
    return seen


def test_a_runner_that_is_not_had_is_told_before_anything_is_installed(asked: list[str]) -> None:
    with pytest.raises(RunnerNotHad, match=r"gitlab-runner 19\.3\.2 is not available: not on PATH"):
        check_early("gitlab-runner", plan(), None)
    assert asked == ["registry.gitlab.com", "19.3.2"]


def test_a_helper_that_is_out_of_reach_is_told_before_anything_is_installed(asked: list[str]) -> None:
    with pytest.raises(RunnerNotHad, match=r"helper image can't be pulled: lost\.example does not answer"):
        check_early("gitlab-runner", plan(helper="lost.example/helper:v${CI_RUNNER_VERSION}"), None)
    assert asked == ["lost.example"]


@pytest.mark.parametrize(
    ("given", "chart"),
    [(plan(image={"tag": "alpine-v19.0.0"}), None), (plan(version="0.0.9"), None), (plan(), "own.tgz")],
)
def test_a_version_that_only_the_installed_stack_tells_is_not_guessed(
    asked: list[str], given: Plan, chart: str | None
) -> None:
    check_early("gitlab-runner", given, chart)
    assert asked == ["registry.gitlab.com"]


@pytest.mark.parametrize("wish", ["auto", "model"])
def test_nothing_is_asked_early_where_the_model_will_do(asked: list[str], wish: Wish) -> None:
    check_early(wish, plan(), None)
    assert asked == []
