"""Records the sample run of docs/doctor.md: `python -m tests.cluster.doctor_lab.sample docs/doctor.md`.

A control plane of its own, the stack `local` installed, two things broken, and the real command's output.
"""

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from multiarch.rehearse.control_plane.binaries import prepare_binaries
from multiarch.rehearse.control_plane.plane import ControlPlane
from multiarch.rehearse.control_plane.progress import PlainLines
from tests.cluster.doctor_lab import kubelet
from tests.cluster.doctor_lab.ward import ROOT, Ward, open_ward, tainted

BEGIN, END = "<!-- sample: begin -->", "<!-- sample: end -->"
COLUMNS = "110"


def break_it(ward: Ward, stack: ExitStack) -> None:
    """Give the arm64 nodes a taint that nobody tolerates, after one image without arm64."""
    ward.kubelet_says(
        ward.job("unit-test", image=kubelet.IMAGE),
        kubelet.waiting("build", "ImagePullBackOff", kubelet.CONTAINERD_PLATFORM),
    )
    stack.enter_context(tainted(ward, "arm64", [{"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}]))
    for number in range(12):
        ward.job(f"build-{number}")


def record() -> str:
    """Return the command and what it printed."""
    arguments = ["--stack", "local"]
    with (
        ControlPlane(prepare_binaries("auto", PlainLines())) as plane,
        open_ward(plane) as ward,
        ExitStack() as stack,
    ):
        stack.callback(ward.discharge)
        break_it(ward, stack)
        program = str(Path(sys.executable).parent / "multiarch")
        where = ["--kubeconfig", str(plane.kubeconfig), "--context", plane.context]
        done = subprocess.run(
            [program, "doctor", *arguments, *where],
            cwd=ROOT,
            env={**os.environ, "COLUMNS": COLUMNS, "PYTHONIOENCODING": "utf-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            check=False,
        )
    output = "\n".join(line.rstrip() for line in done.stdout.splitlines())
    return f"$ multiarch doctor {' '.join(arguments)} --kubeconfig KUBECONFIG --context {plane.context}\n{output}"


def main() -> None:
    """Rewrite the named page."""
    path = Path(sys.argv[1])
    before, begin, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit(f"{path} has no {BEGIN} … {END}")
    path.write_text(f"{before}{BEGIN}\n```\n{record()}\n```\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
