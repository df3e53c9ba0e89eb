"""What an image's own programs say decides; what nobody could read is no yes."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from multiarch.rehearse.live import image
from multiarch.rehearse.live.by_model import JobFailed
from multiarch.rehearse.live.job import End


@pytest.mark.parametrize(
    ("log", "found"),
    [
        ("uname: x86_64\nprogram: /bin/cat: 3e00\ndone\n", ("amd64", "amd64")),
        ("uname: aarch64\ndone\n", ("arm64",)),
        ("program: /app: b700\ndone\n", ("arm64",)),
        ("uname: x86_64\nprogram: /app: b700\n", ("amd64", "arm64")),
        ("uname: riscv64\n", ("riscv64",)),
        ("uname: \n", ("nothing",)),
        ("program: /app: f300\n", ()),
        ("done\n", ()),
        ("", ()),
    ],
)
def test_each_program_is_heard(log: str, found: tuple[str, ...]) -> None:
    assert image.read(log).architectures == found


def test_its_pod_asks_for_nothing_and_goes_to_its_node() -> None:
    pod = image.pod(("jobs", "image-arm64"), "arm64", "here/app:1", "busybox", {"Entrypoint": ["/app", "--serve"]})
    spec = pod["spec"]
    assert spec["nodeSelector"] == {"kubernetes.io/arch": "arm64"}
    assert spec["automountServiceAccountToken"] is False
    for container in (*spec["initContainers"], *spec["containers"]):
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
    asks, own = spec["containers"]
    assert asks["command"][-1] == "/app"
    assert "command" not in own, "the image's own"


def script(tmp_path: Path, command: str) -> str:
    """Run what the pod runs, by the machine's busybox: /multiarch-tools is another place here."""
    text = image._SCRIPT.replace(f"{image._TOOLS}/busybox", "busybox").replace("/bin/uname /usr/bin/uname", "/none")
    done = subprocess.run(
        ["busybox", "sh", "-c", text, "sh", command],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
    )
    return done.stdout


OVER = {"terminated": {"exitCode": 0}}
RUNS: dict[str, Any] = {"running": {}}
UNSTARTED = {"terminated": {"exitCode": 128, "reason": "StartError", "message": "exec format error"}}


def at(asks: dict[str, Any], own: dict[str, Any] | None) -> dict[str, Any]:
    states = {"asks": asks, **({"image": own} if own is not None else {})}
    statuses = [{"name": name, "state": state} for name, state in states.items()]
    return {"spec": {"containers": [{"name": name} for name in states]}, "status": {"containerStatuses": statuses}}


@pytest.mark.parametrize(
    ("pod", "steady", "left", "command"),
    [
        (at(OVER, OVER), 0, "", "its own command ended with 0"),
        (at(OVER, {"terminated": {"exitCode": 1}}), 0, "", "its own command ended with 1"),
        (at(OVER, RUNS), 1, "its own command runs", "its own command still ran after 3 s"),
        (at(OVER, RUNS), 4, "", "its own command still ran after 3 s"),
        (at(RUNS, OVER), 0, "it was not asked yet", "its own command ended with 0"),
        (at(OVER, None), 0, "", "it has no command of its own"),
    ],
)
def test_an_image_has_run_once_it_was_asked_and_its_own_command_ended_or_runs_on(
    pod: dict[str, Any], steady: float, left: str, command: str
) -> None:
    assert image.unfinished(pod, steady) == left
    assert image.own_command(pod) == command


@pytest.mark.parametrize(
    ("pod", "words"),
    [
        (at(OVER, UNSTARTED), "can't be started: exec format error"),
        (at(OVER, {"waiting": {"reason": "CreateContainerError", "message": "no such file"}}), "no such file"),
        (at({"waiting": {"reason": "ImagePullBackOff", "message": "m"}}, {}), "ImagePullBackOff"),
    ],
)
def test_an_image_that_cannot_start_says_why(pod: dict[str, Any], words: str) -> None:
    with pytest.raises(JobFailed, match=words):
        image.unfinished(pod, 0)


RUNC = "failed to create containerd task: OCI runtime create failed: runc create failed: unable to start container: "
ABSENT = f'{RUNC}exec: "/a": stat /a: no such file or directory'


def waits(reason: str, message: str) -> dict[str, Any]:
    return {"waiting": {"reason": reason, "message": message}}


@pytest.mark.parametrize(
    ("pod", "end"),
    [
        (at(OVER, UNSTARTED), End.STACK),
        (at(OVER, waits("CreateContainerError", ABSENT)), End.STACK),
        (at(OVER, waits("RunContainerError", f"{RUNC}exec /a: permission denied")), End.STACK),
        (at(UNSTARTED, RUNS), End.SURROUNDINGS),
        (at(OVER, waits("CreateContainerError", "context deadline exceeded")), End.SURROUNDINGS),
        (at(OVER, waits("CreateContainerError", "fork/exec /bin/runc: no such file or directory")), End.SURROUNDINGS),
        (at(waits("ImagePullBackOff", "m"), waits("ImagePullBackOff", "exec format error")), End.SURROUNDINGS),
        (at(RUNS, {"terminated": {"exitCode": 137, "reason": "ContainerStatusUnknown"}}), End.SURROUNDINGS),
        ({"status": {"phase": "Failed", "message": "evicted"}}, End.SURROUNDINGS),
    ],
)
def test_an_image_is_at_fault_where_its_own_command_can_not_be_run_and_for_nothing_else(
    pod: dict[str, Any], end: End
) -> None:
    assert image.end_of(pod) is end


ELF = b"\x7fELF\x02\x01\x01" + b"\0" * 9 + b"\x02\0" + b"\xb7\0" + b"\0" * 40


@pytest.mark.skipif(shutil.which("busybox") is None, reason="no busybox on PATH")
class TestProgram:
    """Of an image without a shell."""

    def test_its_header_is_read(self, tmp_path: Path) -> None:
        (tmp_path / "app").write_bytes(ELF)
        (tmp_path / "app").chmod(0o755)
        assert image.read(script(tmp_path, str(tmp_path / "app"))).architectures == ("arm64",)

    def test_it_is_found_on_path(self, tmp_path: Path) -> None:
        (tmp_path / "app").write_bytes(ELF)
        (tmp_path / "app").chmod(0o755)
        assert image.read(script(tmp_path, "app")).architectures == ("arm64",)

    def test_a_script_is_its_interpreter(self, tmp_path: Path) -> None:
        (tmp_path / "interpreter").write_bytes(ELF)
        (tmp_path / "start").write_text(f"#! {tmp_path}/interpreter -e\necho\n")
        (tmp_path / "start").chmod(0o755)
        assert image.read(script(tmp_path, str(tmp_path / "start"))).architectures == ("arm64",)

    def test_nothing_is_made_up_where_there_is_none(self, tmp_path: Path) -> None:
        assert image.read(script(tmp_path, str(tmp_path / "absent"))).architectures == ()
        assert image.read(script(tmp_path, "")).architectures == ()
