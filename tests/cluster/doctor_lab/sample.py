"""Records the run that docs/pictures.py draws for docs/doctor.md.

A control plane of its own, the stack `local` installed, two things broken, and the real command's JSON report.
"""

import os
import subprocess
import sys
from contextlib import ExitStack

from docs.steady import steady
from multiarch.core.ending import WRONG
from multiarch.rehearse.control_plane.binaries import prepare_binaries
from multiarch.rehearse.control_plane.plane import ControlPlane
from multiarch.rehearse.control_plane.progress import PlainLines
from tests.cluster.doctor_lab import kubelet
from tests.cluster.doctor_lab.ward import ROOT, Ward, open_ward, tainted


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
    """Return the command's report."""
    with (
        ControlPlane(prepare_binaries("auto", PlainLines())) as plane,
        open_ward(plane) as ward,
        ExitStack() as stack,
    ):
        stack.callback(ward.discharge)
        break_it(ward, stack)
        where = ["--kubeconfig", str(plane.kubeconfig), "--context", plane.context]
        done = subprocess.run(
            [sys.executable, "-m", "multiarch.cli", "doctor", "--stack", "local", *where, "--json", "-"],
            cwd=ROOT,
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != WRONG:
            raise RuntimeError(done.stderr)
        return steady(done.stdout, {str(plane.kubeconfig): "KUBECONFIG"}, times=False)
