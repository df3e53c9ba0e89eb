from collections.abc import Callable

import pytest

from components.runner.chart import runner_version
from components.runner.helper_image import check_helper_image, helper_image, named_architecture
from components.runner.settings import RunnerConfig
from components.versions import CHART_VERSION, RUNNER_OF_CHART
from tests.unit.runner.conftest import told

Read = Callable[..., RunnerConfig]


def test_the_default_leaves_the_choice_to_the_runner(runner: Read) -> None:
    assert helper_image(runner()) is None
    assert check_helper_image(runner()) == []


def test_the_default_charts_runner_is_known() -> None:
    assert CHART_VERSION in RUNNER_OF_CHART


def test_upstream_is_refused_for_the_default_chart_and_names_one_that_has_it(runner: Read) -> None:
    (problem,) = check_helper_image(runner(helperImage="upstream"))
    assert problem.path == "runner.helperImage"
    assert "chart 0.90.1 holds runner 19.1.1" in problem.found
    assert "chart.version: 0.91.2" in problem.fix


@pytest.mark.parametrize("chart", [{"version": "0.91.2"}, {"version": "0.92.2"}])
def test_upstream_is_one_tag_for_every_architecture_from_19_2(runner: Read, chart: dict[str, str]) -> None:
    config = runner(helperImage="upstream", chart=chart)
    assert check_helper_image(config) == []
    image = helper_image(config)
    assert image == (
        "registry.gitlab.com/gitlab-org/gitlab-runner/gitlab-runner-helper:alpine-latest-v${CI_RUNNER_VERSION}"
    )
    assert named_architecture(image) is None


@pytest.mark.parametrize("chart", [{"version": "0.99.0"}, {"path": "charts/gitlab-runner"}])
def test_upstream_with_an_unknown_runner_cannot_tell_until_it_is_stated(runner: Read, chart: dict[str, str]) -> None:
    (problem,) = check_helper_image(runner(helperImage="upstream", chart=chart))
    assert problem.consequence.startswith("could not tell")
    assert check_helper_image(runner(helperImage="upstream", chart={**chart, "runnerVersion": "19.4.0"})) == []
    (old,) = check_helper_image(runner(helperImage="upstream", chart={**chart, "runnerVersion": "v19.1.9"}))
    assert "19.2.0" in old.consequence


@pytest.mark.parametrize(
    "image",
    [
        "registry.gitlab.com/gitlab-org/gitlab-runner/gitlab-runner-helper:x86_64-v19.1.1",
        "registry.gitlab.com/gitlab-org/gitlab-runner/gitlab-runner-helper:alpine-latest-arm64-v19.1.1",
        "registry.example.com:5000/mirror/helper-amd64:v19.1.1",
        "registry.example.com/arm64v8/helper:v19.1.1",
        "registry.example.com/helper:arm64-${CI_RUNNER_VERSION}",
    ],
)
def test_an_architecture_specific_helper_image_is_refused(runner: Read, image: str) -> None:
    (problem,) = check_helper_image(runner(helperImage=image))
    assert problem.path == "runner.helperImage"
    assert "exec format error" in problem.consequence


@pytest.mark.parametrize(
    ("image", "says"),
    [
        ("registry.example.com/helper:v19.1.0", "is version 19.1.0, the runner is 19.1.1"),
        ("registry.example.com/helper:latest", "does not say its version"),
        ("registry.example.com/helper", "does not say its version"),
        ("registry.example.com/helper@sha256:" + "1" * 64, "does not say its version"),
        ("registry.example.com:19.1/helper:alpine3.21", "does not say its version"),
        ("helper", "not a valid helper image"),
        ("", "empty"),
    ],
)
def test_a_helper_that_is_not_of_the_runners_version_is_refused(runner: Read, image: str, says: str) -> None:
    (problem,) = told(lambda: check_helper_image(runner(helperImage=image)))
    assert says in str(problem)


@pytest.mark.parametrize(
    "image",
    [
        "registry.example.com/helper:v19.1.1",
        "registry.example.com/helper:alpine-19.1.1@sha256:" + "1" * 64,
        "registry.example.com/helper:alpine-v${CI_RUNNER_VERSION}",
        "arm64.example.com/helper:v19.1.1",
    ],
)
def test_an_own_multi_arch_helper_of_the_runners_version_is_taken(runner: Read, image: str) -> None:
    assert check_helper_image(runner(helperImage=image)) == []
    assert helper_image(runner(helperImage=image)) == image


def test_an_own_helper_with_an_unknown_runner_cannot_tell(runner: Read) -> None:
    chart = {"version": "0.99.0"}
    (problem,) = check_helper_image(runner(helperImage="registry.example.com/helper:v19.9.0", chart=chart))
    assert "could not tell" in problem.consequence
    assert runner_version(runner(chart=chart).chart) is None
