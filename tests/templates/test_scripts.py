"""The scripts by themselves, in the shells that run them: busybox (kaniko, BuildKit, Alpine) and dash (Debian)."""

from __future__ import annotations

import base64
import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from archmerge import __version__
from ci import render
from tests.registry.lab.tokens import PASSWORD, USER
from tests.templates.lab.project import ROOT

if TYPE_CHECKING:
    from tests.registry.lab.workbench import Workbench
    from tests.templates.lab.shell import Shell

HOST = "registry.example.com"
GITLAB = {"CI_REGISTRY": HOST, "CI_REGISTRY_IMAGE": f"{HOST}/team/app", "CI_REGISTRY_USER": "gitlab-ci-token"}
# Longer than a line of base64, and with all that a shell, JSON, printf or sed might take for its own.
SECRET = "glcbt-64_" + "x" * 90 + "$HOME`id`%s\\n\"'&/|;# é"


SHOW = 'printf "\\nCONFIG "; cd "$DOCKER_CONFIG"; cat config.json; ls -ld . config.json | cut -c1-10 >&2'


def config(shell: Shell, variables: dict[str, str]) -> dict[str, Any]:
    """The docker config file that a job with these variables makes."""
    ran = shell.run(["common", "names", "credentials"], variables, after=SHOW)
    assert ran.code == 0, ran.err
    assert ran.err.split() == ["drwx------", "-rw-------"]
    document: dict[str, Any] = json.loads(ran.out.partition("CONFIG ")[2])
    return document


def pair(document: dict[str, Any], host: str = HOST) -> str:
    return base64.b64decode(document["auths"][host]["auth"], validate=True).decode()


def test_a_long_password_with_odd_characters_arrives_whole(shell: Shell) -> None:
    assert pair(config(shell, {**GITLAB, "CI_REGISTRY_PASSWORD": SECRET})) == f"gitlab-ci-token:{SECRET}"


def test_no_secret_is_ever_in_argv_or_in_a_traced_log(shell: Shell) -> None:
    theirs = json.dumps({"auths": {"other.example.com": {"auth": "b3RoZXI6c2VjcmV0"}}})
    variables = {**GITLAB, "CI_REGISTRY_PASSWORD": SECRET, "DOCKER_AUTH_CONFIG": theirs}
    ran = shell.run(["common", "names", "credentials"], variables, before="set -x")
    assert ran.code == 0, ran.err
    encoded = base64.b64encode(f"gitlab-ci-token:{SECRET}".encode()).decode()
    called = shell.log.read_text()
    assert "base64" in called
    for text in (called, ran.out, ran.err):
        assert SECRET[:20] not in text
        assert encoded[:20] not in text
        assert "b3RoZXI6" not in text


@pytest.mark.parametrize(
    "theirs",
    [
        "{}",
        '{"auths": {}}',
        '{"auths":{"other.example.com":{"auth":"b3RoZXI6c2VjcmV0"}}}',
        '{\n  "auths": {\n\t"other.example.com": {"auth": "b3RoZXI6c2VjcmV0"}\n  }\n}\n',
        '{"credHelpers": {"1234.dkr.ecr.eu-west-1.amazonaws.com": "ecr-login"}}',
        '{"credHelpers": {"a.example.com": "x"}, "auths": {"b.example.com": {"auth": "YTpi"}}, "proxies": {}}',
    ],
)
@pytest.mark.parametrize("place", ["variable", "file variable", "config file"])
def test_hand_written_credentials_are_kept_beside_the_jobs_own(
    shell: Shell, tmp_path: Path, theirs: str, place: str
) -> None:
    variables = {**GITLAB, "CI_REGISTRY_PASSWORD": "secret"}
    file = tmp_path / "home" / ".docker" / "config.json"
    file.parent.mkdir(parents=True)
    if place == "variable":
        variables["DOCKER_AUTH_CONFIG"] = theirs
    elif place == "file variable":
        variables["DOCKER_AUTH_CONFIG"] = str(tmp_path / "auth")
        (tmp_path / "auth").write_text(theirs)
    else:
        file.write_text(theirs)
    found = config(shell, variables)
    assert pair(found) == "gitlab-ci-token:secret"
    expected = json.loads(theirs)
    for key, value in expected.items():
        assert {**found[key], **value} == found[key]
    assert set(found) == {*expected, "auths"}
    assert place != "config file" or file.read_text() == theirs


def test_a_hand_written_entry_for_the_same_registry_wins(shell: Shell) -> None:
    theirs = {"auths": {HOST: {"auth": base64.b64encode(b"robot:mine").decode()}}}
    found = config(shell, {**GITLAB, "CI_REGISTRY_PASSWORD": "job", "DOCKER_AUTH_CONFIG": json.dumps(theirs)})
    assert pair(found) == "robot:mine"


def test_the_job_token_goes_to_gitlabs_own_registry_only(shell: Shell) -> None:
    elsewhere = {**GITLAB, "CI_REGISTRY_PASSWORD": "secret", "MULTIARCH_IMAGE": "quay.io/team/app"}
    ran = shell.run(["common", "names", "credentials"], elsewhere, after='printf "%s" "${DOCKER_CONFIG:-none}"')
    assert ran.out.endswith("none")
    named = {**elsewhere, "MULTIARCH_REGISTRY_USER": "robot", "MULTIARCH_REGISTRY_PASSWORD": "own"}
    assert pair(config(shell, named), "quay.io") == "robot:own"


def test_a_classic_registry_gets_the_credentials_that_were_set_for_it(shell: Shell) -> None:
    variables = {"CI_REGISTRY": HOST, "CI_REGISTRY_URL": "https://harbor.example.com/team/", "IMAGE_NAME": "app"}
    variables |= {"CI_REGISTRY_USER": "robot", "CI_REGISTRY_PASSWORD": "secret"}
    assert pair(config(shell, variables), "harbor.example.com") == "robot:secret"


def test_docker_hub_and_the_dependency_proxy_have_their_entries(shell: Shell) -> None:
    variables = {
        "MULTIARCH_IMAGE": "docker.io/team/app",
        "MULTIARCH_REGISTRY_USER": "u",
        "MULTIARCH_REGISTRY_PASSWORD": "p",
    }
    variables |= {"CI_DEPENDENCY_PROXY_SERVER": "gitlab.example.com:443", "CI_DEPENDENCY_PROXY_USER": "t"}
    found = config(shell, {**variables, "CI_DEPENDENCY_PROXY_PASSWORD": "d"})
    assert pair(found, "https://index.docker.io/v1/") == "u:p"
    assert pair(found, "gitlab.example.com:443") == "t:d"


def test_the_credentials_are_gone_when_the_job_ends(shell: Shell) -> None:
    ran = shell.run(
        ["common", "names", "credentials"],
        {**GITLAB, "CI_REGISTRY_PASSWORD": "s"},
        after='printf "AT %s" "$DOCKER_CONFIG"',
    )
    assert not Path(ran.out.partition("AT ")[2]).exists()


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"MULTIARCH_IMAGE": "registry.example.com/a/b", "MULTIARCH_TAG": "1"}, "registry.example.com/a/b:1"),
        ({"CI_REGISTRY_IMAGE": "registry.example.com/a"}, "registry.example.com/a:latest"),
        ({"CI_REGISTRY_IMAGE": "registry.example.com/a", "IMAGE_NAME": "b"}, "registry.example.com/a/b:latest"),
        ({"CI_REGISTRY_URL": "https://h.example.com/x/", "IMAGE_NAME": "b", "IMAGE_TAG": "2"}, "h.example.com/x/b:2"),
        ({"CI_REGISTRY_URL": "h.example.com:5000", "IMAGE_NAME": "team/b"}, "h.example.com:5000/team/b:latest"),
        ({"CI_REGISTRY_URL": "h.example.com", "IMAGE_NAME": "quay.io/team/b"}, "quay.io/team/b:latest"),
        ({"IMAGE_NAME": "localhost/b"}, "localhost/b:latest"),
    ],
)
def test_the_image_is_what_the_variables_say(shell: Shell, variables: dict[str, str], expected: str) -> None:
    ran = shell.run(["common", "names"], variables, after='printf "%s:%s" "$image" "$tag"')
    assert (ran.code, ran.out) == (0, expected), ran.err


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "no registry for the image"),
        ({"IMAGE_NAME": "app"}, "no registry for the image"),
        ({"MULTIARCH_IMAGE": "team/app"}, "'team' is not a host"),
        ({"MULTIARCH_IMAGE": "h.example.com/Team/App"}, "small letters"),
        ({"MULTIARCH_IMAGE": "h.example.com/app:1"}, "can't be published"),
        (
            {"MULTIARCH_IMAGE": "h.example.com/app", "MULTIARCH_TAG": "feature/x"},
            "'feature/x' is not a valid image tag",
        ),
        ({"MULTIARCH_IMAGE": "$CI_REGISTRY_IMAGE"}, "no registry for the image"),
    ],
)
def test_a_name_that_no_registry_takes_is_refused_with_the_reason(
    shell: Shell, variables: dict[str, str], said: str
) -> None:
    ran = shell.run(["common", "names"], variables)
    assert ran.code == 1
    assert said in ran.err


@pytest.mark.parametrize(
    ("machine", "arch", "fits"),
    [
        ("x86_64", "amd64", 1),
        ("aarch64", "arm64", 1),
        ("arm64", "arm64", 1),
        ("aarch64", "amd64", 0),
        ("armv7l", "arm64", 0),
        ("s390x", "amd64", 0),
    ],
)
def test_a_node_fits_its_own_architecture_only(shell: Shell, machine: str, arch: str, fits: int) -> None:
    shell.tool("uname", f"echo {machine}")
    ran = shell.run(["common", "names", "assert_arch"], {**GITLAB, "ARCH": arch})
    assert (ran.code == 0) == bool(fits), ran.err
    assert fits or f"this job builds for '{arch}'" in ran.err


@pytest.mark.parametrize(
    ("tree", "variables", "expected"),
    [
        (["Dockerfile"], {}, ("Dockerfile", "")),
        (["web/Dockerfile"], {"DOCKERFILE_LOCATION": "web"}, ("web/Dockerfile", "web")),
        (["web/Dockerfile"], {"DOCKERFILE_LOCATION": "web/"}, ("web/Dockerfile", "web")),
        (["web/Dockerfile"], {"DOCKERFILE_LOCATION": "web/Dockerfile"}, ("web/Dockerfile", "")),
        (["web/Dockerfile"], {"MULTIARCH_DOCKERFILE": "web", "MULTIARCH_CONTEXT": "."}, ("web/Dockerfile", ".")),
        (["a/X", "b/y"], {"MULTIARCH_DOCKERFILE": "a/X", "MULTIARCH_CONTEXT": "b"}, ("a/X", "b")),
    ],
)
def test_the_dockerfile_and_its_context_are_found(
    shell: Shell, tmp_path: Path, tree: list[str], variables: dict[str, str], expected: tuple[str, str]
) -> None:
    for name in tree:
        (tmp_path / "project" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "project" / name).write_text("FROM scratch\n")
    root = str(tmp_path / "project")
    given = {**GITLAB, "ARCH": "amd64", "CI_PROJECT_DIR": root, **variables}
    ran = shell.run(["common", "names", "recipe"], given, after='printf "%s\\n%s" "$dockerfile" "$context"')
    assert ran.code == 0, ran.err
    dockerfile, context = ran.out.splitlines()
    assert Path(dockerfile) == Path(root, expected[0])
    assert Path(context) == Path(root, expected[1])


def test_a_dockerfile_that_is_not_there_is_named(shell: Shell, tmp_path: Path) -> None:
    given = {**GITLAB, "ARCH": "amd64", "CI_PROJECT_DIR": str(tmp_path), "DOCKERFILE_LOCATION": "nowhere/Dockerfile"}
    ran = shell.run(["common", "names", "recipe"], given)
    assert ran.code == 1
    assert "nowhere/Dockerfile" in ran.err


@pytest.mark.parametrize(
    ("left", "said"),
    [
        ("exit 0", "left no digest"),
        ('while [ "$1" != --digest-file ]; do shift; done; echo latest >"$2"', "which is not a digest"),
    ],
)
def test_a_builder_without_a_digest_fails_the_job(shell: Shell, tmp_path: Path, left: str, said: str) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    shell.tool("executor", left)
    ran = shell.run(
        ["common", "names", "recipe", "kaniko", "digest"], {**GITLAB, "ARCH": "amd64", "CI_PROJECT_DIR": str(tmp_path)}
    )
    assert ran.code == 1
    assert said in ran.err
    assert not list(tmp_path.rglob("amd64.json"))


def test_a_whole_build_runs_in_this_shell(shell: Shell, tmp_path: Path, lab: Workbench) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /Dockerfile\n")
    shell.tool("executor", f'exec {sys.executable} -m tests.templates.fakes.kaniko "$@"')
    shell.tool("uname", "echo aarch64")
    repository = lab.name("app")
    variables = {
        "ARCH": "arm64",
        "CI_PROJECT_DIR": str(tmp_path),
        "CI_REGISTRY": lab.host,
        "CI_REGISTRY_USER": USER,
        "CI_REGISTRY_PASSWORD": PASSWORD,
        "MULTIARCH_IMAGE": f"{lab.host}/{repository}",
        "MULTIARCH_BUILD_ARGS": "SPOKEN A=b",
        "SPOKEN": 'it\'s "all" $HOME\\n `here`',
        "MULTIARCH_OPTIONS": "insecure-registry=true",
        "LAB_LOG": str(tmp_path / "log"),
        "PYTHONPATH": str(ROOT),
        "LANG": os.environ.get("LANG", "C.UTF-8"),
    }
    ran = shell.run(["common", "names", "assert_arch", "credentials", "recipe", "kaniko", "digest"], variables)
    assert ran.code == 0, ran.err
    (file,) = tmp_path.rglob("arm64.json")
    left = json.loads(file.read_text())
    assert left == {
        "platform": "linux/arm64",
        "image": variables["MULTIARCH_IMAGE"],
        "digest": lab.digest_of(repository, "latest-arm64"),
    }
    assert f"SPOKEN={variables['SPOKEN']}" in json.loads((tmp_path / "log").read_text())["argv"]


MERGE = {"MULTIARCH_IMAGE": f"{HOST}/a", "MULTIARCH_TAG": "c0ffee", "MULTIARCH_TAGS": "$CI_COMMIT_REF_SLUG"}
MERGE |= {"MULTIARCH_DEFAULT_BRANCH_TAGS": "latest", "MULTIARCH_RELEASE_TAGS": "$CI_COMMIT_TAG,stable"}
CLASSIC = {"CI_REGISTRY_IMAGE": f"{HOST}/a", "IMAGE_TAG": "1.2", "CI_COMMIT_SHORT_SHA": "c0ffee"}


@pytest.mark.parametrize(
    ("form", "pipeline", "first", "moving"),
    [
        (MERGE, {"CI_COMMIT_BRANCH": "main", "CI_COMMIT_REF_SLUG": "main"}, "c0ffee", "main,latest"),
        (MERGE, {"CI_COMMIT_BRANCH": "feature/X", "CI_COMMIT_REF_SLUG": "feature-x"}, "c0ffee", "feature-x"),
        (MERGE, {"CI_COMMIT_REF_SLUG": "of-a-merge-request"}, "c0ffee", "of-a-merge-request"),
        (MERGE, {"CI_COMMIT_TAG": "1.2.0", "CI_COMMIT_REF_SLUG": "1-2-0"}, "c0ffee", "1.2.0,stable"),
        (MERGE, {"CI_COMMIT_TAG": "v2", "CI_COMMIT_REF_SLUG": "v2"}, "c0ffee", "v2,stable"),
        ({**MERGE, "MULTIARCH_TAGS": "a, b,,a,c0ffee"}, {}, "c0ffee", "a,b"),
        ({**MERGE, "MULTIARCH_TAGS": "$UNSET,a"}, {}, "c0ffee", "a"),
        ({**MERGE, "MULTIARCH_TAGS": ""}, {}, "c0ffee", None),
        (CLASSIC, {}, "1.2-c0ffee", "1.2"),
        ({**CLASSIC, "IMAGE_TAG": "x-c0ffee", "IMAGE_EXTRA_TAGS": "latest"}, {}, "x-c0ffee", "latest"),
        ({**CLASSIC, "IMAGE_EXTRA_TAGS": "latest,1.2"}, {}, "1.2-c0ffee", "1.2,latest"),
    ],
)
def test_the_first_tag_is_the_commits_and_each_pipeline_moves_its_own(
    shell: Shell, form: dict[str, str], pipeline: dict[str, str], first: str, moving: str | None
) -> None:
    shell.tool("archmerge", 'printf "%s\\n" "$@"')
    # As GitLab hands them over: variables in values are replaced, where they are set.
    given = {**form, **pipeline, "CI_DEFAULT_BRANCH": "main"}
    values = {
        key: re.sub(r"\$(\w+)", lambda found: given.get(found[1], found[0]), value) for key, value in given.items()
    }
    ran = shell.run(["common", "names", "merge"], values)
    assert ran.code == 0, ran.err
    argv = ran.out.splitlines()
    assert argv[argv.index("--target") + 1] == f"{HOST}/a:{first}"
    assert (argv[argv.index("--tags") + 1] if "--tags" in argv else None) == moving


@pytest.mark.parametrize("arches", [' ["amd64","arm64"] ', ' ["amd64", "arm64"] ', "amd64,arm64", ""])
def test_an_array_input_arrives_as_platforms_however_it_is_written(shell: Shell, arches: str) -> None:
    shell.tool("archmerge", 'printf "%s\\n" "$@"')
    ran = shell.run(["common", "names", "merge"], {**MERGE, "MULTIARCH_ARCHES": arches})
    argv = ran.out.splitlines()
    assert argv[argv.index("--platforms") + 1] == "linux/amd64,linux/arm64"


def test_a_private_authority_is_used_for_gitlabs_own_registry_only(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "ca.pem").write_text("")
    shell.tool("executor", 'printf "%s\\n" "$@"')
    variables = {
        **GITLAB,
        "ARCH": "amd64",
        "CI_PROJECT_DIR": str(tmp_path),
        "CI_SERVER_TLS_CA_FILE": str(tmp_path / "ca.pem"),
    }
    own = shell.run(["common", "names", "recipe", "kaniko"], variables)
    assert f"{HOST}={tmp_path}/ca.pem" in own.out.splitlines()
    other = shell.run(["common", "names", "recipe", "kaniko"], {**variables, "MULTIARCH_IMAGE": "quay.io/a/b"})
    assert "--registry-certificate" not in other.out


def test_a_signature_without_a_digest_is_an_error_that_names_the_file(shell: Shell, tmp_path: Path) -> None:
    ran = shell.run(["common", "names", "sign"], {**GITLAB, "CI_PROJECT_DIR": str(tmp_path), "MULTIARCH_RESULT": "web"})
    assert ran.code == 1
    assert "web.digest" in ran.err


@pytest.mark.parametrize(
    ("key", "option"), [(None, None), ("KEY MATERIAL", "env://COSIGN_PRIVATE_KEY"), ("file", "file")]
)
def test_a_signing_key_never_stands_in_argv(shell: Shell, tmp_path: Path, key: str | None, option: str | None) -> None:
    (tmp_path / "image.digest").write_text("sha256:0\n")
    (tmp_path / "file").write_text("KEY MATERIAL")
    shell.tool("cosign", 'printf "%s\\n" "$@"')
    given = {"COSIGN_PRIVATE_KEY": key} if key else {}
    ran = shell.run(["common", "names", "sign"], {**GITLAB, "CI_PROJECT_DIR": str(tmp_path), **given})
    argv = ran.out.splitlines()
    assert argv[-1] == f"{HOST}/team/app@sha256:0"
    assert (argv[argv.index("--key") + 1] if "--key" in argv else None) == option


def test_a_signing_config_is_a_file_or_an_error(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "image.digest").write_text("sha256:0\n")
    (tmp_path / "own.json").write_text("{}")
    shell.tool("cosign", 'printf "%s\\n" "$@"')
    given = {**GITLAB, "CI_PROJECT_DIR": str(tmp_path)}
    own = shell.run(["common", "names", "sign"], {**given, "COSIGN_SIGNING_CONFIG": str(tmp_path / "own.json")})
    assert own.out.splitlines()[-3:-1] == ["--signing-config", str(tmp_path / "own.json")]
    text = shell.run(["common", "names", "sign"], {**given, "COSIGN_SIGNING_CONFIG": '{"mediaType": "x"}'})
    assert text.code == 1
    assert "type file" in text.err


def carried() -> str:
    """The script that has archmerge along, as it is in the templates."""
    return "\n".join(line[6:] for line in render.script("", "common", "archmerge").splitlines())


@pytest.fixture
def python(shell: Shell) -> Shell:
    """A Python and nothing else: no archmerge, no PyYAML, no site-packages."""
    shell.tool("python3", f'exec {sys.executable} "$@"')
    return shell


def test_a_template_has_archmerge_along_and_leaves_nothing_of_it(python: Shell, tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    ran = python.run([], {"TMPDIR": str(tmp_path / "tmp")}, after=f"{carried()}\narchmerge --version")
    assert (ran.code, ran.out) == (0, f"archmerge {__version__}\n"), ran.err
    assert list((tmp_path / "tmp").iterdir()) == []


def test_what_archmerge_says_of_a_failure_is_the_jobs_exit_code(python: Shell) -> None:
    ran = python.run([], {}, after=f"{carried()}\narchmerge push")
    assert ran.code == 2
    assert "fix:" in ran.err


def test_an_image_with_archmerge_uses_its_own(python: Shell) -> None:
    python.tool("archmerge", 'echo "its own, $*"')
    ran = python.run([], {}, after=f"{carried()}\narchmerge push --from digests")
    assert ran.out == "its own, push --from digests\n"


@pytest.mark.parametrize("python3", ["", "exit 1"], ids=["no python", "an old python, as the script takes it"])
def test_an_image_that_can_not_merge_says_which_input_to_change(shell: Shell, python3: str) -> None:
    if python3:
        shell.tool("python3", python3)
    shell.only_tools()
    ran = shell.run([], {}, after=f"{carried()}\narchmerge push")
    assert ran.code == 1
    assert "neither archmerge nor Python 3.11 or later" in ran.err
    assert "merge-image" in ran.err
