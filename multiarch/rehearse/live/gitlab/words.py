"""What a job's log and the runner say, for people: without colours and section marks, and never with a secret."""

import re
from typing import Final

from multiarch.core.secrets import hide
from multiarch.rehearse.live.gitlab.pipeline import Entry, State

_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_SECTION: Final = re.compile(r"section_(?:start|end):[0-9]+:[^\r\n]*\r")
_STAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z ([0-9a-f]{2}[OE])([ +])")
"""FF_TIMESTAMPS, on by default since 18.0, writes before each line its time, its stream, and `+` where it goes on with
that stream's last line (common/buildlogger/internal/timestamper)."""
_FAILED: Final = re.compile(r"ERROR: Job failed(?: \(system failure\))?: (.+)")
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
    told = _FAILED.findall(plain_log(bytes(entry.log)))
    words = entry.reason.replace("_", " ") or "the runner does not say why"
    return hide(f"{words}: {told[-1].strip()}" if told else words)[:_LONGEST]
