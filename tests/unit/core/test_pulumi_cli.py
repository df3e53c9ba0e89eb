import json
from pathlib import Path

import pytest

from multiarch.model import pulumi_cli
from multiarch.model.pulumi_cli import (
    PulumiCli,
    PulumiCliError,
    commands,
    find_pulumi,
    main,
    parse_version,
)


def install(folder: Path, script: str) -> Path:
    program = folder / "pulumi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "Pulumi.gke.yaml").write_text("config: {}\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


@pytest.mark.usefixtures("project")
def test_without_pulumi_one_line_says_how_to_get_it_and_that_rehearse_needs_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["up", "gke"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "Install it from" in said
    assert "make rehearse" in said


@pytest.mark.parametrize(
    ("script", "said"),
    [("echo v3.226.0", "3.226.0, too old"), ("echo hello", "printed no version"), ("exit 1", "printed no version")],
)
def test_a_pulumi_that_is_old_or_silent_is_refused(project: Path, script: str, said: str) -> None:
    install(project, script)
    with pytest.raises(PulumiCliError, match=said):
        find_pulumi()


@pytest.mark.parametrize(
    ("text", "version"), [("v3.226.1", (3, 226, 1)), ("v3.300.0-alpha.2+dirty", (3, 300, 0)), ("", None)]
)
def test_versions_are_read_with_and_without_suffix(text: str, version: tuple[int, int, int] | None) -> None:
    assert parse_version(text) == version


def test_the_oldest_supported_version_is_accepted(project: Path) -> None:
    install(project, "echo v3.226.1")
    assert find_pulumi().version == pulumi_cli.MINIMUM


RUNNER = "urn:pulumi:gke::p::multiarch-runner:index:MultiArchRunner$kubernetes:helm.sh/v3:Release::runner-release"
POOL = "urn:pulumi:gke::p::multiarch-runner:index:GkeNodePool$gcp:container/nodePool:NodePool::arm64-pool"
RESOURCES = [{"urn": RUNNER, "protect": True}, {"urn": POOL, "protect": True}, {"urn": f"{RUNNER}-2"}]


@pytest.mark.parametrize(
    ("end", "left", "protected"), [(0, [], []), (255, RESOURCES, [RUNNER]), (0, RESOURCES, [RUNNER])]
)
def test_destroy_takes_the_runners_own_protection_away_and_gives_it_back_to_what_is_left(
    project: Path, end: int, left: list[dict[str, object]], protected: list[str]
) -> None:
    """Answered with no, only looked at, or failed: the runner is protected as before; that of pools is not touched."""
    for name, resources in (("before", RESOURCES), ("after", left)):
        (project / name).write_text(json.dumps({"deployment": {"resources": resources}}))
    install(
        project,
        f"""echo "$1 $2 $3" >> calls
case "$1 $2" in
  version*) echo v3.260.0;;
  "stack export") if /usr/bin/grep -q destroy calls; then /bin/cat after; else /bin/cat before; fi;;
  destroy*) exit {end};;
esac""",
    )
    assert main(["destroy", "gke"]) == end
    calls = (project / "calls").read_text().splitlines()
    done = [call for call in calls if call.split()[0] in ("state", "destroy")]
    expected = [f"state unprotect {RUNNER}", "destroy --stack gke"]
    assert done == [*expected, *(f"state protect {urn}" for urn in protected)]


def test_destroy_never_creates_a_stack() -> None:
    cli = PulumiCli(Path("pulumi"), (3, 260, 0))
    assert commands(cli, "destroy", "gke", []) == [["pulumi", "destroy", "--stack", "gke"]]
    assert commands(cli, "up", "gke", ["--yes"])[-1] == ["pulumi", "up", "--stack", "gke", "--yes"]


def test_pulumis_own_exit_code_is_passed_on(project: Path) -> None:
    install(project, 'case "$1" in version) echo v3.260.0;; stack) exit 0;; *) exit 7;; esac')
    assert main(["preview", "gke", "--expect-no-changes"]) == 7


@pytest.mark.usefixtures("project")
def test_an_unknown_stack_is_refused_before_pulumi_is_started(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["up", "gek"]) == 2
    assert "Stacks here: gke." in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["up"], ["refresh", "gke"]])
def test_wrong_usage_is_exit_2(arguments: list[str]) -> None:
    assert main(arguments) == 2
