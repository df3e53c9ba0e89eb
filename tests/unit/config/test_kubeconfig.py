"""Kubeconfigs hold no credential, and a kubeconfig that is not there is told in one line."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from components.clouds.aks.arguments import SERVER_ID as AKS_SERVER_ID
from components.clouds.aks.arguments import kubeconfig as aks_kubeconfig
from components.clouds.eks.arguments import kubeconfig as eks_kubeconfig
from components.clouds.gke.arguments import kubeconfig as gke_kubeconfig
from components.clouds.kubeconfig import Endpoint, endpoint_of
from components.clouds.sections import Access
from components.kubeconfig import check_access, files_of, for_provider
from components.problems import ConfigError

ENDPOINT = Endpoint(server="https://203.0.113.7", ca="Q0E=")
MADE = {
    "gke": gke_kubeconfig(ENDPOINT),
    "eks": eks_kubeconfig(ENDPOINT, name="ci", region="eu-central-1"),
    "aks": aks_kubeconfig(ENDPOINT),
}


@pytest.mark.parametrize("kind", MADE)
def test_kubeconfig_is_as_recorded(kind: str) -> None:
    golden = Path(__file__).parent / "golden" / f"kubeconfig-{kind}.json"
    assert json.loads(MADE[kind]) == json.loads(golden.read_text())


@pytest.mark.parametrize("kind", MADE)
def test_kubeconfig_holds_a_command_and_no_credential(kind: str) -> None:
    [user] = json.loads(MADE[kind])["users"]
    assert set(user["user"]) == {"exec"}
    assert user["user"]["exec"]["interactiveMode"] == "Never"


def test_aks_tokens_are_for_the_aks_server() -> None:
    assert AKS_SERVER_ID in json.loads(MADE["aks"])["users"][0]["user"]["exec"]["args"]


def _azure(document: Any) -> str:
    return base64.b64encode(json.dumps(document).encode()).decode()


def test_only_server_and_ca_are_taken_from_azures_answer() -> None:
    answer = {
        "clusters": [{"name": "ci", "cluster": {"server": "https://ci:443", "certificate-authority-data": "Q0E="}}],
        "users": [{"name": "u", "user": {"client-key-data": "S0VZ", "token": "secret"}}],
    }
    assert endpoint_of(_azure(answer)) == Endpoint(server="https://ci:443", ca="Q0E=")


@pytest.mark.parametrize("answer", ["???", _azure([]), _azure({"clusters": []}), _azure({"clusters": [{}]}), _azure(1)])
def test_an_answer_that_is_no_kubeconfig_is_an_error(answer: str) -> None:
    with pytest.raises(ValueError, match="not a kubeconfig"):
        endpoint_of(answer)


@pytest.mark.parametrize(
    ("stated", "environment", "expected"),
    [
        ("sub/kubeconfig", {}, "/project/sub/kubeconfig"),
        ("/abs/kubeconfig", {"KUBECONFIG": "/other"}, "/abs/kubeconfig"),
        ("~/k", {}, str(Path.home() / "k")),
        (None, {"KUBECONFIG": "/first::/second:/first"}, "/first:/second"),
        (None, {"KUBECONFIG": "here"}, str(Path.cwd() / "here")),
        (None, {"KUBECONFIG": ""}, str(Path.home() / ".kube" / "config")),
        (None, {}, str(Path.home() / ".kube" / "config")),
    ],
)
def test_the_kubeconfigs_paths_are_absolute(stated: str | None, environment: dict[str, str], expected: str) -> None:
    access = Access(context="c", kubeconfig=stated)
    files = files_of(access, Path("/project"), environment)
    assert ":".join(str(path) for path in files) == expected


def _told(path: Path, context: str) -> str:
    with pytest.raises(ConfigError) as raised:
        check_access(Access(context=context), path)
    [problem] = raised.value.problems
    assert "\n" not in str(problem)
    return str(problem)


WHOLE = {
    "current-context": "b",
    "contexts": [{"name": name, "context": {"cluster": "c"}} for name in "ab"],
    "clusters": [{"name": "c", "cluster": {"server": "https://c.example"}}],
}


def test_a_context_that_is_there_is_accepted_and_current_context_is_never_used(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(WHOLE))
    check_access(Access(context="a"), path)
    told = _told(path, "c")
    assert told.startswith(f"cluster.access.context: 'c' is not in {path}: ")
    assert told.endswith("Contexts there: a, b.")


@pytest.mark.parametrize("content", ["{}", "contexts:", "contexts: [1, {}]", ""])
def test_a_kubeconfig_without_contexts_is_told(content: str, tmp_path: Path) -> None:
    (tmp_path / "kubeconfig").write_text(content)
    assert "has no contexts" in _told(tmp_path / "kubeconfig", "c")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("a: [", "it is not valid YAML (line 1)"),
        ("- a", "it is a list, not a kubeconfig"),
        ("contexts: 5", "`contexts` is a whole number, not a list"),
    ],
)
def test_a_file_that_is_no_kubeconfig_is_told(content: str, found: str, tmp_path: Path) -> None:
    (tmp_path / "kubeconfig").write_text(content)
    assert _told(tmp_path / "kubeconfig", "c").startswith(f"cluster.access.kubeconfig: {tmp_path}/kubeconfig: {found}")


def test_a_missing_kubeconfig_is_told_with_the_way_to_get_one(tmp_path: Path) -> None:
    told = _told(tmp_path / "kubeconfig", "c")
    assert "no such file or directory" in told
    assert "multiarch rehearse --stack local --keep" in told


def _write(path: Path, **entries: dict[str, Any]) -> Path:
    named = {
        f"{kind}s": [{"name": name, kind: value} for name, value in all_.items()] for kind, all_ in entries.items()
    }
    path.write_text(json.dumps(named))
    return path


def _spread(folder: Path, user: dict[str, Any]) -> tuple[Path, ...]:
    """A context `x` whose user is in another file and in another folder."""
    (folder / "sub").mkdir()
    first = _write(folder / "a", context={"x": {"cluster": "c", "user": "u"}}, cluster={"c": {"server": "https://c"}})
    return first, _write(folder / "sub" / "b", user={"u": user})


def test_the_provider_is_given_the_one_file_that_has_all_though_another_is_named_before_it(tmp_path: Path) -> None:
    other = _write(tmp_path / "other", context={"y": {"cluster": "c"}}, cluster={"c": {"server": "https://other"}})
    mine = _write(tmp_path / "mine", context={"x": {"cluster": "d"}}, cluster={"d": {"server": "https://mine"}})
    assert for_provider(Access(context="x"), (tmp_path / "missing", other, mine)) == str(mine)


def test_the_provider_is_given_the_content_of_what_is_spread_over_files(tmp_path: Path) -> None:
    files = _spread(tmp_path, {"client-certificate": "c.pem", "client-key": "k.pem"})
    given = json.loads(for_provider(Access(context="x"), files))
    assert [one["cluster"] for one in given["clusters"]] == [{"server": "https://c"}]
    folder = tmp_path / "sub"
    expected = {"client-certificate": str(folder / "c.pem"), "client-key": str(folder / "k.pem")}
    assert [one["user"] for one in given["users"]] == [expected]


@pytest.mark.parametrize(
    "user",
    [
        {"token": "s3cret"},
        {"username": "u", "password": "s3cret"},
        {"exec": {"apiVersion": "v1", "command": "x", "env": [{"name": "N", "value": "s3cret"}]}},
        {"auth-provider": {"name": "oidc", "config": {"id-token": "s3cret"}}},
    ],
)
def test_no_credential_of_what_is_spread_over_files_gets_into_the_state(user: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="kubectl config view --flatten --minify --context x") as told:
        for_provider(Access(context="x"), _spread(tmp_path, user))
    assert "s3cret" not in str(told.value)
