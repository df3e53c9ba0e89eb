"""The checks that the Pulumi CLI answers, for one stack: cloud against state, and cloud against code."""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from multiarch.core.printable import one_line
from multiarch.core.secrets import hide_tokens
from multiarch.drift.cloud.commands import READ_ONLY, command, command_words, dropped
from multiarch.drift.cloud.diagnostics import cut
from multiarch.drift.cloud.judge import Judgement, judge
from multiarch.drift.cloud.processes import Children
from multiarch.drift.live.request import StateResource
from multiarch.drift.model import ANSWERS, Check, CheckResult

NO_PULUMI = "there is no `pulumi` to ask"
NOT_ASKED = (
    f"the state comes with the checks {Check.STATE} and {Check.CODE}, and none of them was asked for: "
    f"add `--only {Check.STATE}`"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudRequest:
    """One stack to ask the CLI about."""

    project: Path
    """The folder of Pulumi.yaml."""
    stack: str
    checks: frozenset[Check]
    """Which of STATE and CODE are wanted; others are passed over."""
    pulumi: Path | None
    """The CLI; None where there is none that can be used."""
    why_not: str = ""
    """Why there is none, and how to get one."""
    limit: float
    """Seconds from a command's start after which it is ended. Waiting for a free process isn't counted."""
    want_state: bool = False
    """Ask for the state even where neither check is wanted: it costs the command of STATE."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudAnswer:
    """What the CLI says of one stack."""

    results: tuple[CheckResult, ...]
    """One for each wanted check, in the order of `Check`."""
    state: tuple[StateResource, ...] | None
    """What Pulumi remembers; secrets are `[secret]`, as the CLI shows them."""
    state_failure: str = ""
    commands: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    """What the longest of its commands took, from its start: the stack's own time, without the waiting."""


def check_cloud(request: CloudRequest, children: Children, progress: Callable[[str], None]) -> CloudAnswer:
    """Run the wanted commands, side by side as far as `children` has room, and judge each answer.

    `progress` is called from the calling thread only. It never raises for what the CLI does.
    """
    wanted = [check for check in READ_ONLY if check in request.checks]
    asked = wanted or ([Check.STATE] if request.want_state else [])
    if not asked:
        return CloudAnswer(results=(), state=None, state_failure=NOT_ASKED)
    if request.pulumi is None:
        why = request.why_not or NO_PULUMI
        results = tuple(CheckResult(check=check, failure=why) for check in wanted)
        return CloudAnswer(results=results, state=None, state_failure=why)
    judged = _ask(request, request.pulumi, asked, children, progress)
    state, state_failure = _state(judged)
    return CloudAnswer(
        results=tuple(judged[check].result for check in wanted),
        state=state,
        state_failure=state_failure,
        commands=tuple(command_words(command(str(request.pulumi), check, request.stack)) for check in asked),
        notes=_notes(judged),
        seconds=max(one.result.seconds for one in judged.values()),
    )


def _ask(
    request: CloudRequest, pulumi: Path, asked: list[Check], children: Children, progress: Callable[[str], None]
) -> Mapping[Check, Judgement]:
    def one(check: Check) -> Judgement:
        arguments = command(str(pulumi), check, request.stack)
        result = children.run(arguments, cwd=request.project, limit=request.limit)
        try:
            return judge(check, request.stack, result)
        except Exception as error:  # noqa: BLE001 - an answer that we stumble over is a doubt, and other stacks go on
            failure = f"the answer could not be judged: {type(error).__name__}: {one_line(hide_tokens(str(error)))}"
            return Judgement(result=CheckResult(check=check, failure=cut(failure), seconds=result.seconds))

    progress(f"pulumi: {', '.join(asked)}")
    judged: dict[Check, Judgement] = {}
    with ThreadPoolExecutor(max_workers=len(asked), thread_name_prefix=f"pulumi-{request.stack}") as pool:
        running = {pool.submit(one, check): check for check in asked}
        try:
            for done in as_completed(running):
                check = running[done]
                judged[check] = done.result()
                progress(f"{check}: {ANSWERS[judged[check].result.verdict]}")
        except (KeyboardInterrupt, SystemExit):
            # Leaving the pool waits for its threads: the commands that they wait for end first.
            children.end_all()
            raise
    return {check: judged[check] for check in asked}


def _state(judged: Mapping[Check, Judgement]) -> tuple[tuple[StateResource, ...] | None, str]:
    for one in judged.values():
        if one.state is not None:
            return one.state, ""
    why = next((one.result.failure for one in judged.values() if one.result.failure), "")
    return None, why or "the answers list resources without their state"


def _notes(judged: Mapping[Check, Judgement]) -> tuple[str, ...]:
    notes = [note for one in judged.values() for note in one.notes]
    names = dropped(os.environ)
    if names:
        notes.append(f"{', '.join(names)} was not passed on to pulumi: it changes what the commands tell")
    return tuple(dict.fromkeys(notes))
