"""The command line, its files, its exit codes; the small pure parts around it."""

from __future__ import annotations

import ast
import contextlib
import doctest
import io
import json
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

import archmerge
from archmerge import ExitCode, MissingError, UsageError, arguments, output, platforms, reference
from archmerge.arguments import from_manifest_tool, parse
from archmerge.binaries import LayerError, elf_architecture, entries, normal
from archmerge.built import digest_sources, read_batch
from archmerge.cli import main, push_request
from archmerge.errors import ArchmergeError, NetworkError
from archmerge.registry import naming_trap
from archmerge.request import template_sources
from archmerge.transport.client import Deadline, delay_after, parse_retry_after
from archmerge.transport.connections import Pace
from archmerge.transport.parallel import Once, gather, settle
from tests.registry.lab.images import elf, layer

if TYPE_CHECKING:
    from types import ModuleType

PACKAGE = Path(archmerge.__file__).parent
DIGEST = "sha256:" + "0" * 64


def run(*argv: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(argv)
        except SystemExit as stop:
            code = int(stop.code or 0)
    return code, out.getvalue(), err.getvalue()


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ([], "usage:"),
        (["push"], "needs --target"),
        (["push", "--target", "h.io/a:1"], "in one way, not 0"),
        (["push", "--target", "h.io/a:1", "--template", "h.io/a", "h.io/b"], "in one way, not 2"),
        (["push", "--target", "h.io/a:1", "--template", "h.io/a:ARCH"], "needs --platforms"),
        (["push", "--target", "h.io/a:1", "--template", "h.io/a:1", "--platforms", "linux/a,linux/b"], "none of ARCH"),
        (["push", "--target", "h.io/a:1", "--platforms", "linux/a", "h.io/a"], "write PLATFORM=REF"),
        (["push", "--target", "h.io/a:1", "--platforms", "amd64", "--template", "h.io/a:ARCH"], "not of the form os/"),
        (["push", "--target", "h.io/a:1", "--annotation", "x", "h.io/a"], "not of the form KEY=VALUE"),
        (["push", "--target", "h.io/a:1", "--digest-file", "/nonexistent/x", "h.io/a"], "no such directory"),
        (["push", "--target", f"h.io/a@{DIGEST}", "h.io/a"], "only known once it is made"),
        (["push", "--target", "h.io/a:1", "--tags", "-x", "h.io/a"], "expected one argument"),
        (["push", "--target", "h.io/a:1", "--tags=a b", "h.io/a"], "can't be a tag"),
        (["push", "--batch", "f", "--target", "h.io/a:1"], "doesn't go with --target"),
        (["push", "--unknown"], "unrecognized"),
        (["push", "--targ", "x"], "unrecognized"),
        (["inspect", "Not/Valid:1"], "repository name"),
        (["--deadline", "0", "inspect", "h.io/a"], "must be 0.001 to"),
        (["--plain-http=http://h", "inspect", "h.io/a"], "takes a host"),
        (["--username", "me", "push", "--target", "h.io/a:1", "h.io/a"], "no password"),
    ],
)  # fmt: skip
def test_a_mistake_ends_with_2_and_says_what(argv: list[str], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ARCHMERGE_PASSWORD", raising=False)
    code, _, err = run(*argv)
    assert code == ExitCode.USAGE
    assert said in err
    assert "Traceback" not in err


@pytest.mark.parametrize("argv", [["--password", "hunter2"], ["--password=hunter2"]])
@pytest.mark.parametrize("place", ["before", "after"])
def test_a_password_in_argv_is_refused_with_the_way_out_and_not_repeated(argv: list[str], place: str) -> None:
    command = ["push", "from-args", "--target", "h.io/a:1"]
    code, out, err = run(*argv, *command) if place == "before" else run(*command, *argv)
    assert code == ExitCode.USAGE
    assert "ARCHMERGE_PASSWORD" in err
    assert "hunter2" not in out + err


def test_errors_are_json_where_json_was_asked_for() -> None:
    code, out, _ = run("push", "--json", "--target", "h.io/a:1")
    assert (code, json.loads(out)["error"]["exitCode"]) == (2, 2)


def test_help_names_every_exit_code() -> None:
    code, out, _ = run("push", "--help")
    assert code == 0
    for number in (0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 130):
        assert f"{number} " in out.partition("exit codes:")[2]


def test_exit_codes_are_distinct_per_kind_of_error() -> None:
    kinds = [kind for kind in ArchmergeError.__subclasses__() if kind.__module__ == "archmerge.errors"]
    assert len({kind.code for kind in kinds}) == len(kinds) == 9


@pytest.mark.parametrize(
    ("given_argv", "expected"),
    [
        (
            ["--plain-http", "push", "from-args", "-target", "x"],
            ["push", "--plain-http=", "--manifest-tool", "--target", "x"],
        ),
        (["--plain-http", "h", "push", "x"], ["push", "--plain-http", "h", "x"]),
        (["inspect", "--plain-http", "h:5000/app:1"], ["inspect", "--plain-http=", "h:5000/app:1"]),
        (["push", "--target", "h/a:1", "--insecure", "app@x"], ["push", "--target", "h/a:1", "--insecure=", "app@x"]),
        (["inspect", "--insecure", "alpine"], ["inspect", "--insecure=", "alpine"]),
        (["inspect", "--insecure", "h:5000", "h:5000/app"], ["inspect", "--insecure", "h:5000", "h:5000/app"]),
        (["--insecure", "h/app:1", "inspect"], ["inspect", "--insecure=", "h/app:1"]),
        (["push", "from-args", "--ignore-missing=true"], ["push", "--manifest-tool", "--ignore-missing"]),
        (["push", "from-args", "--ignore-missing=false"], ["push", "--manifest-tool"]),
        (["push", "-x"], ["push", "-x"]),
    ],
)
def test_manifest_tools_forms(given_argv: list[str], expected: list[str]) -> None:
    assert from_manifest_tool(given_argv) == expected


def test_hosts_before_and_after_the_command_add_up() -> None:
    args = parse(["--plain-http=a", "push", "--plain-http=b", "--target", "h.io/x:1", "h.io/y"])
    assert args.plain_http == ["a", "b"]


def test_options_become_the_request(tmp_path: Path) -> None:
    args = parse(
        ["push", "--target", "h.io/a:1", "--tags", "x,y", "--tags", "z", "--platforms", "linux/amd64,linux/arm/v7",
         "--template", "h.io/a:ARCHVARIANT", "--annotations", "a=1,b=2", "--annotation", "c=3,4=5", "--no-copy",
         "--digest-file", str(tmp_path / "d")]
    )  # fmt: skip
    request = push_request(args)
    assert [source.reference for source in request.sources] == ["h.io/a:amd64", "h.io/a:armv7"]
    assert request.tags == ["x", "y", "z"]
    assert request.annotations == {"a": "1", "b": "2", "c": "3,4=5"}
    assert request.copy is False


def test_digest_files_say_what_is_wrong_with_them(tmp_path: Path) -> None:
    path = tmp_path / "arm64.json"
    good = {"platform": "linux/arm64", "image": "h.io/a:tag", "digest": DIGEST}
    path.write_text(json.dumps(good))
    assert digest_sources([str(path)], [], "h.io/a")[0].reference == f"h.io/a@{DIGEST}"
    for change, said in (
        ({"digest": "sha256:1"}, "neither sha256"),
        ({"platfrom": "x"}, "unknown key 'platfrom'"),
        ({"platform": "arm64"}, "not of the form"),
        ({"image": 1}, "'image' must be a string"),
    ):
        path.write_text(json.dumps(good | change))
        with pytest.raises(UsageError, match=said):
            digest_sources([str(path)], [], "h.io/a")
    del good["platform"]
    path.write_text(json.dumps(good))
    with pytest.raises(UsageError, match="'platform' is missing"):
        digest_sources([str(path)], [], "h.io/a")
    with pytest.raises(MissingError, match="needs:"):
        digest_sources([str(tmp_path / "digests/*.json")], [], "h.io/a")


def test_batch_files(tmp_path: Path) -> None:
    path = tmp_path / "batch"
    entry = {"target": "h.io/a:1", "template": "h.io/a:ARCH", "platforms": ["linux/amd64"]}
    path.write_text(json.dumps([entry, entry | {"target": "h.io/b:1", "tags": ["x"], "type": "auto"}]))
    requests = read_batch(str(path))
    assert [(r.target, r.kind) for r in requests] == [("h.io/a:1", "oci"), ("h.io/b:1", "auto")]
    for text, said in (
        (json.dumps([entry, entry]), "which one wins"),
        (json.dumps([entry | {"tag": "x"}]), r"batch\[0\]: unknown key 'tag'"),
        (json.dumps([{"target": "h.io/a:1"}]), "exactly one of"),
        (json.dumps([entry | {"tags": "x"}]), "'tags' must be a list"),
        ("{", "neither a JSON array"),
        ("", "holds 0 merges"),
    ):
        path.write_text(text)
        with pytest.raises(UsageError, match=said):
            read_batch(str(path))


@given(st.text(max_size=100))
def test_any_batch_text_is_read_or_refused(text: str) -> None:
    path = Path("/dev/shm" if Path("/dev/shm").is_dir() else "/tmp") / "archmerge-fuzz-batch"  # noqa: S108 - overwritten
    path.write_text(text, "utf-8", errors="replace")
    with pytest.raises(ArchmergeError):
        read_batch(str(path))


def test_template_sources_claim_their_platform() -> None:
    assert template_sources("h.io/a:1", ["linux/amd64"])[0].platform == "linux/amd64"


@pytest.mark.parametrize(
    ("repository", "said"),
    [
        ("group/app", ""),
        ("group/app/x/y", ""),
        ("group/app/x/y/z", "at most 2 levels"),
        ("group/app-amd64", "$CI_REGISTRY_IMAGE/amd64"),
        ("other/app", "another GitLab project"),
    ],
)
def test_gitlabs_naming_trap(repository: str, said: str) -> None:
    environ = {"CI_REGISTRY_IMAGE": "r.example.com/group/app"}
    trap = naming_trap(environ, "r.example.com", repository)
    assert said in trap
    assert bool(said) == bool(trap)
    assert naming_trap(environ, "other.example.com", repository) == ""


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("3", 3.0), (" 10 ", 10.0), ("", None), ("soon", None), ("-1", None), ("1.5", None),
        ("Thu, 01 Jan 1970 00:01:00 GMT", 50.0), ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0), ("9" * 30, 999999999.0),
    ],
)  # fmt: skip
def test_retry_after(value: str, seconds: float | None) -> None:
    assert parse_retry_after(value, now=10.0) == seconds


@given(st.text(max_size=60))
def test_any_retry_after_is_read(value: str) -> None:
    seconds = parse_retry_after(value)
    assert seconds is None or seconds >= 0


def test_waits_grow_with_jitter_and_never_undercut_what_was_asked() -> None:
    assert all(delay_after(0, 1, None) <= 1 for _ in range(50))
    assert all(7.5 <= delay_after(9, 1, None) <= 15 for _ in range(50))
    assert all(delay_after(0, 1, 7.0) >= 7 for _ in range(50))
    assert len({delay_after(3, 1, None) for _ in range(50)}) > 10


def test_a_deadline_that_is_over_says_so() -> None:
    assert Deadline(100).cap(5, "x") == 5
    with pytest.raises(NetworkError, match="the deadline of 0 s"):
        Deadline(0).cap(5, "x")


def test_a_host_that_asks_to_slow_down_is_given_half_and_recovers() -> None:
    host = Pace(8)
    host.enter(lambda: None)
    host.leave(slow_down=True)
    assert host._limit == 4
    for _ in range(16):
        host.enter(lambda: None)
        host.leave(slow_down=False)
    assert host._limit == 5


def test_tasks_keep_their_order_and_all_end_before_the_error_is_raised() -> None:
    ended = []

    def task(number: int) -> int:
        ended.append(number)
        if number == 2:
            raise ValueError(number)
        return number

    results = settle([lambda n=n: task(n) for n in range(5)], workers=2)  # type: ignore[misc]  # a bound default
    assert [r for r in results if isinstance(r, int)] == [0, 1, 3, 4]
    ended.clear()
    with pytest.raises(ValueError, match="2"):
        gather([lambda n=n: task(n) for n in range(5)])  # type: ignore[misc]  # a bound default
    assert sorted(ended) == [0, 1, 2, 3, 4]


def test_once_is_once_however_many_ask_and_a_failure_is_tried_again() -> None:
    once, calls = Once(), []
    barrier = threading.Barrier(8)

    def act() -> int:
        calls.append(1)
        if len(calls) == 1:
            raise OSError
        return len(calls)

    def ask() -> int:
        barrier.wait()
        return once.do("key", act)

    results = settle([ask] * 8)
    assert sum(isinstance(result, OSError) for result in results) == 1
    assert {result for result in results if isinstance(result, int)} == {2}


def test_elf_headers() -> None:
    assert {arch: elf_architecture(elf(arch)) for arch in ("amd64", "arm64", "arm", "386")} == {
        arch: arch for arch in ("amd64", "arm64", "arm", "386")
    }
    assert elf_architecture(b"#!/bin/sh") == ""
    assert elf_architecture(b"\x7fELF\x02\x02" + bytes(12) + b"\x00\x16" + bytes(8)) == "s390x"


class Dripping(io.BytesIO):
    """A file that gives at most so many bytes at a time."""

    def __init__(self, content: bytes, at_most: int) -> None:
        super().__init__(content)
        self.at_most = at_most

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(self.at_most if size is None or size < 0 else min(size, self.at_most))


@pytest.mark.parametrize("size", [1, 7, 512, 1 << 20])
def test_layers_are_read_in_pieces_of_any_size(size: int) -> None:
    long = "d/" * 90 + "a-name-that-needs-an-extended-header"
    content = layer({"app/server": elf("arm64"), long: b"x" * 1000}, {"bin": "usr/bin"}, padding=3000)
    found = {entry.path: entry for entry in entries(Dripping(content, size))}
    assert found["/bin"].link == "usr/bin"
    assert found["/app/server"].head == elf("arm64")
    assert normal(long) in found


@given(st.binary(max_size=3000), st.booleans())
def test_any_bytes_are_a_layer_or_a_layer_error(content: bytes, begin_well: bool) -> None:  # noqa: FBT001 - drawn
    source = Dripping(layer({"a": b"b"})[:100] + content if begin_well else content, 64)
    with contextlib.suppress(LayerError):
        for _ in entries(source):
            pass


def test_paths_are_normalised() -> None:
    assert normal("../bin/./sh", "/usr/lib") == "/usr/bin/sh"
    assert normal("/a//b/../c") == "/a/c"


@pytest.mark.parametrize("module", [arguments, output, platforms, reference])
def test_examples_in_docstrings_hold(module: ModuleType) -> None:
    ran = doctest.testmod(module)
    assert (ran.failed, ran.attempted > 0) == (0, True)


def test_archmerge_imports_only_python_and_itself() -> None:
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                top = name.partition(".")[0]
                assert top in {"archmerge", "yaml", *sys.stdlib_module_names}, f"{path.name} imports {name}"
