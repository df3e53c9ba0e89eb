"""A layer is the same bytes for the same files, with the owners and modes that were asked for."""

import io
import random
import tarfile
from pathlib import Path

import pytest

from multiarch.rehearse.images import archive
from multiarch.rehearse.images.archive import Entry, file_capability, folder, link, packed, text
from multiarch.rehearse.images.model import ImagesError

FILES = [
    text("usr/bin/tool", "#!/bin/sh\n", 0o755),
    link("bin/tool", "../usr/bin/tool"),
    folder("tmp", 0o1777),
    text("home/user/.config/x", "1", 0o600, owner=1000),
    folder("home/user", 0o700, owner=1000),
]


def read(content: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(content)) as opened:
        return {member.name: member for member in opened.getmembers()}


def test_the_order_in_which_files_are_given_changes_no_byte() -> None:
    order = random.Random(1)  # noqa: S311 - any order
    for _ in range(5):
        assert packed(order.sample(FILES, len(FILES))) == packed(FILES)


def test_owners_and_modes_are_those_that_were_asked_for_and_no_time_is_told() -> None:
    members = read(packed(FILES))
    assert members["usr/bin/tool"].mode == 0o755
    assert members["tmp"].mode == 0o1777
    assert members["bin/tool"].linkname == "../usr/bin/tool"
    assert (members["home/user"].mode, members["home/user"].uid, members["home/user"].gid) == (0o700, 1000, 1000)
    assert (members["home/user/.config/x"].mode, members["home/user/.config/x"].uid) == (0o600, 1000)
    assert {member.mtime for member in members.values()} == {0}


def test_every_file_has_its_folders_before_it() -> None:
    seen: set[str] = set()
    for name in read(packed([text("a/b/c/d", "")])):
        assert Path(name).parent.as_posix() in seen | {"."}
        seen.add(name)
    assert "a/b/c/d" in seen


def test_of_two_files_of_one_name_the_later_one_stays() -> None:
    members = read(packed([text("etc/passwd", "short"), text("etc/passwd", "a longer one")]))
    assert members["etc/passwd"].size == len("a longer one")


def test_a_capability_is_what_the_kernel_reads() -> None:
    """The bytes are those that `setcap cap_setuid=ep` and `cap_setgid=ep` write."""
    assert file_capability(7).hex() == "0100000280000000000000000000000000000000"
    assert file_capability(6).hex() == "0100000240000000000000000000000000000000"
    (member,) = [m for m in read(packed([Entry(path="x", content=b"1", capability=7)])).values() if m.isfile()]
    assert member.pax_headers[archive.XATTR].encode("utf-8", "surrogateescape") == file_capability(7)


def test_a_tree_is_taken_as_it_is_with_its_links(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "run").write_text("x")
    (tmp_path / "web" / "run").chmod(0o750)
    (tmp_path / "away").symlink_to("/etc/passwd")
    members = read(packed(archive.tree("sources", tmp_path)))
    assert members["sources/web/run"].mode == 0o750
    assert members["sources/away"].linkname == "/etc/passwd"


def test_of_a_package_only_what_is_wanted_is_taken() -> None:
    package = packed([text("usr/bin/a", "1"), text("usr/share/doc/a", "2"), link("usr/lib/b.so", "b.so.1")])
    taken = list(archive.members(io.BytesIO(package), ("usr/bin/", "usr/lib/"), ("usr/lib/gconv/",)))
    assert {entry.path for entry in taken} == {"usr/bin/a", "usr/lib/b.so"}


def test_a_hard_link_is_refused_and_not_left_out() -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as opened:
        info = tarfile.TarInfo("usr/bin/a")
        info.type, info.linkname = tarfile.LNKTYPE, "usr/bin/b"
        opened.addfile(info)
    with pytest.raises(ImagesError, match="usr/bin/a is a hard link"):
        list(archive.members(io.BytesIO(file.getvalue()), ("usr/",), ("nothing",)))
