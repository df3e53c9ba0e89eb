"""The one config reader: what a good stack becomes, and that no input at all gets past it unread."""

import ast
import contextvars
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pulumi
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.clouds import CLOUDS
from components.clouds.eks.sections import EksCluster, EksPool
from components.clouds.existing.sections import ExistingCluster
from components.clouds.gke.sections import GkeCluster, GkePool
from components.config import StackConfig, load_config, read_stack_config
from components.keys import keys
from components.problems import ConfigError
from components.runner.settings import RunnerConfig
from components.stack_keys import KEYS, NAMESPACE
from multiarch.model.placeholders import with_placeholder_token, with_stub_access
from multiarch.model.stack_file import TOKEN_PLACEHOLDER, load_stack_file

ROOT = Path(__file__).resolve().parents[3]
TOKEN_KEY = f"{NAMESPACE}:runnerToken"


def stack(name: str) -> tuple[dict[str, str], frozenset[str]]:
    values, secret_keys = load_stack_file(ROOT / "stacks" / f"Pulumi.{name}.yaml")
    values, secret_keys, _ = with_placeholder_token(values, secret_keys)
    return values, secret_keys


@pytest.mark.parametrize("name", ["local", "mirror", "gke", "eks", "aks"])
def test_every_example_stack_is_without_a_mistake(name: str) -> None:
    config = load_config(*stack(name))
    assert isinstance(config.cluster, CLOUDS["existing" if name in ("local", "mirror") else name].cluster)
    assert [pool.name for pool in config.pools] == ["amd64", "arm64"]
    assert {type(pool.section) for pool in config.pools} == {CLOUDS[config.cluster.type].pool}


def test_the_gke_example_leaves_the_arm64_pool_to_its_defaults() -> None:
    config = load_config(*stack("gke"))
    assert isinstance(config.cluster, GkeCluster)
    arm64 = config.pools[1].section
    assert isinstance(arm64, GkePool)
    assert arm64 == GkePool(name="arm64", arch=arm64.arch, machine_type="t2a-standard-8")
    assert (arm64.min_nodes, arm64.max_nodes, arm64.limits) == (1, 20, "total")


def edited_gke(**changes: Any) -> Any:
    """Load the GKE example with some keys of its sections changed: `cluster={...}`, `arm64={...}`, `runner={...}`."""
    values, secrets = stack("gke")
    sections = {name: json.loads(values[f"{NAMESPACE}:{name}"]) for name in ("cluster", "pools", "runner")}
    sections["cluster"] |= changes.get("cluster", {})
    sections["pools"][1] |= changes.get("arm64", {})
    sections["runner"] |= changes.get("runner", {})
    return load_config(
        {**values, **{f"{NAMESPACE}:{name}": json.dumps(one) for name, one in sections.items()}}, secrets
    )


@pytest.mark.parametrize(
    ("location", "machine"),
    [
        ("us-central1", "t2a-standard-8"),
        ("us-central1-a", "t2a-standard-8"),
        ("europe-west1", "n4a-standard-8"),
        ("europe-north1", "c4a-standard-8"),
    ],
)
def test_an_arm64_pool_that_states_no_machine_gets_what_its_region_has(location: str, machine: str) -> None:
    config = edited_gke(cluster={"location": location})
    assert config.pools[1].machine_types == (machine,)


@pytest.mark.parametrize("location", ["europe-nowhere9", "me-west1-b"])
def test_an_arm64_pool_without_a_machine_is_refused_where_no_table_knows_one(location: str) -> None:
    with pytest.raises(ConfigError) as caught:
        edited_gke(cluster={"location": location})
    (problem,) = caught.value.problems
    assert (problem.path, problem.found.split(",")[0]) == ("pools[1].machineType", "not set")
    stated = edited_gke(cluster={"location": location}, arm64={"machineType": "c4a-standard-8"})
    assert stated.pools[1].machine_types == ("c4a-standard-8",)


def test_a_drain_lasts_as_long_as_the_longest_job_and_at_most_a_day() -> None:
    assert edited_gke().pools[1].drain_minutes == 60
    assert edited_gke(runner={"jobTimeout": 7230}).pools[1].drain_minutes == 121
    assert edited_gke(runner={"jobTimeout": 200_000}).pools[1].drain_minutes == 1440
    longer = edited_gke(arm64={"drainGraceMinutes": 90}).pools[1]
    assert longer.section.drain_grace_minutes == 90


def test_a_drain_that_cuts_the_longest_job_off_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        edited_gke(arm64={"drainGraceMinutes": 30})
    (problem,) = caught.value.problems
    assert problem.path == "pools[1].drainGraceMinutes"
    assert "end the longest jobs early" in problem.consequence


def test_the_token_is_kept_but_never_printed() -> None:
    config = load_config(*stack("eks"))
    assert config.runner_token == TOKEN_PLACEHOLDER
    assert TOKEN_PLACEHOLDER not in repr(config)


def test_a_runner_with_another_source_needs_no_token() -> None:
    config = load_config(*stack("local"))
    assert config.runner_token is None
    assert isinstance(config.cluster, ExistingCluster)


def test_settings_of_providers_are_none_of_our_business() -> None:
    values, secret_keys = stack("eks")
    load_config(
        values | {"aws:profile": "ci", "kubernetes:x": "{", "gitlab:token": "s"}, {*secret_keys, "gitlab:token"}
    )


def test_a_providers_secret_setting_is_neither_compared_nor_shown() -> None:
    values, secret_keys = stack("aks")
    key = "azure-native:subscriptionId"
    load_config(values | {key: "placeholder"}, {*secret_keys, key})


def test_an_azure_subscription_must_be_the_providers_too() -> None:
    values, secret_keys = stack("aks")
    del values["azure-native:subscriptionId"]
    with pytest.raises(ConfigError, match="the place that the shell's environment names"):
        load_config(values, secret_keys)


def test_what_can_be_checked_is_checked_even_beside_a_pool_that_cannot_be_read() -> None:
    values, secret_keys = stack("eks")
    pools = [{"name": "a", "maxNodes": "5"}, {"name": "b", "machineType": "m7g.large", "arch": "amd64"}]
    runner = {"gitlabUrl": "https://gitlab.com", "selectorRegex": "", "manager": {"pool": "a"}}
    changed = {f"{NAMESPACE}:pools": json.dumps(pools), f"{NAMESPACE}:runner": json.dumps(runner)}
    with pytest.raises(ConfigError) as raised:
        load_config(values | changed, secret_keys)
    paths = [problem.path for problem in raised.value.problems]
    assert paths == ["pools[0].maxNodes", "pools[1].machineType", "runner.selectorRegex"]


def test_one_architecture_is_enough_if_the_runner_offers_no_other() -> None:
    values, secret_keys = stack("eks")
    runner = json.dumps({"gitlabUrl": "https://gitlab.com", "architectures": ["amd64"]})
    pools = json.dumps([{"name": "amd64", "arch": "amd64"}])
    config = load_config(values | {f"{NAMESPACE}:pools": pools, f"{NAMESPACE}:runner": runner}, secret_keys)
    assert len(config.pools) == 1


def given_by_pulumi(values: dict[str, str], secret_keys: list[str]) -> StackConfig:
    def read() -> StackConfig:
        pulumi.runtime.set_all_config(values, secret_keys)
        return read_stack_config()

    return contextvars.copy_context().run(read)


def test_the_program_reads_what_pulumi_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PULUMI_CONFIG", raising=False)
    values, secret_keys = stack("eks")
    assert isinstance(given_by_pulumi(values, sorted(secret_keys)).cluster, EksCluster)
    with pytest.raises(ConfigError, match="unknown key 'extra'"):
        given_by_pulumi(values | {f"{NAMESPACE}:extra": "1"}, sorted(secret_keys))
    with pytest.raises(ConfigError, match="plain text"):
        given_by_pulumi(values, [])


def test_reading_a_configuration_needs_no_pulumi() -> None:
    code = "import sys, components.config; print([m for m in sys.modules if m.split('.')[0].startswith('pulumi')])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_nothing_else_reads_pulumis_configuration() -> None:
    readers = [
        str(path.relative_to(ROOT))
        for path in [ROOT / "__main__.py", *(ROOT / "components").rglob("*.py")]
        if any(word in path.read_text() for word in ("pulumi.Config(", "get_config_env", "runtime.config"))
    ]
    assert readers == ["components/config.py"]


def test_requirements_pin_all_that_the_program_imports() -> None:
    names = {"yaml": "PyYAML", "re2": "google-re2"}
    own = {"components", "archmerge"}
    imported = set()
    for path in [ROOT / "__main__.py", *(ROOT / "components").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.partition(".")[0])
    foreign = {names.get(name, name) for name in imported - set(sys.stdlib_module_names) - own}
    pinned = re.findall(r"^([\w-]+)==\S+$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    # Extras of pyproject.toml: used only where a stack asks for them. grpc comes with pulumi, at the version it needs.
    optional = {"pulumi_gitlab", "pulumi_policy", "grpc"}
    with_pydantic = {"pydantic-core", "typing-extensions", "annotated-types"}  # likewise
    assert {name.replace("_", "-") for name in foreign - optional} == {*pinned} | with_pydantic


def test_the_program_is_short() -> None:
    assert len((ROOT / "__main__.py").read_text().splitlines()) <= 40


def test_a_placeholder_token_is_added_only_where_one_is_needed() -> None:
    values, secret_keys = load_stack_file(ROOT / "stacks" / "Pulumi.gke.yaml")
    added, marked, keys = with_placeholder_token(values, secret_keys)
    assert (added[TOKEN_KEY], TOKEN_KEY in marked, keys) == (TOKEN_PLACEHOLDER, True, ("runnerToken",))
    assert with_placeholder_token(added, marked) == (added, marked, ())
    values, secret_keys = load_stack_file(ROOT / "stacks" / "Pulumi.local.yaml")
    assert with_placeholder_token(values, secret_keys) == (values, secret_keys, ())
    assert with_placeholder_token({f"{NAMESPACE}:runner": "["}, ()) == (
        {f"{NAMESPACE}:runner": "["},
        frozenset(),
        (),
    )


def test_a_stub_kubeconfig_has_the_stated_context_and_leads_nowhere(tmp_path: Path) -> None:
    values, content = with_stub_access(stack("local")[0], tmp_path / "kubeconfig")
    assert json.loads(values[f"{NAMESPACE}:cluster"])["access"] == {
        "kubeconfig": str(tmp_path / "kubeconfig"),
        "context": "multiarch-rehearsal",
    }
    document = json.loads(content or "")
    assert [context["name"] for context in document["contexts"]] == ["multiarch-rehearsal"]
    assert document["clusters"][0]["cluster"]["server"].endswith(".invalid")
    unchanged = stack("gke")[0]
    assert with_stub_access(unchanged, tmp_path) == (unchanged, None)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["arm64", "gke", "eks", "t2a-standard-8", "us-central1", "^a$", "1Gi", "glrt-abc", "0.90.1"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def shaped(cls: type) -> st.SearchStrategy[dict[str, Any]]:
    """Mappings with the right keys and any values: they get further than any mapping would."""
    return st.fixed_dictionaries({}, optional={key.name: JSON for key in keys(cls)})


def valid_somewhere(name: str, key: str) -> st.SearchStrategy[Any]:
    """The example's own value with one key changed."""
    good = json.loads(stack(name)[0][f"{NAMESPACE}:{key}"])
    if isinstance(good, list):
        return st.builds(lambda pool, extra: [good[0], {**good[1], **pool}, *extra], one_key(EksPool), st.lists(JSON))
    return st.builds(lambda change: {**good, **change}, one_key(RunnerConfig if key == "runner" else EksCluster))


def one_key(cls: type) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(lambda key, value: {key: value}, st.sampled_from([key.name for key in keys(cls)]), JSON)


def part(key: str, *classes: type) -> st.SearchStrategy[str]:
    shapes = st.one_of(*(shaped(cls) for cls in classes))
    lists = st.lists(shapes, max_size=3) if key == "pools" else shapes
    return st.one_of(valid_somewhere("eks", key), lists, JSON).map(json.dumps) | st.text(max_size=20)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    parts=st.tuples(
        part("cluster", *(cloud.cluster for cloud in CLOUDS.values())),
        part("pools", *(cloud.pool for cloud in CLOUDS.values())),
        part("runner", RunnerConfig),
    ),
    token=st.none() | st.text(max_size=20),
    more=st.dictionaries(st.text(max_size=10), st.text(max_size=10), max_size=2),
    secret_keys=st.sets(st.sampled_from([f"{NAMESPACE}:{key}" for key in KEYS])),
)
def test_any_input_gives_a_configuration_or_a_config_error(
    parts: tuple[str, str, str], token: str | None, more: dict[str, str], secret_keys: set[str]
) -> None:
    values = more | {f"{NAMESPACE}:{key}": value for key, value in zip(KEYS, parts, strict=False)}
    if token is not None:
        values[TOKEN_KEY] = token
    try:
        config = load_config(values, secret_keys)
    except ConfigError as error:
        found = error
    else:
        assert isinstance(config, StackConfig)
        return
    assert found.problems
    for problem in found.problems:
        assert all((problem.path, problem.found, problem.fix)), problem


def test_values_are_checked_once_keys_and_types_are_right() -> None:
    """docs/usage.md says that a second run may show more; if all is told at once one day, it shall say that."""
    bad_value = {"cluster": {"location": "europe-nowhere9"}}
    with pytest.raises(ConfigError) as first:
        edited_gke(**bad_value, arm64={"maxNods": 3})
    assert [problem.path for problem in first.value.problems] == ["pools[1].maxNods"]
    with pytest.raises(ConfigError) as second:
        edited_gke(**bad_value)
    assert [problem.path for problem in second.value.problems] == ["pools[1].machineType"]
    page = (ROOT / "docs/usage.md").read_text(encoding="utf-8")
    assert "It reports mistakes together" in page
    assert "a second run may show more" in page
