"""What an image's own programs say decides; what nobody could read is no yes."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from multiarch.rehearse.live import image
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
    assert spec["containers"][0]["command"][-1] == "/app"


def over(name: str = "image", **state: Any) -> dict[str, Any]:
    return {"status": {"containerStatuses": [{"name": name, "state": state}]}}


RUNC = "failed to create containerd task: OCI runtime create failed: runc create failed: unable to start container: "


@pytest.mark.parametrize(
    ("pod", "end"),
    [
        (over(terminated={"exitCode": 1, "reason": "Error"}), End.STACK),
        (over(terminated={"exitCode": 139, "reason": "Error"}), End.STACK),
        (over(terminated={"exitCode": 128, "reason": "StartError", "message": f"{RUNC}exec /a: exec format error"}),
         End.STACK),
        (over(waiting={"reason": "CreateContainerError", "message": f'{RUNC}exec: "/a": no such file or directory'}),
         End.STACK),
        (over(waiting={"reason": "CreateContainerError", "message": "context deadline exceeded"}), End.SURROUNDINGS),
        (over(waiting={"reason": "CreateContainerError", "message": "fork/exec /bin/runc: no such file or directory"}),
         End.SURROUNDINGS),
        (over(waiting={"reason": "ImagePullBackOff", "message": "exec format error"}), End.SURROUNDINGS),
        (over(terminated={"exitCode": 137, "reason": "Error"}), End.SURROUNDINGS),
        (over(terminated={"exitCode": 137, "reason": "OOMKilled"}), End.SURROUNDINGS),
        (over(terminated={"exitCode": 137, "reason": "ContainerStatusUnknown"}), End.SURROUNDINGS),
        ({"status": {"phase": "Failed", "message": "evicted"}}, End.SURROUNDINGS),
        ({"status": {"initContainerStatuses": [
            {"name": "tools", "state": {"terminated": {"exitCode": 255, "reason": "Error"}}}]}}, End.SURROUNDINGS),
    ],
)  # fmt: skip
def test_an_image_that_starts_and_fails_is_at_fault_and_one_that_the_node_can_not_start_is_not(
    pod: dict[str, Any], end: End
) -> None:
    assert image.end_of(pod) is end


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
