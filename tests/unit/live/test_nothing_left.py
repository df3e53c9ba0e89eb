"""What is left and ours is a no; what may be ours, nobody can tell; the rest is others' business."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from multiarch.core.verdict import Verdict
from multiarch.rehearse.live import nothing_left
from multiarch.rehearse.live.nothing_left import BINFMT, CGROUPS, FILES, LINKS, MOUNTS, PROCESSES, judged, pods_ended
from multiarch.rehearse.nodes import cgroups, running
from multiarch.rehearse.nodes.architectures import Arch

JOB = "jobs/build"
BEFORE: nothing_left.Picture = {
    PROCESSES: {}, MOUNTS: {"proc /proc proc rw 0 0": ""}, LINKS: {"eth0": "", "lo": ""},
    BINFMT: {"status": "enabled\n"}, CGROUPS: {}, FILES: {},
}  # fmt: skip


def now(subject: str, **things: str) -> nothing_left.Picture:
    return {**BEFORE, subject: {**(BEFORE[subject] or {}), **things}}


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ({"a": (), "b": ()}, Verdict.YES),
        ({"a": ("jobs/other/build", "jobs/build-2/build"), "b": ()}, Verdict.YES),
        ({"a": (f"{JOB}/(sandbox)",), "b": ()}, Verdict.NO),
        ({"a": ("container 0123456789ab",), "b": ()}, Verdict.NO),
        ({"a": None, "b": (f"{JOB}/build",)}, Verdict.NO),
        ({"a": None, "b": ()}, Verdict.UNKNOWN),
        ({}, Verdict.UNKNOWN),
    ],
)
def test_a_pod_has_ended_when_every_node_can_be_asked_and_none_has_a_container_of_it(
    found: Mapping[str, Sequence[str] | None], verdict: Verdict
) -> None:
    assert judged(found, [JOB]).verdict is verdict


def test_no_pod_is_no_evidence() -> None:
    assert judged({"a": ()}, []).verdict is Verdict.UNKNOWN


def test_containers_may_take_a_moment_to_end_but_no_longer() -> None:
    runs, ended = {"a": [f"{JOB}/build"]}, dict[str, list[str]](a=[])
    answers = iter([runs, runs, ended, ended])
    assert pods_ended(lambda: next(answers), [JOB], 5).verdict is Verdict.YES
    told = pods_ended(lambda: {"a": [f"{JOB}/build"]}, [JOB], 0.3)
    assert told.verdict is Verdict.NO
    assert f"a still runs {JOB}/build" in told.because


@pytest.mark.parametrize(
    ("picture", "verdict"),
    [
        (BEFORE, Verdict.YES),
        (now(LINKS, multiarch0=""), Verdict.NO),
        (now(PROCESSES, **{"process 7": "/run/multiarch-bin/containerd"}), Verdict.NO),
        (now(MOUNTS, **{"tmpfs /tmp/multiarch-nodes-x/amd64/run tmpfs rw 0 0": ""}), Verdict.NO),
        (now(BINFMT, **{"multiarch-nodes-arm64": "enabled\n"}), Verdict.NO),
        (now(CGROUPS, **{"/sys/fs/cgroup/pids/multiarch-nodes": ""}), Verdict.NO),
        (now(FILES, **{"/var/lib/multiarch-nodes": ""}), Verdict.NO),
        (now(LINKS, veth01234567=""), Verdict.UNKNOWN),
        (now(CGROUPS, **{"/sys/fs/cgroup/kubepods": ""}), Verdict.UNKNOWN),
        (now(BINFMT, status="disabled\n"), Verdict.UNKNOWN),
        (now(MOUNTS, **{"nsfs /run/netns/cni-1 nsfs rw 0 0": ""}), Verdict.UNKNOWN),
        ({**BEFORE, BINFMT: {}}, Verdict.UNKNOWN),
        ({**BEFORE, LINKS: None}, Verdict.UNKNOWN),
        (now(LINKS, docker0="", veth0123456=""), Verdict.YES),
        (now(MOUNTS, **{"/dev/sdb1 /mnt ext4 rw 0 0": ""}), Verdict.YES),
        ({**now(LINKS, multiarch0="", veth01234567=""), FILES: None}, Verdict.NO),
    ],
)
def test_what_is_ours_is_left_what_may_be_ours_is_a_doubt_and_what_others_did_is_nothing(
    picture: nothing_left.Picture, verdict: Verdict
) -> None:
    told = nothing_left.nothing_left(BEFORE, picture)
    assert told.verdict is verdict, told
    assert told.because


def test_this_machine_is_read_and_is_as_it_is() -> None:
    seen = nothing_left.picture()
    assert set(seen) == set(BEFORE)
    assert "lo" in (seen[LINKS] or {})
    assert list(nothing_left.differences(seen, seen)) == []


def task(folder: Path, identity: str, **said: str) -> None:
    (folder / identity).mkdir(parents=True)
    spec = {"annotations": {f"io.kubernetes.cri.{name.replace('_', '-')}": text for name, text in said.items()}}
    (folder / identity / "config.json").write_text(json.dumps(spec))


def test_a_container_has_the_name_that_its_spec_says(tmp_path: Path) -> None:
    pod = {"sandbox_name": "build", "sandbox_namespace": "jobs"}
    task(tmp_path, "s", container_type="sandbox", **pod)
    task(tmp_path, "c", container_type="container", container_name="helper", **pod)
    task(tmp_path, "foreign")
    (tmp_path / "new").mkdir()
    names = {folder.name: running.named(folder) for folder in tmp_path.iterdir()}
    assert names == {"s": f"{JOB}/{running.SANDBOX}", "c": f"{JOB}/helper", "foreign": "", "new": ""}


def test_a_cgroup_in_which_a_process_is_is_a_container_that_runs(tmp_path: Path) -> None:
    for arch, name, content in (("amd64", "kubepods/pod1/full", "0\n7\n"), ("amd64", "kubepods/pod1/empty", "")):
        folder = tmp_path / cgroups.NAME / arch / name
        folder.mkdir(parents=True)
        (folder / "cgroup.procs").write_text(content)
    found = cgroups.Cgroups((tmp_path, tmp_path / "absent"), unified=False, available=frozenset())
    assert running.in_cgroups(Arch.AMD64, found) == {"full"}
    assert running.in_cgroups(Arch.ARM64, found) == set()


def test_a_node_whose_process_is_gone_cannot_be_asked() -> None:
    assert running.containers(None, Arch.AMD64) is None
    assert running.containers(2**22 + 1, Arch.AMD64) is None
