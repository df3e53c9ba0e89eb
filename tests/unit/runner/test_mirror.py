"""`helperImage: mirror`: a helper of exactly the runner's version, in a registry of one's own."""

from collections.abc import Callable
from typing import Any

import pytest

from components.helper_image.inputs import check_inputs
from components.runner.helper_image import check_helper_image, helper_image
from components.runner.helper_mirror import mirror_sources, mirror_target
from components.runner.settings import RunnerConfig
from tests.unit.runner.conftest import told

Read = Callable[..., RunnerConfig]
REPOSITORY = "registry.example.com/ci/gitlab-runner-helper"
UPSTREAM = "registry.gitlab.com/gitlab-org/gitlab-runner/gitlab-runner-helper"
PIN = "sha256:" + "1" * 64


def mirrored(runner: Read, chart: dict[str, str] | None = None, **keys: Any) -> RunnerConfig:
    mirror = {"repository": REPOSITORY, **keys}
    return runner(helperImage="mirror", helperMirror=mirror, **({"chart": chart} if chart else {}))


def images(config: RunnerConfig, version: str) -> tuple[str, dict[str, str]]:
    assert config.helper_mirror is not None
    return mirror_target(config.helper_mirror, version), mirror_sources(config.helper_mirror, version)


def test_the_tags_are_those_of_the_runners_own_version(runner: Read) -> None:
    config = mirrored(runner)
    assert check_helper_image(config) == []
    assert images(config, "19.1.1") == (
        f"{REPOSITORY}:alpine-latest-v19.1.1",
        {
            "linux/amd64": f"{UPSTREAM}:alpine-latest-x86_64-v19.1.1",
            "linux/arm64": f"{UPSTREAM}:alpine-latest-arm64-v19.1.1",
        },
    )


def test_flavor_source_and_digests_decide_the_sources(runner: Read) -> None:
    keys: dict[str, Any] = {
        "flavor": "",
        "source": "mirror.example/helper",
        "version": "v19.1.1",
        "digests": {"arm64": PIN},
    }
    config = mirrored(runner, **keys)
    assert check_helper_image(config) == []
    target, sources = images(config, "19.1.1")
    assert target == f"{REPOSITORY}:v19.1.1"
    assert sources == {
        "linux/amd64": "mirror.example/helper:x86_64-v19.1.1",
        "linux/arm64": f"mirror.example/helper:arm64-v19.1.1@{PIN}",
    }


@pytest.mark.parametrize("keys", [{}, {"flavor": ""}, {"version": "19.1.1", "digests": {"amd64": PIN, "arm64": PIN}}])
def test_what_the_config_takes_the_provider_takes(runner: Read, keys: dict[str, Any]) -> None:
    config = mirrored(runner, **keys)
    assert check_helper_image(config) == []
    target, sources = images(config, "19.1.1")
    assert check_inputs({"target": target, "sources": sources}) == []


@pytest.mark.parametrize(
    ("keys", "path", "says"),
    [
        ({"version": "19.0.0"}, "version", "'19.0.0', but the runner is 19.1.1"),
        ({"digests": {"arm64": PIN}}, "version", "not set, with digests"),
        ({"version": "19.1.1", "digests": {"arm": PIN}}, "digests.arm", "unknown value 'arm'"),
        ({"version": "19.1.1", "digests": {"arm64": "sha256:1"}}, "digests.arm64", "is not a digest"),
        ({"repository": f"{REPOSITORY}:v1"}, "repository", "has a tag or digest"),
        ({"repository": "ci/helper"}, "repository", "names no registry"),
        ({"repository": "registry.example.com/CI"}, "repository", "is not a valid repository name"),
        ({"source": f"{UPSTREAM}@{PIN}"}, "source", "has a tag or digest"),
        ({"flavor": "Alpine latest"}, "flavor", "is not a valid flavor"),
    ],
)
def test_what_could_not_be_mirrored_is_refused(runner: Read, keys: dict[str, Any], path: str, says: str) -> None:
    (problem,) = told(lambda: check_helper_image(mirrored(runner, **keys)))
    assert problem.path == f"runner.helperMirror.{path}"
    assert says in problem.found


def test_pinned_digests_are_refused_after_the_chart_was_updated(runner: Read) -> None:
    keys: dict[str, Any] = {"version": "19.1.1", "digests": {"amd64": PIN, "arm64": PIN}}
    assert check_helper_image(mirrored(runner, **keys)) == []
    (problem,) = check_helper_image(mirrored(runner, {"version": "0.92.2"}, **keys))
    assert problem.path == "runner.helperMirror.version"
    assert "Set it to 19.3.2, and renew digests" in problem.fix


def test_a_runner_of_unknown_version_is_not_mirrored_for(runner: Read) -> None:
    (problem,) = check_helper_image(mirrored(runner, {"path": "charts/gitlab-runner"}))
    assert problem.consequence.startswith("could not tell")
    assert check_helper_image(mirrored(runner, {"path": "charts/gitlab-runner", "runnerVersion": "19.4.0"})) == []


def test_mode_and_mirror_go_together(runner: Read) -> None:
    (missing,) = check_helper_image(runner(helperImage="mirror"))
    assert (missing.path, missing.found) == ("runner.helperMirror", "not set, but helperImage is 'mirror'")
    (unused,) = check_helper_image(runner(helperMirror={"repository": REPOSITORY}))
    assert unused.found == "set, but helperImage is 'auto'"


def test_the_config_names_what_was_published(runner: Read) -> None:
    assert helper_image(mirrored(runner), f"{REPOSITORY}:x@{PIN}") == f"{REPOSITORY}:x@{PIN}"
    assert helper_image(runner(), f"{REPOSITORY}:x@{PIN}") is None
