import stat
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from components.config import load_config
from components.problems import ConfigError
from multiarch.cluster.look.model import Look, Pool
from multiarch.core.verdict import Answer, Verdict
from multiarch.model.placeholders import with_placeholder_token
from multiarch.model.stack_file import load_stack_file
from multiarch.onboard.decide.decision import decide
from multiarch.onboard.write.place import place_of
from multiarch.onboard.write.render import comment, render, scalar
from tests.unit.onboard.cases import CASES, GOLDEN, Case


def loaded(text: str, folder: Path) -> None:
    """Read a stack file's text as the program does; raises ConfigError for one that it refuses."""
    path = folder / "Pulumi.x.yaml"
    path.write_text(text, encoding="utf-8")
    values, secrets = load_stack_file(path)
    values, secrets, _ = with_placeholder_token(values, secrets)
    load_config(values, secrets)


@pytest.mark.parametrize("name", CASES)
def test_a_stack_file_is_what_it_was(name: str) -> None:
    assert CASES[name].text() == (GOLDEN / f"Pulumi.{name}.yaml").read_text(encoding="utf-8"), (
        "python -m tests.unit.onboard.regenerate"
    )


def test_there_is_no_golden_file_without_a_case() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == {f"Pulumi.{name}.yaml" for name in CASES}


@pytest.mark.parametrize("name", CASES)
def test_a_written_file_is_a_good_configuration(name: str, tmp_path: Path) -> None:
    loaded(CASES[name].text(), tmp_path)


@pytest.mark.parametrize("name", CASES)
def test_no_line_is_too_long_to_read(name: str) -> None:
    assert max(map(len, CASES[name].text().splitlines())) <= 120


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=60))
def test_every_text_is_read_back_as_it_was(text: str) -> None:
    document = f"config:\n  multiarch-runner:runner: {scalar(text)}\n"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "Pulumi.x.yaml")
        path.write_text(document, encoding="utf-8")
        values, _ = load_stack_file(path)
    assert values["multiarch-runner:runner"] == text
    assert yaml.safe_load(document)["config"]["multiarch-runner:runner"] == text


@pytest.mark.parametrize("text", ["yes", "null", "1e3", "0x1", "2026-01-01", "12:30", "a: b", "a #b", "~", "", "- a"])
def test_what_yaml_would_misread_is_quoted(text: str) -> None:
    assert scalar(text).startswith('"')


@settings(deadline=None)
@given(st.text(max_size=300))
def test_a_comment_stays_a_comment(text: str) -> None:
    assert all(line.startswith("  # ") for line in comment(text, 2))
    assert all("\n" not in line for line in comment(text, 2))


# Printable, as the API server lets through: names of nodes and pools, label keys and values.
_VALUE = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,20}[A-Za-z0-9])?", fullmatch=True)
_POOL = st.builds(
    Pool,
    name=_VALUE,
    arch=st.sampled_from(["amd64", "arm64"]),
    machine_type=st.sampled_from(["", "m7i.2xlarge", "e2-standard-8", "k3s", "yes", "1e3"]),
    nodes=st.integers(1, 50),
    ready=st.integers(0, 50),
    taints=st.lists(
        st.builds(lambda key, value: f"{key}={value}:NoSchedule", _VALUE, _VALUE),
        max_size=2,
        unique_by=lambda it: it.split("=")[0],
    ).map(tuple),
    selector=st.dictionaries(_VALUE, _VALUE, max_size=3),
    cpu_millis=st.integers(0, 64000),
    memory_mib=st.integers(0, 256000),
)


@settings(deadline=None)
@given(
    pools=st.lists(_POOL, min_size=1, max_size=4),
    name=_VALUE,
    context=st.text(min_size=1, max_size=40).filter(str.strip),
)
def test_whatever_nodes_are_there_the_file_is_a_good_configuration(pools: list[Pool], name: str, context: str) -> None:
    look = Look(
        context=context,
        server="https://192.0.2.1",
        version="1.34.2",
        provider="existing",
        provider_because="no node tells",
        identity={"name": name},
        pools=tuple(pools),
        nodes=sum(pool.nodes for pool in pools),
        autoscaler=Answer(verdict=Verdict.NO, because="none"),
    )
    case = Case(CASES["on-premises"].server)
    answers = case.answers(look)
    with tempfile.TemporaryDirectory() as folder:
        loaded(render(look, answers, decide(look, answers)), Path(folder))


@settings(deadline=None)
@given(
    name=st.sampled_from(["gke", "gke-zonal-n4a", "eks", "aks"]),
    low=st.integers(1, 10),
    more=st.integers(10, 100),
    protect=st.booleans(),
    stack=st.from_regex(r"[A-Za-z0-9._-]{1,30}", fullmatch=True),
    token=st.sampled_from(["stack", "secret"]),
)
def test_whatever_is_answered_the_file_is_a_good_configuration(  # noqa: PLR0913 - one for each answer
    *, name: str, low: int, more: int, protect: bool, stack: str, token: str
) -> None:
    case = CASES[name]
    said: dict[str, str | int | bool] = {"minNodes": low, "maxNodes": low + more, "protect": protect}
    said |= {"stack": stack, "tokenSource": token}
    look = case.look()
    answers = replace(case, said=said).answers(look)
    decision = decide(look, answers)
    assert decision.obstacles == ()
    with tempfile.TemporaryDirectory() as folder:
        loaded(render(look, answers, decision), Path(folder))


def test_the_same_look_and_answers_give_the_same_bytes_whatever_the_time_it_took() -> None:
    case = CASES["eks"]
    look = case.look()
    answers = case.answers(look)
    slow = replace(look, seconds=99.0, requests=1)
    assert render(look, answers, decide(look, answers)) == render(slow, answers, decide(slow, answers))


def test_another_file_is_never_replaced_without_being_told_to(tmp_path: Path) -> None:
    stacks = tmp_path / "stacks"
    stacks.mkdir()
    path = stacks / "Pulumi.ci.yaml"
    path.write_text("mine: true\n")
    place = place_of(tmp_path, "ci")
    with pytest.raises(ConfigError, match="--force"):
        place.check("other: true\n", force=False)
    place.check("mine: true\n", force=False)
    place.check("other: true\n", force=True)
    assert "-mine: true" in place.diff("other: true\n")
    assert "+other: true" in place.diff("other: true\n")
    assert path.read_text() == "mine: true\n"


def test_a_file_is_written_whole_readable_and_alone(tmp_path: Path) -> None:
    place = place_of(tmp_path, "ci")
    place.write("a: b\n")
    assert (tmp_path / "stacks" / "Pulumi.ci.yaml").read_text() == "a: b\n"
    assert [path.name for path in (tmp_path / "stacks").iterdir()] == ["Pulumi.ci.yaml"]
    assert stat.S_IMODE(place.path.stat().st_mode) & 0o044 == 0o044


def test_a_file_keeps_its_mode_when_it_is_replaced(tmp_path: Path) -> None:
    place_of(tmp_path, "ci").write("a: b\n")
    path = tmp_path / "stacks" / "Pulumi.ci.yaml"
    path.chmod(0o600)
    place_of(tmp_path, "ci").write("c: d\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_can_t_be_written_is_one_clear_message_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "stacks").write_text("a file, not a folder")
    with pytest.raises(ConfigError, match="stacks"):
        place_of(tmp_path, "ci").write("a: b\n")
    assert [path.name for path in tmp_path.iterdir()] == ["stacks"]
