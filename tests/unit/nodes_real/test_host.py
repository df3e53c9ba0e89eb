"""What is asked of a machine before anything is done to it, and how what was done is undone."""

import ipaddress
import json
import os
import struct
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from multiarch import cli
from multiarch.rehearse.control_plane.errors import KeptPlaneError, StartError
from multiarch.rehearse.nodes import binfmt, cgroups, first_processes, host, journal, network
from multiarch.rehearse.nodes.architectures import Arch
from multiarch.rehearse.nodes.host import PACKAGES, Facts

WHOLE = Facts(
    linux=True,
    root=True,
    capabilities=(1 << 41) - 1,
    programs=frozenset(PACKAGES),
    cni=Path("/usr/lib/cni"),
    emulator=Path("/usr/bin/qemu-aarch64-static"),
    binfmt=True,
    cgroups_lacking=(),
)
V1 = "\n".join(
    f"cgroup /sys/fs/cgroup/{name} cgroup rw,relatime,{name} 0 0" for name in ("cpu", "cpuset", "memory", "pids")
)


@pytest.mark.parametrize(
    ("lack", "named"),
    [
        ({"linux": False}, "Linux"),
        ({"root": False}, "root"),
        ({"capabilities": 0}, "CAP_SYS_ADMIN"),
        ({"capabilities": ~(1 << 12)}, "CAP_NET_ADMIN"),
        ({"programs": frozenset({"unshare"})}, "apt-get install iproute2"),
        ({"cni": None}, "apt-get install containernetworking-plugins"),
        ({"emulator": None}, "apt-get install qemu-user-static"),
        ({"binfmt": False}, "modprobe binfmt_misc"),
        ({"cgroups_lacking": ("cpuset", "pids")}, "cpuset, pids"),
        ({"in_the_way": ("a cgroup x",)}, "already a cgroup x"),
    ],
)
def test_whatever_a_machine_lacks_is_named_with_its_fix(lack: dict[str, object], named: str) -> None:
    found = host.problems(replace(WHOLE, **lack), Arch.ARM64)  # type: ignore[arg-type]  # fields of Facts
    assert any(named in str(problem) for problem in found)
    assert all(problem.fix for problem in found)


def test_a_machine_that_lacks_nothing_is_asked_for_nothing_and_all_that_lacks_is_told_at_once() -> None:
    assert host.problems(WHOLE, Arch.ARM64) == []
    assert len(host.problems(replace(WHOLE, cni=None, emulator=None, binfmt=False), Arch.ARM64)) == 3


@pytest.mark.parametrize(
    "arguments", ["nodes up", "nodes up --check", "nodes down", "rehearse --run", "rehearse --run --clean"]
)
def test_who_is_not_root_is_told_so_and_nothing_is_done(monkeypatch: pytest.MonkeyPatch, arguments: str) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    ran = CliRunner().invoke(cli.multiarch, arguments.split())
    assert ran.exit_code == 2, ran.output
    assert "you are not root. Run it as root" in ran.output
    assert "nodes up" not in ran.output, "who was never told of that command has not run it"
    assert "Traceback" not in ran.output


@pytest.mark.parametrize("arguments", [(), ("up",), ("down",)])
def test_every_help_has_examples_and_the_exit_codes(arguments: tuple[str, ...]) -> None:
    text = CliRunner().invoke(cli.multiarch, ["nodes", *arguments, "--help"]).output
    assert "Examples:\n    multiarch nodes" in text
    assert "Exit codes: 0" in text


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(6, 32)), max_size=12))
def test_a_subnet_is_one_that_no_route_leads_to_or_none_is_chosen(routes: list[tuple[int, int]]) -> None:
    taken = [ipaddress.IPv4Network((address, length), strict=False) for address, length in routes]
    words = ["default", *map(str, taken)]
    if all(any(one.overlaps(each) for each in taken) for one in network.CANDIDATES):
        with pytest.raises(StartError, match="no subnet is free"):
            network.choose(words)
    else:
        assert not [one for one in taken if one.overlaps(network.choose(words).network)]


def elf(machine: int, kind: int) -> bytes:
    return b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHI", kind, machine, 1)


def takes(entry: str, program: bytes) -> bool:
    """Match as the kernel does (fs/binfmt_misc.c: search_binfmt_handler)."""
    magic, mask = (bytes.fromhex(entry.split(":")[place].replace(r"\x7fELF", "7f454c46").replace(r"\x", ""))
                   for place in (4, 5))  # fmt: skip
    assert len(magic) == len(mask)
    return all((byte ^ wanted) & bits == 0 for byte, wanted, bits in zip(program, magic, mask, strict=False))


@pytest.mark.parametrize("kind", [2, 3], ids=["fixed", "position-independent"])
def test_the_kernel_gives_qemu_the_other_architectures_programs_and_no_others(kind: int) -> None:
    machines = {Arch.AMD64: 62, Arch.ARM64: 183}
    for arch in Arch:
        entry = binfmt.registration(arch, Path("/usr/bin/qemu"))
        assert takes(entry, elf(machines[arch], kind))
        assert not takes(entry, elf(machines[arch.other], kind))
        assert entry.endswith(":/usr/bin/qemu:POCF")


def test_both_versions_of_cgroups_are_read_from_the_mounts() -> None:
    first = cgroups.read(V1)
    assert (first.unified, len(first.hierarchies)) == (False, 4)
    assert "devices" in first.lacking()
    second = cgroups.read("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0")
    assert (second.unified, second.hierarchies) == (True, (Path("/sys/fs/cgroup"),))
    hybrid = cgroups.read(f"{V1}\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0")
    assert (hybrid.unified, len(hybrid.hierarchies)) == (False, 5)


def test_a_cgroup_is_made_for_each_node_in_every_hierarchy_and_removed_with_all_below(tmp_path: Path) -> None:
    hierarchies = (tmp_path / "cpu", tmp_path / "memory")
    found = cgroups.Cgroups(hierarchies, unified=False, available=frozenset())
    found.make()
    assert all((one / cgroups.NAME / arch).is_dir() for one in hierarchies for arch in Arch)
    (tmp_path / "cpu" / cgroups.NAME / "arm64" / "kubepods" / "pod1").mkdir(parents=True)
    found.remove()
    assert not found.exists()


def test_the_state_is_on_disk_before_anything_is_done_and_gone_after_it_is_undone(tmp_path: Path) -> None:
    data, folder = tmp_path / "data", tmp_path / "state"
    data.mkdir()
    written = journal.Journal(data, 1, folder)
    assert journal.read(folder) == written.done
    written.note(binfmt="none-by-this-name")
    assert journal.read(folder) == written.done
    with pytest.raises(FileExistsError):
        journal.Journal(data, 1, folder)
    assert journal.undo(written.done, folder) == []
    assert not data.exists()
    assert not folder.exists()


def test_what_the_kernel_held_before_a_reboot_is_not_undone_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bridge or an entry by that name is somebody else's now."""
    written = journal.Journal(tmp_path / "data", 1, tmp_path / "state")
    written.note(boot="another", bridge=True, cgroup=True, binfmt="x", binfmt_mounted=True)
    touched: list[str] = []
    monkeypatch.setattr(network, "exists", lambda: touched.append("bridge"))
    monkeypatch.setattr(binfmt, "is_registered", lambda _: touched.append("binfmt"))
    assert journal.undo(written.done, tmp_path / "state") == []
    assert touched == []


def test_what_cannot_be_undone_stays_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = journal.Journal(tmp_path / "data", 1, tmp_path / "state")
    written.note(bridge=True)

    def fails() -> None:
        raise StartError("the bridge stays")

    monkeypatch.setattr(network, "exists", lambda: True)
    monkeypatch.setattr(network, "remove", fails)
    with pytest.raises(StartError, match="the bridge stays"):
        journal.undo(written.done, tmp_path / "state")
    assert journal.read(tmp_path / "state") == written.done


@pytest.mark.parametrize("text", ["", "{}", '{"data": 1}', "[]", json.dumps({"unknown": True})])
def test_a_state_that_cannot_be_understood_is_told_with_what_to_do(tmp_path: Path, text: str) -> None:
    (tmp_path / "nodes.json").write_text(text)
    with pytest.raises(KeptPlaneError, match=r"cannot be read.*Remove by hand"):
        journal.read(tmp_path)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux' /proc")
def test_no_process_is_taken_for_a_nodes_that_names_not_its_folder(tmp_path: Path) -> None:
    assert first_processes.of(tmp_path) == []
    own = first_processes.Process(os.getpid(), "0")
    assert not own.is_there(), "the same id, started at another time"
