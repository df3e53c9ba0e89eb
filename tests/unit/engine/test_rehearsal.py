"""The engine rehearsal from first to last command, against a stub that replays the real CLI's answers."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from multiarch.core.verdict import Verdict
from multiarch.model.pulumi_cli import PulumiCliError
from multiarch.rehearse.engine import run_engine
from multiarch.rehearse.engine.workspace import find_kubernetes_plugin, workspace

STACK = {
    "config": {
        "multiarch-runner:cluster": {
            "type": "existing",
            "name": "here",
            "access": {"kubeconfig": "config", "context": "ci"},
        },
        "multiarch-runner:runner": {"gitlabUrl": "https://gitlab.example.org", "concurrent": 4},
        "multiarch-runner:note": "10",
        "multiarch-runner:other": {"secure": "v1:abc"},
    }
}
GOOD = {
    "preview": ["preview-create"],
    "up": ["up"],
    "preview_again": ["preview-clean"],
    "refresh": ["refresh-preview-clean"],
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.joinpath("stacks").mkdir(parents=True)
    folder.joinpath("Pulumi.yaml").write_text("name: multiarch-runner\nruntime: python\nstackConfigDir: stacks\n")
    folder.joinpath("__main__.py").write_text("import pulumi\n")
    folder.joinpath("components").mkdir()
    folder.joinpath("stacks", "Pulumi.test.yaml").write_text(yaml.safe_dump(STACK))
    return folder


def verdicts(report: Any) -> dict[str, Verdict]:
    return {claim.id: claim.verdict for claim in report.claims}


def test_a_sound_stack_proves_every_claim(stub_pulumi: Any, project: Path) -> None:
    stub_pulumi.answers(**GOOD)
    report = run_engine(project, "test")
    assert report.engine == "pulumi 3.260.0"
    assert set(verdicts(report).values()) == {Verdict.YES}
    assert list(verdicts(report)) == [
        "engine-preview",
        "engine-up",
        "engine-second-preview",
        "engine-refresh",
        "engine-destroy",
    ]
    actions = [" ".join(call["arguments"][:2]) for call in stub_pulumi.calls]
    assert actions[0] == "stack init"
    assert [action.split()[0] for action in actions[-6:]] == ["preview", "up", "preview", "refresh", "state", "destroy"]


def test_secrets_go_by_stdin_and_into_no_file(stub_pulumi: Any, project: Path) -> None:
    stub_pulumi.answers(**GOOD)
    run_engine(project, "test")
    sets = {call["arguments"][3]: call["stdin"] for call in stub_pulumi.calls if call["arguments"][:1] == ["config"]}
    assert sets == {
        "multiarch-runner:other": "rehearsal-placeholder",
        "multiarch-runner:runnerToken": "glrt-rehearsal-placeholder",
    }
    first = stub_pulumi.calls[0]["files"]["stacks/Pulumi.test.yaml"]
    assert "placeholder" not in first
    assert not any("glrt-" in part for call in stub_pulumi.calls for part in call["arguments"])


def test_everything_stays_in_the_temporary_folder(stub_pulumi: Any, project: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("PULUMI_ACCESS_TOKEN", "pul-secret")
    stub_pulumi.answers(**GOOD)
    run_engine(project, "test")
    call = stub_pulumi.calls[-1]
    environment = call["environment"]
    assert environment["PULUMI_BACKEND_URL"].startswith("file:///")
    assert environment["PULUMI_CONFIG_PASSPHRASE"]
    assert environment["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] == "1"
    assert "PULUMI_ACCESS_TOKEN" not in environment
    assert not Path(call["cwd"]).exists()
    assert sorted(path.name for path in project.iterdir()) == ["Pulumi.yaml", "__main__.py", "components", "stacks"]


def test_the_generated_project_lists_a_plugin_for_every_package(stub_pulumi: Any, project: Path) -> None:
    stub_pulumi.answers(**GOOD)
    run_engine(project, "test")
    document = yaml.safe_load(stub_pulumi.calls[0]["files"]["Pulumi.yaml"])
    assert document["name"] == "multiarch-runner"
    assert [plugin["name"] for plugin in document["plugins"]["providers"]] == [
        "aws",
        "azure-native",
        "gcp",
        "gitlab",
        "kubernetes",
        "multiarch",
    ]


def test_a_stack_that_fails_its_preview_is_never_created(stub_pulumi: Any, project: Path) -> None:
    stub_pulumi.answers(preview=["err-program"])
    report = run_engine(project, "test")
    assert verdicts(report)["engine-preview"] is Verdict.NO
    assert verdicts(report)["engine-up"] is Verdict.UNKNOWN
    assert verdicts(report)["engine-destroy"] is Verdict.UNKNOWN
    assert not any(call["arguments"][0] in {"up", "destroy"} for call in stub_pulumi.calls)


def test_a_second_preview_with_changes_fails_and_the_stack_is_still_destroyed(stub_pulumi: Any, project: Path) -> None:
    stub_pulumi.answers(**{**GOOD, "preview_again": ["preview-refresh-drift"]})
    report = run_engine(project, "test")
    assert verdicts(report)["engine-second-preview"] is Verdict.NO
    assert verdicts(report)["engine-refresh"] is Verdict.UNKNOWN
    assert verdicts(report)["engine-destroy"] is Verdict.YES


def test_trouble_with_the_stack_itself_proves_nothing(stub_pulumi: Any, project: Path) -> None:
    stub_pulumi.answers(stack=["err-passphrase"])
    report = run_engine(project, "test")
    assert set(verdicts(report).values()) == {Verdict.UNKNOWN}
    assert all("incorrect passphrase" in claim.evidence for claim in report.claims)


def test_against_lists_what_a_change_would_replace(stub_pulumi: Any, project: Path, tmp_path: Path) -> None:
    stub_pulumi.answers(**{**GOOD, "preview": ["preview-create", "preview-refresh-drift@0"]})
    changed = json.loads(json.dumps(STACK))
    changed["config"]["multiarch-runner:runner"]["concurrent"] = 9
    file = tmp_path / "changed.yaml"
    file.write_text(yaml.safe_dump(changed))
    report = run_engine(project, "test", against=file)
    assert report.changes is not None
    assert sorted(change.action for change in report.changes) == ["replace", "update"]
    assert verdicts(report)["engine-against"] is Verdict.YES
    before, after = (
        yaml.safe_load(call["files"]["stacks/Pulumi.test.yaml"])["config"]["multiarch-runner:runner"]["concurrent"]
        for call in stub_pulumi.calls
        if call["arguments"][:2] == ["preview", "--json"] and "--expect-no-changes" not in call["arguments"]
    )
    assert (before, after) == (4, 9)


def test_the_stack_file_says_what_the_original_said(project: Path) -> None:
    with workspace(project, "test") as space:
        written = yaml.safe_load(space.stack_file.read_text())["config"]
        assert written["multiarch-runner:note"] == "10"
        assert written["multiarch-runner:runner"] == STACK["config"]["multiarch-runner:runner"]
        assert Path(written["multiarch-runner:cluster"]["access"]["kubeconfig"]).is_file()
        assert (space.project_dir / "components").resolve() == (project / "components").resolve()
        root = space.project_dir.parent
    assert not root.exists()


def test_without_a_cli_it_says_how_to_get_one(project: Path, monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PulumiCliError, match=r"3\.226\.1"):
        run_engine(project, "test")


def test_the_newest_installed_kubernetes_plugin_is_found(tmp_path: Path) -> None:
    for version in ("v4.9.0", "v4.34.2"):
        folder = tmp_path / "plugins" / f"resource-kubernetes-{version}"
        folder.mkdir(parents=True)
        folder.joinpath("pulumi-resource-kubernetes").write_text("")
    found = find_kubernetes_plugin({"PULUMI_HOME": str(tmp_path), "PATH": os.devnull})
    assert found is not None
    assert found.name.endswith("v4.34.2")
    assert find_kubernetes_plugin({"PULUMI_HOME": os.devnull, "PATH": os.devnull}) is None
