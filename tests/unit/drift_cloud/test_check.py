"""One stack under the CLI: both answers, each its own, and what is passed on to the living side."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from multiarch.core.verdict import Verdict
from multiarch.drift.cloud.check import CloudAnswer, CloudRequest, check_cloud
from multiarch.drift.cloud.commands import command
from multiarch.drift.cloud.processes import Children
from multiarch.drift.model import Change, Check
from tests.recorded.answers import recorded
from tests.recorded.stub_pulumi import StubPulumi
from tests.unit.drift_cloud.conftest import BOTH, Ask

CLEAN = {"refresh": recorded("refresh-preview-clean"), "preview": recorded("preview-refresh-clean")}


def verdicts(answer: CloudAnswer) -> list[tuple[Check, Verdict]]:
    return [(result.check, result.verdict) for result in answer.results]


def test_both_answers_are_shown(stub: StubPulumi, ask: Ask) -> None:
    stub.answers(CLEAN | {"preview": recorded("preview-refresh-drift")})
    answer = ask()
    assert verdicts(answer) == [(Check.STATE, Verdict.YES), (Check.CODE, Verdict.NO)]
    assert all(result.seconds > 0 for result in answer.results)
    assert answer.commands == (
        "pulumi refresh --preview-only --expect-no-changes --json --non-interactive --stack gke",
        "pulumi preview --refresh --expect-no-changes --json --non-interactive --stack gke",
    )


def test_one_answer_that_fails_leaves_the_other_whole(stub: StubPulumi, ask: Ask) -> None:
    stub.answers(CLEAN | {"refresh": {"exit": 1, "stderr": "error: no such disk"}})
    answer = ask()
    assert verdicts(answer) == [(Check.STATE, Verdict.UNKNOWN), (Check.CODE, Verdict.YES)]
    assert len(answer.state or ()) == 6
    assert answer.state_failure == ""


@pytest.mark.parametrize("check", [Check.STATE, Check.CODE])
def test_only_the_wanted_check_is_run(stub: StubPulumi, ask: Ask, check: Check) -> None:
    stub.answers(CLEAN)
    answer = ask(frozenset({check, Check.NODES}))
    assert verdicts(answer) == [(check, Verdict.YES)]
    assert len(stub.events()) == 1
    assert len(answer.state or ()) == 6


def test_what_nobody_wants_is_not_run(stub: StubPulumi, ask: Ask) -> None:
    answer = ask(frozenset({Check.NODES}))
    assert (answer.results, answer.state, stub.events()) == ((), None, [])
    assert "--only cloud-against-state" in answer.state_failure


def test_the_state_alone_can_be_asked_for(stub: StubPulumi, ask: Ask) -> None:
    stub.answers(CLEAN | {"refresh": recorded("refresh-deleted")})
    answer = ask(frozenset({Check.NODES}), want_state=True)
    assert answer.results == ()
    assert len(answer.state or ()) == 6
    assert len(stub.events()) == 1


def test_without_a_pulumi_nothing_is_told_and_the_way_to_one_is(tmp_path: Path) -> None:
    request = CloudRequest(
        project=tmp_path, stack="gke", checks=BOTH, pulumi=None, why_not="There is none. Install it.", limit=1e6
    )
    answer = check_cloud(request, Children(), lambda _: None)
    assert [result.failure for result in answer.results] == ["There is none. Install it."] * 2
    assert (answer.state, answer.state_failure, answer.commands) == (None, "There is none. Install it.", ())


def test_a_hanging_command_is_told_with_its_limit_and_the_other_answer_stays(stub: StubPulumi, ask: Ask) -> None:
    stub.answers(CLEAN | {"preview": {"seconds": 60}})
    answer = ask(limit=3)
    assert verdicts(answer) == [(Check.STATE, Verdict.YES), (Check.CODE, Verdict.UNKNOWN)]
    assert answer.results[1].failure == "it did not end within 3 s"


def test_the_time_that_the_commands_took_is_theirs_alone_however_long_they_waited(
    stub: StubPulumi, ask: Ask, tmp_path: Path
) -> None:
    """With room for one process: the second waits for the first, and a third for somebody else's."""
    stub.answers(CLEAN | {"refresh other": {"seconds": 3}})
    children = Children(1)
    other = command(str(stub.program), Check.STATE, "other")
    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(children.run, other, cwd=tmp_path, limit=20)
        while not stub.events():
            time.sleep(0.01)
        answer = ask(children=children)
    assert hanging.result().seconds > 3
    assert answer.seconds == max(result.seconds for result in answer.results)
    asked, told = stub.events()[0]["at"], stub.events("end")[-1]["at"]
    assert answer.seconds < told - asked


def test_an_answer_too_large_to_read_is_told_as_that(stub: StubPulumi, ask: Ask) -> None:
    stub.answers(CLEAN | {"refresh": {"megabytes": 50}, "preview": {"megabytes": 50, "exit": 7}})
    answer = ask()
    assert verdicts(answer) == [(Check.STATE, Verdict.UNKNOWN), (Check.CODE, Verdict.NO)]
    assert "larger than can be read (50 MB)" in answer.results[0].failure
    assert answer.results[1].findings[0].change is Change.CHANGED


def test_an_answer_nested_beyond_reason_is_a_doubt_of_its_check_alone(stub: StubPulumi, ask: Ask) -> None:
    deep = "[" * 900 + "]" * 900
    sides = [f'{{"type": "t", "inputs": {{"a": {value}}}}}' for value in (deep, deep.replace("[]", "[1]"))]
    answer = f'{{"steps": [{{"op": "update", "urn": "u", "oldState": {sides[0]}, "newState": {sides[1]}}}]}}'
    stub.answers(CLEAN | {"refresh": {"exit": 7, "stdout": answer}})
    assert verdicts(ask())[1] == (Check.CODE, Verdict.YES)
    assert verdicts(ask())[0][1] is not Verdict.YES


def test_the_reason_of_a_state_that_could_not_be_had_is_the_commands(stub: StubPulumi, ask: Ask) -> None:
    stub.answers(dict.fromkeys(CLEAN, recorded("err-passphrase")))
    answer = ask()
    assert answer.state is None
    assert "incorrect passphrase" in answer.state_failure


def test_progress_comes_from_the_calling_thread_and_says_what_was_found(stub: StubPulumi, tmp_path: Path) -> None:
    stub.answers(CLEAN)
    seen: list[tuple[str, bool]] = []
    request = CloudRequest(project=tmp_path, stack="gke", checks=BOTH, pulumi=stub.program, limit=1e6)
    check_cloud(
        request, Children(), lambda text: seen.append((text, threading.current_thread() is threading.main_thread()))
    )
    assert {text for text, _ in seen} >= {"cloud-against-state: clean", "cloud-against-code: clean"}
    assert all(here for _, here in seen)


def test_an_interrupt_ends_the_commands_before_it_goes_on(stub: StubPulumi, tmp_path: Path) -> None:
    stub.answers({"refresh": recorded("refresh-preview-clean"), "preview": {"seconds": 60}})

    def interrupt(text: str) -> None:
        if "clean" in text:
            raise KeyboardInterrupt

    request = CloudRequest(project=tmp_path, stack="gke", checks=BOTH, pulumi=stub.program, limit=1e6)
    with pytest.raises(KeyboardInterrupt):
        check_cloud(request, Children(), interrupt)
    ended = {event["pid"] for event in stub.events("end")}
    begun = {event["pid"] for event in stub.events()}
    assert len(ended) == 1
    assert begun - ended <= {event["pid"] for event in stub.events("interrupted")}
