"""Kubeconfigs hold no credential, and a kubeconfig that is not there is told in one line."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from components.cluster_spec import Access
from components.kubeconfig import (
    AKS_SERVER_ID,
    Endpoint,
    aks_kubeconfig,
    check_access,
    eks_kubeconfig,
    endpoint_of,
    gke_kubeconfig,
    kubeconfig_path,
)
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
    with pytest.raises(ValueError, match="no kubeconfig"):
        endpoint_of(answer)


@pytest.mark.parametrize(
    ("stated", "environment", "expected"),
    [
        ("sub/kubeconfig", {}, "/project/sub/kubeconfig"),
        ("/abs/kubeconfig", {"KUBECONFIG": "/other"}, "/abs/kubeconfig"),
        ("~/k", {}, str(Path.home() / "k")),
        (None, {"KUBECONFIG": "/first:/second"}, "/first"),
        (None, {"KUBECONFIG": ""}, str(Path.home() / ".kube" / "config")),
        (None, {}, str(Path.home() / ".kube" / "config")),
    ],
)
def test_the_kubeconfigs_path_is_absolute(stated: str | None, environment: dict[str, str], expected: str) -> None:
    access = Access(context="c", kubeconfig=stated)
    assert kubeconfig_path(access, Path("/project"), environment) == Path(expected)


def _told(path: Path, context: str) -> str:
    with pytest.raises(ConfigError) as raised:
        check_access(Access(context=context), path)
    [problem] = raised.value.problems
    assert "\n" not in str(problem)
    return str(problem)


def test_a_context_that_is_there_is_accepted_and_current_context_is_never_used(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps({"current-context": "b", "contexts": [{"name": "a"}, {"name": "b"}]}))
    check_access(Access(context="a"), path)
    told = _told(path, "c")
    assert told.startswith(f"cluster.access.context: 'c' is not in {path}: ")
    assert told.endswith("Contexts there: a, b.")


@pytest.mark.parametrize("content", ["{}", "contexts:", "contexts: [1, {}]", "contexts: 5"])
def test_a_kubeconfig_without_contexts_is_told(content: str, tmp_path: Path) -> None:
    (tmp_path / "kubeconfig").write_text(content)
    assert "has no contexts at all" in _told(tmp_path / "kubeconfig", "c")


@pytest.mark.parametrize(("content", "found"), [("a: [", "it is no YAML"), ("- a", "it is no kubeconfig")])
def test_a_file_that_is_no_kubeconfig_is_told(content: str, found: str, tmp_path: Path) -> None:
    (tmp_path / "kubeconfig").write_text(content)
    assert _told(tmp_path / "kubeconfig", "c").startswith(f"cluster.access.kubeconfig: {tmp_path}/kubeconfig: {found}")


def test_a_missing_kubeconfig_is_told_with_the_way_to_get_one(tmp_path: Path) -> None:
    told = _told(tmp_path / "kubeconfig", "c")
    assert "no such file or directory" in told
    assert "multiarch rehearse --stack local --keep" in told
