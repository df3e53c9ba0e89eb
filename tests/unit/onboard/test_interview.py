from collections.abc import Callable
from pathlib import Path

import pytest

from components.problems import ConfigError
from multiarch.onboard.answers.file import read_answers
from multiarch.onboard.answers.interview import MissingAnswersError, interview
from multiarch.onboard.answers.model import Answers, Value
from multiarch.onboard.answers.questions import KEYS, QUESTIONS, Question
from multiarch.onboard.answers.rules import Proposal
from multiarch.onboard.answers.texts import field_of, flag_of
from tests.unit.onboard.lab import Server, aks_nodes, eks_nodes, gke_nodes, seen

LOOK = seen(Server(nodes=eks_nodes(), version="1.34.1-eks-1"), context="builds")
GIVEN: dict[str, Value] = {"clusterName": "builds", "gitlabUrl": "https://gitlab.example.com"}


def test_every_key_is_a_field_and_a_flag_of_its_own() -> None:
    of_everybody = {question.key for question in QUESTIONS if not question.cloud}
    assert {field_of(key) for key in of_everybody} <= set(Answers.__dataclass_fields__)
    assert len({flag_of(key) for key in KEYS}) == len(KEYS)
    assert not {flag_of(key) for key in KEYS} & {"--project", "--context", "--answers", "--force", "--json", "--fleet"}


def test_flags_file_and_prompts_come_to_the_same_answers(tmp_path: Path) -> None:
    asked: list[str] = []

    def prompt(question: Question, proposal: Proposal | None, wrong: Callable[[Value], str]) -> Value:
        asked.append(question.key)
        value = GIVEN.get(question.key, proposal.value if proposal else "")
        assert wrong(value) == ""
        return value

    by_prompt = interview(LOOK, {}, prompt=prompt)
    by_flags = interview(LOOK, GIVEN, proposals=True)
    places = {question.key: question.place for question in QUESTIONS if question.cloud == by_prompt.cluster_type}
    every = {key: by_prompt.place[places[key]] if key in places else getattr(by_prompt, field_of(key)) for key in asked}
    path = tmp_path / "answers.yaml"
    path.write_text(
        "".join(f"{key}: {str(value).lower() if isinstance(value, bool) else value}\n" for key, value in every.items())
    )
    by_file = interview(LOOK, read_answers(path))
    assert by_prompt == by_flags == by_file


def test_a_missing_answer_names_its_flag_and_what_would_be_proposed() -> None:
    with pytest.raises(MissingAnswersError) as caught:
        interview(LOOK, {})
    told = caught.value.format_message()
    for flag in ("--cluster-name", "--gitlab-url", "--arm64-machine", "--stack"):
        assert flag in told
    assert "proposed: m7g.2xlarge" in told
    assert "--yes" in told
    assert "--gcp-project" not in told


def test_yes_takes_no_proposal_that_is_no_knowledge() -> None:
    with pytest.raises(MissingAnswersError) as caught:
        interview(LOOK, {"clusterName": "builds"}, proposals=True)
    told = caught.value.format_message()
    assert "--gitlab-url" in told
    assert "--stack" not in told


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("stack", "a b", "letters, digits"),
        ("clusterType", "openshift", "one of aks, eks, gke, existing"),
        ("region", "eu-central-1a", "not a valid AWS region"),
        ("arm64Machine", "m7i.xlarge", "is amd64, not arm64"),
        ("amd64Machine", "m7g.xlarge", "is arm64, not amd64"),
        ("minNodes", -1, "from 0"),
        ("maxNodes", 0, "from 1"),
        ("minNodes", "1", "a whole number"),
        ("minNodes", True, "a whole number"),
        ("protect", 1, "true or false"),
        ("gitlabUrl", "gitlab.example.com", "a URL"),
        ("namespace", "Runner", "lower-case"),
        ("jobNamespace", "gitlab-runner", "namespace of their own"),
        ("gcpProject", "acme-ci", "make it unused"),
        ("tokenSecret", "mine", "make it unused"),
    ],
)
def test_an_answer_that_won_t_do_is_refused_at_its_flag(key: str, value: Value, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        interview(LOOK, {**GIVEN, key: value}, proposals=True)
    assert [problem.path for problem in caught.value.problems] == [flag_of(key)]
    assert told in str(caught.value)


def test_every_wrong_answer_is_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        interview(LOOK, {**GIVEN, "stack": "a b", "concurrent": 0}, proposals=True)
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("gitlaburl: x\n", "Did you mean gitlabUrl"),
        ("concurrent: [1]\n", "concurrent"),
        ("- a\n", "not a mapping"),
        ("a: [\n", "not valid YAML"),
        ("minNodes: 1.5\n", "minNodes"),
        ("stack: null\n", "stack"),
    ],
)
def test_an_answers_file_is_read_strictly(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "answers.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=told):
        read_answers(path)


def test_a_missing_answers_file_is_one_clear_message(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        read_answers(tmp_path / "answers.yaml")


def test_no_question_asks_for_a_secret() -> None:
    assert all("password" not in question.text.lower() for question in QUESTIONS)
    with pytest.raises(ConfigError) as caught:
        interview(LOOK, {**GIVEN, "tokenSource": "stack", "tokenSecret": "glrt-x"}, proposals=True)
    assert "glrt-x" not in str(caught.value)


def test_an_empty_arm64_pool_on_aks_is_refused_at_the_answer() -> None:
    look = seen(Server(nodes=aks_nodes()))
    with pytest.raises(ConfigError, match="from zero"):
        interview(look, {**GIVEN, "minNodes": 0}, proposals=True)
    assert interview(look, {**GIVEN, "minNodes": 0, "architectures": "amd64"}, proposals=True).min_nodes == 0


def test_gke_asks_for_the_location_that_nobody_told() -> None:
    look = seen(Server(nodes=gke_nodes(), version="1.34.2-gke.1"))
    with pytest.raises(MissingAnswersError) as caught:
        interview(look, GIVEN, proposals=True)
    assert "--location" in caught.value.format_message()
    assert "--gcp-project" not in caught.value.format_message()
