"""What is kept of a log: what a person would read, nothing that acts, no secret, and never more than is said."""

import re
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multiarch.core.secrets import forget, remember
from multiarch.rehearse.report.logs import LONGEST_LINE, LONGEST_LOG, kept_log
from tests.unit.report.sample import hostile_logs

TOKEN = "glrt-" + "A1b2C3d4E5f6G7h8J9k0"


@settings(max_examples=200, deadline=None)
@given(hostile_logs)
def test_whatever_a_container_says_nothing_of_it_moves_a_cursor_and_each_line_is_bounded(text: str) -> None:
    kept = kept_log(text)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", kept)
    assert all(len(line) <= LONGEST_LINE for line in kept.split("\n"))
    assert len(kept) <= LONGEST_LOG


@settings(max_examples=100, deadline=None)
@given(hostile_logs)
def test_a_log_that_was_kept_stays_as_it_is(text: str) -> None:
    assert kept_log(kept_log(text)) == kept_log(text)


@given(st.lists(st.text("abc <>&`~[]()/@#äö节", max_size=80).map(str.rstrip), min_size=1, max_size=30))
def test_plain_words_are_kept_as_they_are(lines: list[str]) -> None:
    text = "\n".join([*lines, "end"])
    assert kept_log(text) == text


def test_gitlabs_marks_and_colours_go_and_what_they_hold_stays() -> None:
    said = (
        'section_start:1700000000:step_script[collapsed=true]\r\x1b[0K\x1b[36;1mExecuting "step_script"\x1b[0;m\n'
        "\x1b]8;;https://example.com\x07a link\x1b]8;;\x07\r\n"
        "\x1b[32;1m$ make\x1b[0;m\nsection_end:1700000001:step_script\r\x1b[0Kdone\n"
    )
    assert kept_log(said) == 'Executing "step_script"\na link\n$ make\ndone'


def test_of_a_progress_bar_its_last_state_is_kept() -> None:
    assert kept_log("fetch\n 1 %\r 50 %\r100 %\r\nok") == "fetch\n100 %\nok"


def test_colours_within_a_secret_do_not_save_it() -> None:
    assert kept_log(f"login {TOKEN[:12]}\x1b[0m{TOKEN[12:]} ok") == "login [secret] ok"


@pytest.mark.parametrize("lead", range(LONGEST_LINE - 60, LONGEST_LINE + 10, 5))
def test_a_secret_at_the_cut_of_a_long_line_goes_whole(lead: int) -> None:
    kept = kept_log("." * lead + " " + TOKEN + " " + "." * 9_000)
    assert "glrt-" not in kept
    assert "A1b2" not in kept
    assert re.search(r"\[… of a line of 1[01],[0-9]{3} characters\]$", kept)


@pytest.mark.parametrize("lead", [*range(48_000, 50_100, 130), *range(60_000, 62_100, 130)])
def test_a_secret_at_the_cut_of_a_long_log_goes_whole(lead: int) -> None:
    body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n" * 25
    key = f"-----BEGIN PRIVATE KEY-----\n{body}-----END PRIVATE KEY-----\n"
    filler = "some words of a log, and no secret\n"
    end = (filler * 6_000)[: 150_000 - 62_000 + lead]
    assert "MIIEvQ" not in kept_log("\n".join([(filler * 3_000)[:lead], key, filler * 20_000, key, end]))


@pytest.fixture
def known() -> Iterator[str]:
    """A value that is secret by where it comes from: half of it has no shape."""
    value = "correcthorsebatterystaple"
    remember([value])
    yield value
    forget()


def test_a_value_that_is_known_to_be_secret_goes_from_a_log_too(known: str) -> None:
    assert kept_log(f"it is {known}") == "it is [secret]"


@pytest.mark.parametrize("lead", range(49_930, 50_010, 4))
def test_no_half_of_a_known_value_is_left_at_the_cuts_of_a_long_log(known: str, lead: int) -> None:
    lines = f"{'some words' * 10}\n" * 3_000
    end = LONGEST_LOG - lead
    kept = kept_log(f"{lines[:lead]}\n{known}\n{known}\n{lines}{known}\n{known}\n{lines[:end]}")
    assert not re.search(r"correct|staple|battery", kept)


@pytest.mark.parametrize("lead", range(43_990, 44_003))
def test_a_long_line_at_the_cut_of_a_long_log_is_cut_as_every_other(lead: int) -> None:
    kept = kept_log(
        ("x" * 99 + "\n") * 439 + "y" * (lead - 43_901) + "\n" + "z" * 9_000 + "\n" + "some words\n" * 30_000
    )
    assert max(map(len, kept.split("\n"))) <= LONGEST_LINE


@pytest.mark.parametrize("lead", range(0, 40, 4))
def test_no_half_of_a_known_value_is_left_at_the_cut_of_a_line_that_has_become_short(known: str, lead: int) -> None:
    key = "-----BEGIN PRIVATE KEY-----" + "A" * (LONGEST_LINE + 4_000 - 27 - 1 - 30 + lead)
    kept = kept_log(f"{key}!{known} {'and more ' * 100}")
    assert not re.search(r"correct|staple|battery", kept)


def test_a_long_log_is_kept_by_its_beginning_and_its_end_and_says_so() -> None:
    lines = [f"line {number} of a log that does not end" for number in range(100_000)]
    kept = kept_log("\n".join(lines)).split("\n")
    (said,) = [line for line in kept if line.startswith("[…")]
    place = kept.index(said)
    assert kept[:place] == lines[:place]
    assert kept[place + 1 :] == lines[-len(kept) + place + 1 :]
    assert place > 1_000
    assert len(kept) - place > 3_000
    assert "characters are left out here: a log of more than 200,000 is kept by its beginning and its end" in said
    left_out = int(re.sub(r"\D", "", said.partition(" characters")[0]))
    assert left_out + len("\n".join(kept[:place])) + len("\n".join(kept[place + 1 :])) == len("\n".join(lines))


@pytest.mark.parametrize(
    "piece", ["a", "\x1b[", "eyJ", "a\r", "section_start:1:", "--token ", 'password="', "x\n", "\x1b]"]
)
def test_megabytes_of_anything_take_seconds_and_not_hours(piece: str) -> None:
    begin = time.process_time()
    assert len(kept_log(piece * (3_000_000 // len(piece)))) <= LONGEST_LOG
    assert time.process_time() - begin < 30
