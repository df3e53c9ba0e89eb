"""Every question, in the order in which they are asked. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final

from components.clouds.machines import Arch
from multiarch.cluster.look.model import Look
from multiarch.onboard.answers import rules
from multiarch.onboard.answers.model import Value
from multiarch.onboard.answers.rules import Proposal, Said
from multiarch.onboard.answers.texts import Wording, wordings


def _always(look: Look, said: Said) -> bool:
    del look, said
    return True


def _nothing(look: Look, said: Said) -> Proposal | None:
    del look, said
    return None


def _fine(value: Value, look: Look, said: Said) -> str:
    del value, look, said
    return ""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """When a question is asked, and which answers will do."""

    applies: Callable[[Look, Said], bool] = _always
    propose: Callable[[Look, Said], Proposal | None] = _nothing
    check: Callable[[Value, Look, Said], str] = _fine
    """Returns what is wrong with an answer, and an empty text for a good one."""


@dataclass(frozen=True, kw_only=True)
class Question(Rules, Wording):
    """One question, whole."""


_RULES: Final[Mapping[str, Rules]] = {
    "stack": Rules(
        propose=rules.stack_name,
        check=rules.check_stack,
    ),
    "clusterType": Rules(
        propose=lambda look, _: Proposal(value=look.provider, because=look.provider_because),
    ),
    "pools": Rules(
        propose=rules.pools,
        check=rules.check_pools,
    ),
    "clusterName": Rules(
        propose=rules.place_from_cluster("name"),
        check=rules.filled,
    ),
    "access": Rules(
        applies=rules.creating,
        propose=lambda _look, _said: Proposal(value="cloud"),
    ),
    "architectures": Rules(
        propose=rules.architectures,
        check=rules.check_architectures,
    ),
    "amd64Machine": Rules(
        applies=rules.wants(Arch.AMD64),
        propose=rules.amd64,
        check=rules.check_machine(Arch.AMD64),
    ),
    "arm64Machine": Rules(
        applies=rules.wants(Arch.ARM64),
        propose=rules.arm64,
        check=rules.check_machine(Arch.ARM64),
    ),
    "minNodes": Rules(
        applies=rules.creating,
        propose=lambda _look, _said: Proposal(value=1),
        check=rules.check_fewest,
    ),
    "maxNodes": Rules(
        applies=rules.creating,
        propose=lambda _look, _said: Proposal(value=20),
        check=rules.number(1, rules.MOST_NODES),
    ),
    "protect": Rules(
        applies=rules.creating,
        propose=lambda _look, _said: Proposal(value=False),
    ),
    "gitlabUrl": Rules(
        propose=lambda _look, _said: Proposal(value="https://gitlab.com"),
        check=rules.check_url,
    ),
    "tokenSource": Rules(
        propose=lambda _look, _said: Proposal(value="stack"),
    ),
    "tokenSecret": Rules(
        applies=lambda _, said: said["tokenSource"] == "secret",
        propose=lambda _look, _said: Proposal(value="gitlab-runner-token"),
        check=rules.filled,
    ),
    "namespace": Rules(
        propose=rules.free("gitlab-runner"),
        check=rules.check_namespace,
    ),
    "jobNamespace": Rules(
        propose=rules.free("gitlab-runner-jobs"),
        check=rules.check_namespace,
    ),
    "concurrent": Rules(
        propose=rules.concurrent,
        check=rules.number(1, rules.MOST_JOBS),
    ),
}
"""By key. What is not here is asked of everybody, and any of its choices will do."""


def _of_place(wording: Wording) -> Rules:
    return Rules(
        applies=rules.creating_in(wording.cloud),
        propose=rules.place_from_cluster(wording.place),
        check=rules.check_place(wording.cloud, wording.place),
    )


def _question(wording: Wording) -> Question:
    rules_of = _of_place(wording) if wording.cloud else _RULES.get(wording.key, Rules())
    said = {one.name: getattr(wording, one.name) for one in fields(Wording)}
    return Question(**said, **{one.name: getattr(rules_of, one.name) for one in fields(Rules)})


QUESTIONS: Final[Sequence[Question]] = tuple(map(_question, wordings()))
KEYS: Final = tuple(dict.fromkeys(question.key for question in QUESTIONS))
