"""What a container says of itself is held to what its pod asked for, whichever of the two is looser."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiarch.rehearse.live import confined
from multiarch.rehearse.report.model import Confinement

STATUS = """Name:\tsh
Uid:\t1000\t1000\t1000\t1000
Gid:\t1001\t1001\t1001\t1001
CapInh:\t0000000000000000
CapPrm:\t0000000000000000
CapEff:\t0000000000000000
CapBnd:\t00000000000000c0
NoNewPrivs:\t0
Seccomp:\t0
"""
FOUND = Confinement(
    uid=1000, gid=1001, capabilities=("SETGID", "SETUID"), no_new_privileges=False, seccomp="none", token_mounted=False
)


def said(status: str = STATUS) -> str:
    return f"before\nmultiarch-confined: begin\n{status}Token: none\nmultiarch-confined: end\nbuilding\n"


def pod(own: dict[str, Any], whole: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    containers = [{"name": "helper", "securityContext": {"runAsUser": 9}}, {"name": "build", "securityContext": own}]
    return {"spec": {"containers": containers, "securityContext": whole or {}, **spec}}


def test_a_container_is_read_from_within_its_jobs_log_and_taken_off_it() -> None:
    assert confined.read(said()) == FOUND
    assert confined.read(said().replace("\n", "\r\n")) == FOUND
    assert confined.without(said()) == "before\nbuilding\n"


@pytest.mark.parametrize("lost", ["Uid", "Gid", "CapBnd", "NoNewPrivs", "Seccomp"])
def test_half_an_answer_is_none(lost: str) -> None:
    """A kernel without seccomp, a cut log: nothing is assumed of what was not said."""
    assert (
        confined.read(said("".join(line for line in STATUS.splitlines(keepends=True) if not line.startswith(lost))))
        is None
    )
    assert confined.read(said().partition("Token")[0]) is None
    assert confined.read("") is None


@given(st.text())
def test_no_log_breaks_the_reading(text: str) -> None:
    confined.read(text)
    confined.read(f"multiarch-confined: begin\n{text}\nmultiarch-confined: end\n")


def test_what_the_shell_is_told_to_say_is_what_is_read() -> None:
    """By this machine's own shell, which has a /proc, too."""
    import subprocess  # noqa: PLC0415 - this test alone runs something

    done = subprocess.run(["/bin/sh", "-c", confined.SCRIPT], capture_output=True, text=True, check=True)
    found = confined.read(done.stdout)
    assert found is not None
    assert found.token_mounted is False


def test_a_pods_wish_is_its_containers_own_before_the_pods() -> None:
    drop = {"drop": ["ALL"], "add": ["SETUID", "CAP_SETGID"]}
    asked = confined.wanted(
        pod(
            {"runAsUser": 1000, "capabilities": drop, "allowPrivilegeEscalation": False},
            {"runAsUser": 5, "runAsGroup": 1001, "seccompProfile": {"type": "RuntimeDefault"}},
            automountServiceAccountToken=False,
        ),
        "0",
    )
    assert asked == Confinement(
        uid=1000, gid=1001, capabilities=("SETGID", "SETUID"), no_new_privileges=True, seccomp="filter",
        token_mounted=False,
    )  # fmt: skip


@pytest.mark.parametrize(("user", "uid", "gid"), [("", 0, -1), ("1000", 1000, -1), ("1000:7", 1000, 7)])
def test_without_a_wish_it_is_the_images_user(user: str, uid: int, gid: int) -> None:
    asked = confined.wanted(pod({}), user)
    assert asked is not None
    assert (asked.uid, asked.gid) == (uid, gid)


def test_a_user_by_name_is_not_guessed_at() -> None:
    assert confined.wanted(pod({}), "nginx") is None
    assert confined.wanted(pod({"runAsUser": 3}), "nginx") is not None


def test_a_pod_that_says_nothing_asks_for_what_containerd_gives_by_itself() -> None:
    asked = confined.wanted(pod({}), "")
    assert asked is not None
    assert set(asked.capabilities) == confined.DEFAULT
    assert asked.token_mounted


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"uid": 0}, "ran as 0:1001, not as 1000"),
        ({"gid": 0}, "ran as 1000:0"),
        ({"capabilities": ("SETGID", "SETUID", "SYS_ADMIN")}, "not granted: SYS_ADMIN"),
        ({"capabilities": ("SETGID",)}, "lacks granted capabilities: SETUID"),
        ({"no_new_privileges": True}, "NoNewPrivs is on"),
        ({"seccomp": "filter"}, "seccomp is 'filter', not 'none'"),
        ({"token_mounted": True}, "token is mounted"),
    ],
)
def test_every_difference_is_told_whichever_way_it_goes(change: dict[str, Any], words: str) -> None:
    assert confined.differences(FOUND, FOUND, filters=True) == []
    told = confined.differences(FOUND, replace(FOUND, **change), filters=True)
    assert len(told) == 1
    assert words in told[0]


def test_a_mounted_token_is_told_even_where_the_pod_asked_for_it() -> None:
    asked = replace(FOUND, token_mounted=True)
    assert confined.differences(asked, asked, filters=True) == ["a service account's token is mounted"]


def test_without_seccomp_in_runc_nothing_is_said_of_it() -> None:
    assert confined.differences(FOUND, replace(FOUND, seccomp="filter"), filters=False) == []


def test_a_capability_beyond_the_known_ones_is_no_lesser_one() -> None:
    found = confined.read(said(STATUS.replace("00000000000000c0", "00000800000000c0")))
    assert found is not None
    assert "number 43" in found.capabilities
