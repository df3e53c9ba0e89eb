"""The drift component's scripts by themselves, in the shells that run them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.templates.lab.shell import Shell

PROVIDER = "projects/12/locations/global/workloadIdentityPools/gitlab/providers/gitlab"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("exit 1", 3),
        ("false", 3),
        ("die 'in front of it'", 3),
        ("report=left; exit 1", 3),
        ("report=left; : >$report; exit 1", 3),
        ("report=left; echo '{}' >$report; exit 1", 1),
        ("report=left; exit 3", 3),
        ("report=left", 0),
        ("exit 2", 2),
    ],
)
def test_only_the_command_may_say_drift(shell: Shell, line: str, code: int) -> None:
    ran = shell.run(["common", "guard"], {}, after=f'printf "%s" "$private"\n{line}')
    assert ran.code == code
    assert not Path(ran.out).exists()


def test_without_a_cloud_there_are_no_credentials(shell: Shell) -> None:
    ran = shell.run(["common", "guard", "cloud"], {"AWS_ID_TOKEN": "token"}, after='ls "$private"; echo "$undefined"')
    assert ran.code == 0, ran.err
    assert ran.out.split() == ["credentials", "by", "ID", "token:", "none", "(README:", "Credentials)"]


def test_google_reads_a_config_that_names_the_tokens_file(shell: Shell) -> None:
    token = "eyJ.'$(id)`\"\\n%s"
    variables = {
        "GCP_ID_TOKEN": token,
        "GCP_WORKLOAD_IDENTITY_PROVIDER": PROVIDER,
        "GCP_SERVICE_ACCOUNT": "drift@acme.iam.gserviceaccount.com",
    }
    show = 'echo CONFIG; cat "$GOOGLE_APPLICATION_CREDENTIALS"; echo TOKEN; cat "$private/gcp.token"'
    ran = shell.run(["common", "guard", "cloud"], variables, after=show)
    assert ran.code == 0, ran.err
    config, _, kept = ran.out.partition("CONFIG\n")[2].partition("TOKEN\n")
    read = json.loads(config)
    assert kept == token
    assert read["credential_source"]["file"].endswith("/gcp.token")
    assert read["audience"] == f"//iam.googleapis.com/{PROVIDER}"
    assert "/drift@acme.iam.gserviceaccount.com:" in read["service_account_impersonation_url"]
    assert token not in shell.log.read_text()


def test_a_tokens_file_is_for_the_job_alone(shell: Shell) -> None:
    variables = {"AWS_ID_TOKEN": "token", "AWS_ROLE_ARN": "arn:aws:iam::1:role/drift"}
    ran = shell.run(["common", "guard", "cloud"], variables, after='ls -l "$AWS_WEB_IDENTITY_TOKEN_FILE" | cut -c1-10')
    assert ran.out.splitlines()[-1] == "-rw-------"


@pytest.mark.parametrize(
    "variables",
    [
        {"GCP_WORKLOAD_IDENTITY_PROVIDER": PROVIDER},
        {"AWS_ROLE_ARN": "arn:aws:iam::1:role/drift"},
        {"AZURE_CLIENT_ID": "1", "AZURE_TENANT_ID": "2"},
    ],
)
def test_a_cloud_without_its_token_is_told(shell: Shell, variables: dict[str, str]) -> None:
    ran = shell.run(["common", "guard", "cloud"], variables)
    assert ran.code == 3
    assert "_ID_TOKEN" in ran.err


def test_a_provider_that_would_break_the_config_is_told(shell: Shell) -> None:
    variables = {"GCP_ID_TOKEN": "token", "GCP_WORKLOAD_IDENTITY_PROVIDER": 'projects/12","token_url":"https://evil'}
    ran = shell.run(["common", "guard", "cloud"], variables)
    assert ran.code == 3
    assert "GCP_WORKLOAD_IDENTITY_PROVIDER" in ran.err


def test_tracing_shows_no_token(shell: Shell) -> None:
    variables = {"AWS_ID_TOKEN": "the-token", "AWS_ROLE_ARN": "arn:aws:iam::1:role/drift"}
    ran = shell.run(["common", "guard", "cloud"], variables, before="set -x", after="echo still traced")
    assert ran.code == 0
    assert "the-token" not in ran.err
    assert "+ echo still traced" in ran.err


def test_the_job_installs_program_and_command_where_the_preview_looks(shell: Shell, tmp_path: Path) -> None:
    pip = installing(shell, tmp_path, {"MULTIARCH_PACKAGE": "-e ."})
    assert pip[-4:] == ["-r", "infra/requirements.txt", "-e", "."]


def test_the_issues_job_needs_no_sdk(shell: Shell, tmp_path: Path) -> None:
    package = "git+https://gitlab.example.com/my-group/multiarch-runner.git@main"
    pip = installing(shell, tmp_path, {"MULTIARCH_PACKAGE": package, "MULTIARCH_MERGES": "yes"})
    assert "-r" not in pip
    assert pip[-1] == package


def installing(shell: Shell, folder: Path, variables: dict[str, str]) -> list[str]:
    """What pip is asked, with a stand-in for Python."""
    (folder / "infra").mkdir()
    (folder / "infra/Pulumi.yaml").touch()
    (folder / "infra/requirements.txt").touch()
    pip = folder / "pip"
    pip.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{folder}/pip.log\ncp "$0" "${{0%/*}}/multiarch"\n')
    pip.chmod(0o755)
    shell.tool("python3", f'[ "$1" != -m ] || {{ mkdir -p "$3/bin" && cp {pip} "$3/bin/python"; }}')
    for name in ("cp", "cut"):
        shell.tool(name, f'exec /bin/{name} "$@"')
    ran = shell.run(["common", "install"], {"MULTIARCH_PROJECT": "infra", **variables}, after="command -v multiarch")
    assert ran.code == 0, ran.err
    assert ran.out.strip() == str(folder / "infra/.venv/bin/multiarch")
    return (folder / "pip.log").read_text().splitlines()


def test_an_image_that_has_the_command_needs_no_pip(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").touch()
    shell.tool("multiarch", "exit 0")
    ran = shell.run(["common", "install"], {"MULTIARCH_PACKAGE": ""}, after="multiarch")
    assert ran.code == 0, ran.err


@pytest.mark.parametrize(
    ("python", "variables", "said"),
    [
        ("exit 0", {"MULTIARCH_PROJECT": "elsewhere"}, "no Pulumi.yaml in 'elsewhere'"),
        ("exit 0", {"MULTIARCH_PACKAGE": ""}, "no 'multiarch' in this image"),
        ("exit 1", {"MULTIARCH_PACKAGE": "-e ."}, "no Python 3.11"),
    ],
)
def test_what_is_missing_is_told(
    shell: Shell, tmp_path: Path, python: str, variables: dict[str, str], said: str
) -> None:
    (tmp_path / "Pulumi.yaml").touch()
    shell.tool("python3", python)
    ran = shell.run(["common", "install"], variables)
    assert ran.code == 1
    assert said in ran.err
