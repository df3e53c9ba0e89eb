"""Measure the doctor on a large cluster: wall time and peak memory of the real command, by `make bench-doctor`.

The embedded control plane with kwok: nodes of both architectures, running jobs spread over them, and jobs that hang for
one cause. Nothing here asserts a time; tests never do.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from multiarch.cluster.api import Api
from multiarch.rehearse.control_plane.binaries import prepare_binaries
from multiarch.rehearse.control_plane.plane import ControlPlane
from multiarch.rehearse.control_plane.progress import PlainLines
from tests.cluster.doctor_lab.ward import Ward, open_ward

ROOT = Path(__file__).resolve().parent.parent
AT_ONCE = 8


def fill(ward: Ward, nodes: int, running: int, hanging: int) -> None:
    """Make nodes, jobs' pods that run on them, and jobs' pods that no node will ever take."""
    api = ward.api
    models = {arch: ward.nodes(arch)[0] for arch in ("amd64", "arm64")}
    names = [(f"{arch}-large-{number}", models[arch]) for number in range(nodes // 2) for arch in models]
    sample = ward.pod(ward.job("model", "amd64"))
    place = f"/api/v1/namespaces/{ward.job_namespace}/pods"
    bound = [_pod(sample, f"ok-{index}", names[index % len(names)][0]) for index in range(running)]
    stuck = [_pod(sample, f"stuck-{index}", "") for index in range(hanging)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for what, made in (
            ("nodes", pool.map(lambda item: _node(api, *item), names)),
            ("running jobs", pool.map(lambda body: api.create(place, body), bound)),
            ("hanging jobs", pool.map(lambda body: api.create(place, body), stuck)),
        ):
            for count, _ in enumerate(made, 1):
                if count % 500 == 0:
                    print(f"{what}: {count}", file=sys.stderr, flush=True)


def _node(api: Api, name: str, model: dict[str, Any]) -> None:
    labels = {**model["metadata"]["labels"], "kubernetes.io/hostname": name}
    taints = [taint for taint in model["spec"].get("taints") or [] if taint["key"] == "kubernetes.io/arch"]
    status = {key: model["status"][key] for key in ("allocatable", "capacity", "nodeInfo")}
    body = {"metadata": {"name": name, "labels": labels}, "spec": {"taints": taints}, "status": status}
    api.create("/api/v1/nodes", body)


def _pod(sample: dict[str, Any], suffix: str, node: str) -> dict[str, Any]:
    """Return a job's pod: bound to a node, or selecting an architecture that there is not."""
    spec = {key: value for key, value in sample["spec"].items() if key not in {"nodeName", "priority"}}
    spec |= {"nodeName": node} if node else {"nodeSelector": {"kubernetes.io/arch": "s390x"}}
    name = f"runner-bench-project-1-concurrent-0-{suffix}"
    return {"metadata": {"name": name, "labels": sample["metadata"]["labels"]}, "spec": spec}


def measure(plane: ControlPlane, times: int) -> Iterator[tuple[float, float, dict[str, Any]]]:
    """Run the command, and yield its wall time in seconds, its peak resident set in MiB, and its report."""
    command = [str(Path(sys.executable).parent / "multiarch"), "doctor", "--json", "-"]
    command += ["--kubeconfig", str(plane.kubeconfig), "--context", plane.context]
    for _ in range(times):
        began = time.perf_counter()
        with subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as child:
            assert child.stdout is not None  # noqa: S101 - it is a pipe
            report = json.loads(child.stdout.read())
            _, _, usage = os.wait4(child.pid, 0)
            wall = time.perf_counter() - began
            child.returncode = report["exitCode"]  # it has been waited for
        print(f"run: {wall:.2f} s, {report['seconds']:.2f} s of it the examination", file=sys.stderr, flush=True)
        yield wall, usage.ru_maxrss / 1024, report


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("nodes", 100), ("running", 2000), ("hanging", 500), ("times", 5), ("settle", 60)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    with ControlPlane(prepare_binaries("auto", PlainLines())) as plane, open_ward(plane, clean=False) as ward:
        began = time.perf_counter()
        fill(ward, given.nodes, given.running, given.hanging)
        print(f"filled in {time.perf_counter() - began:.0f} s", flush=True)
        time.sleep(given.settle)  # scheduler and kwok catch up
        results = list(measure(plane, given.times))
    seconds = sorted(wall for wall, _, _ in results)
    report = results[-1][2]
    print(f"{given.nodes} nodes, {given.running} running and {given.hanging} hanging jobs, {given.times} runs")
    print(f"wall: min {seconds[0]:.2f} s, median {statistics.median(seconds):.2f} s, max {seconds[-1]:.2f} s")
    print(f"of it the examination: {[round(one['seconds'], 2) for _, _, one in results]} s")
    print(f"peak resident set: {max(peak for _, peak, _ in results):.0f} MiB; {report['requests']} requests")
    first = report["causes"][0]
    print(f"first cause: {first['id']}, {len(first['pods'])} pods")


if __name__ == "__main__":
    main()
