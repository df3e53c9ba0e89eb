"""What a job's log and the runner say, for people: without colours and section marks, and never with a secret."""

import re
from typing import Final

from multiarch.core.secrets import hide
from multiarch.rehearse.live.gitlab.pipeline import Entry, State
from multiarch.rehearse.live.job import End

_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_SECTION: Final = re.compile(r"section_(?:start|end):[0-9]+:[^\r\n]*\r")
_STAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z ([0-9a-f]{2}[OE])([ +])")
"""FF_TIMESTAMPS, on by default since 18.0, writes before each line its time, its stream, and `+` where it goes on with
that stream's last line (common/buildlogger/internal/timestamper)."""
_FAILED: Final = re.compile(r"ERROR: Job failed(?: \(system failure\))?: (.+)")
_OF_THE_STACK: Final = frozenset({"job_execution_timeout", "runner_configuration_error"})
"""The runner's reasons (common/network.go) that are the job's and its config's own, beside its script's failure."""
_FORBIDDEN: Final = " is forbidden: "
"""The API server's own words, of RBAC or admission, within a failure that the runner calls its system's."""
_SCRIPT, _AFTER = b":step_script\r", b":upload_artifacts_on_success\r"
"""Sections of a log: the runner calls it a script's failure, too, when a script of its own fails in the helper."""
_LONGEST: Final = 300
_TAIL: Final = 1 << 14
"""Bytes of a log in which its last line is looked for, several times a second."""


def plain_log(log: bytes) -> str:
    """Return a log as its job's programs wrote it, redacted."""
    text = "\n".join(_unstamped(log.decode("utf-8", "replace").split("\n")))
    text = _SECTION.sub("", _COLOUR.sub("", text))
    return hide(text.replace("\r\n", "\n").replace("\r", "\n"))


def _unstamped(lines: list[str]) -> list[str]:
    """Take the stamps off, and put together what was one line."""
    whole: list[str] = []
    last: dict[str, int] = {}
    for line in lines:
        stamp = _STAMP.match(line)
        text = line[stamp.end() :] if stamp else line
        stream, goes_on = stamp.groups() if stamp else ("", "")
        if goes_on == "+" and stream in last:
            whole[last[stream]] += text
            continue
        last[stream] = len(whole)
        whole.append(text)
    return whole


def last_line(log: bytes) -> str:
    """Return the last thing that a job said, of whole lines alone: half a secret would not be found."""
    tail = log[-_TAIL:]
    if len(log) > _TAIL:
        tail = tail.partition(b"\n")[2]
    lines = [line.strip() for line in plain_log(tail).splitlines() if line.strip()]
    return lines[-1][:_LONGEST] if lines else ""


def why_failed(entry: Entry) -> str:
    """Say why a job did not succeed; empty where it did."""
    if entry.state is State.SUCCEEDED:
        return ""
    if entry.state in {State.SKIPPED, State.CANCELED}:
        return hide(entry.reason)
    if not entry.state.over:
        return "it has not ended"
    if entry.reason == "job_execution_timeout":
        return f"not ended within {entry.job.timeout} s"
    if entry.exit_code:
        return f"exit code {entry.exit_code}"
    told = _told(entry)
    words = entry.reason.replace("_", " ") or "the runner does not say why"
    return hide(f"{words}: {told}" if told else words)[:_LONGEST]


def end_of(entry: Entry) -> End:
    """Return what a job's end says something of, by the reason that the runner gives."""
    match entry.state:
        case State.SUCCEEDED:
            return End.SUCCEEDED
        case State.SKIPPED:
            return End.STACK if entry.nobodys else End.NOT_STARTED
        case State.FAILED if entry.reason == "script_failure":
            return End.STACK if _SCRIPT in entry.log and _AFTER not in entry.log else End.SURROUNDINGS
        case State.FAILED if entry.reason in _OF_THE_STACK or _FORBIDDEN in _told(entry):
            return End.STACK
        case _:
            return End.SURROUNDINGS


def _told(entry: Entry) -> str:
    """Return the runner's own last sentence about a failure."""
    told: list[str] = _FAILED.findall(plain_log(bytes(entry.log)))
    return told[-1].strip() if told else ""
