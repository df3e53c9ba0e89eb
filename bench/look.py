"""Measure one look at a large cluster: 1000 nodes and 5000 pods on the embedded control plane, kwok as their kubelet.

Run it by `make bench-look`. Each run is a process of its own, so that its peak memory is its own. Nothing here asserts
a time; tests never do.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from multiarch.cluster.api import Api
from multiarch.cluster.connection import Connection
from multiarch.rehearse.control_plane.plane import ControlPlane

ROOT = Path(__file__).resolve().parent.parent
AT_ONCE = 12
NAMESPACE = "bench-look"
PODS_PER_DEPLOYMENT = 5
SETTLE_SECONDS = 5.0
_LOOK = """
import resource, sys, time, json
from pathlib import Path
from multiarch.cluster.api import Api
from multiarch.cluster.connection import Connection
from multiarch.cluster.look.look import look
began = time.perf_counter()
with Connection(Path(sys.argv[1]), sys.argv[2]) as connection:
    found = look(Api.of(connection), context=sys.argv[2], server=connection.server)
took = time.perf_counter() - began
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({
    "seconds": took, "mib": used.ru_maxrss / 1024, "cpu": used.ru_utime + used.ru_stime,
    "nodes": found.nodes, "pools": len(found.pools), "requests": found.requests,
}))
"""


def node(index: int) -> dict[str, Any]:
    """Return a node as large as clouds make them: most of it is the names of its images."""
    arm = index % 4 == 0
    zone = f"eu-central-1{'abc'[index % 3]}"
    name = f"ip-10-{index // 250}-{index % 250}-1.eu-central-1.compute.internal"
    images = [
        {"names": [f"registry.example.com/team-{number}/service@sha256:{number:064x}"], "sizeBytes": 10**8}
        for number in range(50)
    ]
    arch = "arm64" if arm else "amd64"
    resources = {"cpu": "7910m", "memory": "29000000Ki", "pods": "110", "ephemeral-storage": "90Gi"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {"kwok.x-k8s.io/node": "fake"},
            "labels": {
                "kubernetes.io/arch": arch,
                "kubernetes.io/os": "linux",
                "kubernetes.io/hostname": name,
                "eks.amazonaws.com/nodegroup": f"group-{index % 8}",
                "eks.amazonaws.com/capacityType": "ON_DEMAND",
                "node.kubernetes.io/instance-type": "m7g.2xlarge" if arm else "m7i.2xlarge",
                "topology.kubernetes.io/region": "eu-central-1",
                "topology.kubernetes.io/zone": zone,
            },
        },
        "spec": {"providerID": f"aws:///{zone}/i-{index:017x}"},
        "status": {
            "allocatable": resources,
            "capacity": resources,
            "images": images,
            "nodeInfo": {"architecture": arch, "operatingSystem": "linux"},
        },
    }


def pod(index: int, owner: str, nodes: int) -> dict[str, Any]:
    """Return a pod that is bound already, so that no scheduler has to be waited for."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"{owner}-{index}", "namespace": NAMESPACE, "labels": {"app": owner}},
        "spec": {
            "nodeName": node(index % nodes)["metadata"]["name"],
            "containers": [{"name": "main", "image": "registry.example.com/service:1"}],
        },
    }


def deployment(name: str) -> dict[str, Any]:
    """Return a Deployment that makes no pods of its own: they are made here, faster."""
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "main", "image": "registry.example.com/service:1"}]},
            },
        },
    }


def create(api: Api, path: str, manifests: Iterable[Mapping[str, Any]], what: str) -> None:
    """Create objects side by side, and say how far that is."""
    began, done = time.monotonic(), 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in pool.map(lambda manifest: api.create(path, manifest), manifests):
            done += 1
            if done % 1000 == 0:
                print(f"{what}: {done} in {time.monotonic() - began:.0f} s", file=sys.stderr)


def fill(api: Api, nodes: int, pods: int) -> None:
    """Make the large cluster."""
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    api.create("/api/v1/namespaces", space)
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": NAMESPACE}}
    api.apply(account)
    create(api, "/api/v1/nodes", (node(index) for index in range(nodes)), "nodes")
    owners = [f"service-{number}" for number in range(max(1, pods // PODS_PER_DEPLOYMENT))]
    create(api, f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments", map(deployment, owners), "deployments")
    made = (pod(index, owners[index % len(owners)], nodes) for index in range(pods))
    create(api, f"/api/v1/namespaces/{NAMESPACE}/pods", made, "pods")


@contextmanager
def still(plane: ControlPlane) -> Iterator[None]:
    """Let etcd and API server have the machine: elsewhere, controllers and 1000 kubelets have their own."""
    others = [pid for name, pid in plane.pids.items() if name not in ("etcd", "kube-apiserver")]
    for pid in others:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in others:
            os.kill(pid, signal.SIGCONT)


def measured(plane: ControlPlane) -> dict[str, float]:
    """Look once, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", _LOOK, str(plane.kubeconfig), plane.context],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout)
    return found


def load() -> str:
    """Say what else the machine was doing: a look is short, and others' work is most of what it waits for."""
    return f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--pods", type=int, default=5000)
    parser.add_argument("--runs", type=int, default=7)
    busy = "let kwok, controllers and scheduler go on while the look is measured"
    parser.add_argument("--busy", action="store_true", help=busy)
    options = parser.parse_args()
    with ControlPlane(mode="auto") as plane, Connection(plane.kubeconfig, plane.context) as connection:
        fill(Api.of(connection), options.nodes, options.pods)
        with nullcontext() if options.busy else still(plane):
            time.sleep(SETTLE_SECONDS)
            before = load()
            runs = [measured(plane) for _ in range(options.runs)]
    seconds = [run["seconds"] for run in runs]
    sizes = [run["mib"] for run in runs]
    print(
        f"{options.nodes} nodes, {options.pods} pods, "
        f"{options.pods // PODS_PER_DEPLOYMENT} deployments; "
        f"{runs[0]['pools']:.0f} pools seen by {runs[0]['requests']:.0f} requests; {options.runs} runs\n"
        f"before: {before}; after: {load()}\n"
        f"processor seconds of its process, imports included: median {statistics.median(r['cpu'] for r in runs):.2f}\n"
        f"seconds: min {min(seconds):.2f}, median {statistics.median(seconds):.2f}, max {max(seconds):.2f}\n"
        f"peak RSS: median {statistics.median(sizes):.0f} MiB, max {max(sizes):.0f} MiB"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
