"""What a job reaches is told by what its log says, and nothing is guessed where it says nothing."""

import shutil
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from multiarch.core.verdict import Answer, Verdict, no, unknown, yes
from multiarch.rehearse.live.reach import (
    CANARY,
    NO_ANSWER,
    OPEN,
    REACHED,
    REFUSED,
    Target,
    enforced,
    parsed,
    reach_of,
    script,
    usual_targets,
)  # fmt: skip

LOG = """$ sh -c ...
2026-11-30T11:45:01.123456Z 00O multiarch-reach [api] no answer
multiarch-reach [api-host] refused
\x1b[0;mmultiarch-reach [canary] reached
multiarch-reach [half
multiarch-reach [odd] perhaps
Job succeeded
"""
FORBIDDEN, REACHES = yes("of default-deny none allows it"), yes("10.231.1.7:18099: reached")


def target(key: str, port: int | None = 80, host: str = "10.0.0.1") -> Target:
    return Target(key=key, what=f"the {key}", host=host, port=port)


def test_a_log_is_read_whatever_a_runner_puts_before_its_lines() -> None:
    assert parsed(LOG) == {"api": NO_ANSWER, "api-host": REFUSED, "canary": REACHED}


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ({CANARY: REACHED}, Verdict.NO),
        ({CANARY: REACHED, OPEN: NO_ANSWER}, Verdict.NO),
        ({CANARY: NO_ANSWER, OPEN: REACHED}, Verdict.YES),
        ({CANARY: REFUSED, OPEN: REACHED}, Verdict.YES),
        ({CANARY: NO_ANSWER, "kubelet": REFUSED}, Verdict.YES),
        ({CANARY: NO_ANSWER, OPEN: NO_ANSWER, "kubelet": REACHED}, Verdict.UNKNOWN),
        ({CANARY: NO_ANSWER, "kubelet": NO_ANSWER}, Verdict.UNKNOWN),
        ({"kubelet": REACHED}, Verdict.UNKNOWN),
        ({}, Verdict.UNKNOWN),
    ],
)
def test_policies_are_enforced_only_where_the_canary_alone_was_out_of_reach(
    said: Mapping[str, str], verdict: Verdict
) -> None:
    answer = enforced(FORBIDDEN, REACHES, said)
    assert answer.verdict is verdict
    assert answer.because


@pytest.mark.parametrize("said", [REACHED, REFUSED, NO_ANSWER])
@pytest.mark.parametrize(
    ("forbids", "control"),
    [(no("allow-all allows it"), REACHES), (unknown("web"), REACHES), (FORBIDDEN, no("x")), (FORBIDDEN, unknown("x"))],
)
def test_without_a_policy_that_forbids_it_or_a_control_that_reaches_it_nobody_can_tell(
    said: str, forbids: Answer, control: Answer
) -> None:
    answer = enforced(forbids, control, {CANARY: said, OPEN: REACHED})
    assert answer.verdict is Verdict.UNKNOWN
    assert (forbids if forbids.verdict is not Verdict.YES else control).because in answer.because


def test_what_the_job_said_nothing_of_was_not_tried() -> None:
    told = reach_of([target("api"), target("name", None, "a.example")], {"name": NO_ANSWER}, no("seen"))
    assert [(one.what, one.address, one.answer) for one in told.tries] == [("the name", "a.example", NO_ANSWER)]
    assert (told.policies_enforced, told.because) == (Verdict.NO, "seen")


def test_what_is_not_there_is_no_target_and_every_key_is_one_that_a_log_can_say() -> None:
    known = {"server": "https://127.0.0.1:6443", "gateway": "10.231.0.1", "kubelet": "10.231.0.10:10250"}
    few = usual_targets(**known)
    all_of_them = usual_targets(
        **known, registry="10.231.0.1:5000", way_out="http://10.231.0.1:3128", internet="192.0.2.1"
    )
    assert {one.key for one in all_of_them} - {one.key for one in few} == {"registry", "way-out", "internet"}
    assert {one.key: one.address for one in all_of_them}["api-host"] == "10.231.0.1:6443"
    log = "\n".join(f"multiarch-reach [{one.key}] reached" for one in [*all_of_them, target(CANARY), target(OPEN)])
    assert len(parsed(log)) == len(all_of_them) + 2


def test_a_host_is_never_a_command() -> None:
    text = script([target("api", 80, "$(touch /tmp/x); true")])
    assert "'$(touch /tmp/x); true'" in text


@pytest.mark.skipif(shutil.which("busybox") is None, reason="busybox is not installed")
@pytest.mark.parametrize("flags", ["", "-e", "-eu"])
def test_busybox_says_of_each_target_whether_it_was_reached(flags: str, tmp_path: Path) -> None:
    """The script in the shell of a job, which a runner starts with `set -eo pipefail`."""
    with socket.create_server(("127.0.0.1", 0)) as listens, socket.create_server(("127.0.0.1", 0)) as ended:
        port, closed = listens.getsockname()[1], ended.getsockname()[1]
        ended.close()
        text = script([target("open", port, "127.0.0.1"), target("closed", closed, "127.0.0.1")])
        for applet in ("sh", "nc", "timeout", "nslookup", "grep", "true"):
            (tmp_path / applet).symlink_to(shutil.which("busybox") or "")
        command = [str(tmp_path / "sh"), *([flags] if flags else []), "-c", text + "echo ended"]
        done = subprocess.run(
            command, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False, timeout=30
        )
    assert parsed(done.stdout) == {"open": REACHED, "closed": REFUSED}, done
    assert done.stdout.endswith("ended\n")
