"""Who writes bytes goes through the same redaction as who writes text: prompts do, and click on an odd encoding."""

import io

import pytest

from multiarch.core.secrets import remember
from multiarch.core.streams import RedactedStream

SECRET = "correct-hörse-battery"


class Kept(io.BytesIO):
    """What outlives the stream around it."""

    def close(self) -> None:
        """Stay open: a stream that nobody holds any more closes what is below it."""


def stream(encoding: str) -> tuple[io.BytesIO, RedactedStream]:
    """Return what is written in the end, and the redacting stream before it."""
    below = Kept()
    return below, RedactedStream(io.TextIOWrapper(below, encoding=encoding), prose=False)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_bytes_are_redacted_wherever_they_are_cut(encoding: str) -> None:
    remember([SECRET])
    written = f"so: {SECRET} ende\n".encode("utf-8" if encoding == "ascii" else encoding)
    for cut in range(len(written)):
        below, redacted = stream(encoding)
        redacted.buffer.write(written[:cut])
        redacted.buffer.write(written[cut:])
        redacted.flush()
        assert below.getvalue() == b"so: [secret] ende\n"


def test_a_prompt_without_a_line_end_is_shown_when_it_is_flushed() -> None:
    below, redacted = stream("utf-8")
    redacted.buffer.write(b"Name of the stack: ")
    redacted.buffer.flush()
    assert below.getvalue() == b"Name of the stack: "


def test_text_and_bytes_keep_their_order() -> None:
    below, redacted = stream("utf-8")
    redacted.write("one ")
    redacted.buffer.write(b"two ")
    redacted.write("three\n")
    redacted.flush()
    assert below.getvalue() == b"one two three\n"


def test_a_stream_that_was_given_back_is_flushed_without_an_error() -> None:
    _, redacted = stream("utf-8")
    through = redacted.buffer
    redacted.detach()
    through.flush()
