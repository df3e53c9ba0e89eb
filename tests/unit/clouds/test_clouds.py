"""One cloud, one folder: the registry is the only list of clouds, and another cloud needs no other change here."""

import ast
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from components import clouds
from components.clouds import CLOUDS, cloud_of
from components.clouds.connection import connect
from components.clouds.contract import Cloud
from components.config import load_config
from components.problems import ConfigError
from components.stack_keys import NAMESPACE
from docs.config_page import reference
from docs.stack_schema import stack_schema
from tests.unit.clouds.nimbus.components import NIMBUS
from tests.unit.clouds.nimbus.components.sections import NimbusCluster, NimbusPool

COMPONENTS = Path(clouds.__file__).parents[1]
ROOT = COMPONENTS.parent
SDKS = {"pulumi_gcp": "gke", "pulumi_aws": "eks", "pulumi_azure_native": "aks"}
CONTEXT = "nimbus"


@pytest.fixture
def nimbus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    """Register the made-up cloud, and give a stack of it."""
    monkeypatch.setitem(CLOUDS, "nimbus", NIMBUS)
    kubeconfig = tmp_path / "kubeconfig"
    entry = {"name": CONTEXT, "cluster": {"server": "https://nimbus"}}
    context = {"name": CONTEXT, "context": {"cluster": CONTEXT, "user": ""}}
    kubeconfig.write_text(json.dumps({"clusters": [entry], "contexts": [context]}), encoding="utf-8")
    return stack(
        cluster={
            "type": "nimbus",
            "name": "ci",
            "sky": "north",
            "access": {"context": CONTEXT, "kubeconfig": str(kubeconfig)},
        },
        pools=[{"name": "amd64", "arch": "amd64"}, {"name": "arm64", "machineType": "flake-2", "altitude": 9000}],
        runner={"gitlabUrl": "https://gitlab.com", "token": {"existingSecret": "token"}},
    )


def stack(**parts: Any) -> dict[str, str]:
    values = {f"{NAMESPACE}:{key}": json.dumps(value) for key, value in parts.items()}
    return {**values, "nimbus:sky": "north"}


def changed(values: dict[str, str], part: str, **keys: Any) -> dict[str, str]:
    key = f"{NAMESPACE}:{part}"
    value = json.loads(values[key])
    target = value[1] if isinstance(value, list) else value
    target.update(keys)
    return {**values, key: json.dumps(value)}


def paths(values: dict[str, str]) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        load_config(values, ())
    return [problem.path for problem in raised.value.problems]


def test_a_cloud_added_at_run_time_is_read_checked_and_resolved(nimbus: dict[str, str]) -> None:
    config = load_config(nimbus, ())
    assert type(config.cluster).__name__ == "NimbusCluster"
    assert [(pool.name, pool.arch, pool.machine_types) for pool in config.pools] == [
        ("amd64", "amd64", ("drop-8",)),
        ("arm64", "arm64", ("flake-2",)),
    ]
    assert [str(taint) for taint in config.pools[1].node_taints] == ["kubernetes.io/arch=arm64:NoSchedule"]
    assert isinstance(config.pools[1].section, NimbusPool)


@pytest.mark.parametrize(
    ("part", "keys", "path"),
    [
        ("cluster", {"sky": "east"}, "cluster.sky"),
        ("cluster", {"sky": ""}, "cluster.sky"),
        ("cluster", {"region": "eu-central-1"}, "cluster.region"),
        ("pools", {"altitude": -1}, "pools[1].altitude"),
        ("pools", {"amiType": "CUSTOM"}, "pools[1].amiType"),
        ("pools", {"arch": "amd64"}, "pools[1].machineType"),
        ("pools", {"labels": {"nimbus.example/x": "y"}}, "pools[1].labels[nimbus.example/x]"),
        ("pools", {"labels": {"kubernetes.io/x": "y"}}, "pools[1].labels[kubernetes.io/x]"),
        ("pools", {"taints": [{"key": "kubernetes.io/arch", "value": "arm64"}]}, "pools[1].taints[0]"),
    ],
)
def test_the_checks_reach_a_cloud_that_was_added(nimbus: dict[str, str], part: str, keys: Any, path: str) -> None:
    assert path in paths(changed(nimbus, part, **keys))


def test_a_setting_of_an_added_clouds_provider_must_agree(nimbus: dict[str, str]) -> None:
    assert paths({**nimbus, "nimbus:sky": "south"}) == ["nimbus:sky"]
    del nimbus["nimbus:sky"]
    assert paths(nimbus) == ["nimbus:sky"]


def test_an_added_clouds_keys_are_in_the_reference_and_the_schema(nimbus: dict[str, str]) -> None:
    assert nimbus
    assert "| `altitude` | whole number | `3000` | Height in metres. |" in reference()
    schema = stack_schema()
    assert {"NimbusCluster", "NimbusPool"} <= set(schema["definitions"])


def test_an_added_clouds_keys_are_told_from_another_clouds(nimbus: dict[str, str]) -> None:
    cluster = {"type": "gke", "name": "ci", "project": "acme-ci", "location": "us-central1"}
    with pytest.raises(ConfigError, match="'altitude' is a key of nimbus pools, but the cluster is gke"):
        load_config({**nimbus, f"{NAMESPACE}:cluster": json.dumps(cluster)}, ())


def test_an_added_cloud_is_connected_to_by_its_own_module(
    nimbus: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr("tests.unit.clouds.nimbus.components.component.connect", asked.append)
    config = load_config(nimbus, ())
    connect(config.cluster)
    assert asked == [config.cluster]


def test_a_cloud_that_forgets_a_part_is_no_cloud() -> None:
    parts = {part.name: getattr(NIMBUS, part.name) for part in fields(Cloud)}
    only_some_have = {"alternatives", "machine_there", "drain_key", "own", "anywhere"}
    for name in set(parts) - only_some_have:
        with pytest.raises(TypeError, match=name):
            Cloud(**{key: value for key, value in parts.items() if key != name})


def test_the_registry_has_every_folder_and_no_other() -> None:
    folders = {path.parent.name for path in (COMPONENTS / "clouds").glob("*/__init__.py")}
    assert set(CLOUDS) == folders
    for name, cloud in CLOUDS.items():
        assert (cloud.name, cloud.cluster.__dataclass_fields__["type"].default) == (name, name)


@pytest.mark.parametrize("name", CLOUDS)
def test_what_needs_an_sdk_is_where_the_registry_says(name: str) -> None:
    shell: Any = CLOUDS[name].shell()
    assert shell.__name__ == f"components.clouds.{name}.component"
    assert callable(shell.connect)


def _imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def test_a_clouds_sdk_is_imported_by_that_clouds_component_alone() -> None:
    found = {
        (path.relative_to(ROOT).as_posix(), name.partition(".")[0])
        for folder in ("components", "multiarch", "archmerge")
        for path in (ROOT / folder).rglob("*.py")
        for name in _imported(path)
        if name.partition(".")[0] in SDKS
    }
    assert found == {(f"components/clouds/{cloud}/component.py", sdk) for sdk, cloud in SDKS.items()}


def test_no_cloud_knows_another() -> None:
    for path in (COMPONENTS / "clouds").glob("*/*.py"):
        others = {f"components.clouds.{name}" for name in CLOUDS if name != path.parent.name}
        wrong = {name for name in _imported(path) if any(name == one or name.startswith(f"{one}.") for one in others)}
        assert wrong == set(), path


ELSEWHERE = [
    path
    for folder in ("components", "multiarch")
    for path in (ROOT / folder).rglob("*.py")
    if not path.is_relative_to(COMPONENTS / "clouds") and not path.is_relative_to(ROOT / "multiarch/model/clouds")
]
"""All modules but the clouds' own and the registries."""


def test_no_module_beside_the_clouds_own_speaks_of_a_cloud_by_its_name() -> None:
    """A list or a branch there would have to be found by whoever adds a cloud."""
    literals = {
        (path.relative_to(ROOT).as_posix(), node.value)
        for path in ELSEWHERE
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in set(CLOUDS)
    }
    assert literals == set()


def test_no_module_beside_the_registries_imports_a_cloud_but_the_one_that_is_none() -> None:
    folders = [f"{package}.{name}" for package in ("components.clouds", "multiarch.model.clouds") for name in CLOUDS]
    found = {name for path in ELSEWHERE for name in _imported(path) if name.startswith(tuple(folders))}
    assert found == {"components.clouds.existing"}, "a cluster of no known cloud is one of existing nodes"


def test_an_unknown_section_is_of_no_cloud() -> None:
    cluster: Any = NimbusCluster(name="ci", sky="north", access={"context": "x"})  # type: ignore[arg-type]  # as YAML gives it
    with pytest.raises(TypeError, match="NimbusCluster"):
        cloud_of(cluster)
