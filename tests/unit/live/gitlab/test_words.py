"""Logs and reasons, for people and without secrets."""

import pytest

from multiarch.core.secrets import HIDDEN, remember
from multiarch.rehearse.live.gitlab.pipeline import Entry, Pipeline, State
from multiarch.rehearse.live.gitlab.runner import doing
from multiarch.rehearse.live.gitlab.words import end_of, last_line, plain_log, why_failed
from multiarch.rehearse.live.job import End
from tests.unit.live.gitlab.conftest import RUNNER, ci_job

SYSTEM = b"\x1b[31;1mERROR: Job failed (system failure): prepare environment: image pull failed: no such host\x1b[0;m\n"


def entry(state: State, reason: str = "", exit_code: int = 0, log: bytes = b"") -> Entry:
    made = Pipeline([ci_job("a")], [RUNNER]).entries[0]
    made.state, made.reason, made.exit_code = state, reason, exit_code
    made.log += log
    return made


def test_a_log_is_without_colours_sections_and_stamps_and_lines_that_were_cut_are_whole() -> None:
    log = (
        b"2026-11-30T11:00:00.000001Z 00O \x1b[0Ksection_start:1764500000:step_script\r\x1b[0K"
        b"\x1b[36;1mExecuting\x1b[0;m\n"
        b"2026-11-30T11:00:00.000002Z 01O Uid:\t1000 1000\n"
        b"2026-11-30T11:00:00.000003Z 01O no line\n"
        b"2026-11-30T11:00:00.000003Z 01E warning\n"
        b"2026-11-30T11:00:00.000004Z 01O+ end\r\n"
        b"plain\n"
    )
    assert plain_log(log) == "Executing\nUid:\t1000 1000\nno line end\nwarning\nplain\n"
    assert last_line(log) == "plain"


def test_no_secret_is_in_a_log_nor_in_what_is_told_of_a_job() -> None:
    remember(["glcbt-of-this-job-9", "a token with blanks"])
    log = b"CI_JOB_TOKEN=glcbt-of-this-job-9\nand a token with blanks\nERROR: Job failed: a token with blanks\n"
    failed = entry(State.FAILED, "runner_system_failure", log=log)
    running = entry(State.RUNNING, log=log)
    for text in (plain_log(log), last_line(log), why_failed(failed), doing(running)):
        assert "glcbt-of-this-job-9" not in text
        assert "token with blanks" not in text
    assert HIDDEN in plain_log(log)


def test_no_half_secret_is_told_where_the_last_line_is_too_long_to_be_read_whole() -> None:
    remember(["correct horse battery staple"])
    for blanks in range(16350, 16390):
        assert "staple" not in last_line(b"correct horse battery staple" + b" " * blanks)
        assert last_line(b"correct horse battery staple" + b" " * blanks + b"\nnext") == "next"


def test_a_failure_is_told_by_the_most_that_is_known_of_it() -> None:
    assert why_failed(entry(State.SUCCEEDED)) == ""
    assert why_failed(entry(State.FAILED, "script_failure", 3)) == "exit code 3"
    assert why_failed(entry(State.FAILED, "job_execution_timeout")) == "not ended within 300 s"
    assert why_failed(entry(State.FAILED, "runner_system_failure", log=SYSTEM)) == (
        "runner system failure: prepare environment: image pull failed: no such host"
    )
    assert why_failed(entry(State.FAILED)) == "the runner does not say why"
    assert why_failed(entry(State.SKIPPED, "not started: build-amd64 failed")) == "not started: build-amd64 failed"


REFUSED = b'ERROR: Job failed (system failure): setting up build pod: pods "r" is forbidden: violates PodSecurity "x"\n'
IN_SCRIPT = b"\x1b[0Ksection_start:1764500000:step_script\r\x1b[0Khello\n"
IN_SOURCES = b"\x1b[0Ksection_start:1764500000:get_sources\r\x1b[0Kfatal: not there\n"
IN_ARTIFACTS = IN_SCRIPT + b"section_start:1764500009:upload_artifacts_on_success\r\x1b[0KFATAL: no answer\n"


@pytest.mark.parametrize(
    ("one", "end"),
    [
        (entry(State.SUCCEEDED), End.SUCCEEDED),
        (entry(State.FAILED, "script_failure", 3, IN_SCRIPT), End.STACK),
        (entry(State.FAILED, "script_failure", 1, IN_SOURCES), End.SURROUNDINGS),
        (entry(State.FAILED, "script_failure", 1, IN_ARTIFACTS), End.SURROUNDINGS),
        (entry(State.FAILED, "job_execution_timeout"), End.STACK),
        (entry(State.FAILED, "runner_configuration_error"), End.STACK),
        (entry(State.FAILED, "runner_system_failure", log=REFUSED), End.STACK),
        (entry(State.FAILED, "runner_system_failure", log=SYSTEM), End.SURROUNDINGS),
        (entry(State.FAILED, "image_pull_failure"), End.SURROUNDINGS),
        (entry(State.FAILED, "stuck_or_timeout_failure"), End.SURROUNDINGS),
        (entry(State.FAILED, "api_failure"), End.SURROUNDINGS),
        (entry(State.FAILED), End.SURROUNDINGS),
        (entry(State.CANCELED, "stopped"), End.SURROUNDINGS),
        (entry(State.RUNNING), End.SURROUNDINGS),
        (entry(State.SKIPPED, "not started: a failed"), End.NOT_STARTED),
        (Pipeline([ci_job("a")], []).entries[0], End.STACK),
    ],
)
def test_the_runners_reason_tells_what_is_of_the_stack_and_what_is_not(one: Entry, end: End) -> None:
    assert end_of(one) is end


def test_progress_says_what_a_job_is_at() -> None:
    assert doing(entry(State.PENDING)) == ""
    assert doing(entry(State.RUNNING)) == "taken by gitlab-runner"
    assert doing(entry(State.RUNNING, log=b"one\ntwo\n")) == "two"
    assert doing(entry(State.FAILED, "script_failure", 1)) == "exit code 1"
    assert doing(entry(State.SUCCEEDED)).startswith("succeeded in ")
