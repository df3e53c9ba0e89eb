"""What a job reaches is told by trying, in real pods on both nodes; how it gets out; and that nothing of it stays."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from multiarch.cluster.api import Api
from multiarch.cluster.connection import Connection
from multiarch.core.verdict import Verdict
from multiarch.rehearse.control_plane.plane import ControlPlane
from multiarch.rehearse.control_plane.progress import PlainLines
from multiarch.rehearse.control_plane.sources import Binaries
from multiarch.rehearse.images import ImagesError, have_images, push
from multiarch.rehearse.live import nothing_left
from multiarch.rehearse.live.canary import PORT, Canary
from multiarch.rehearse.live.reach import CANARY, OPEN, Target, enforced, parsed, reach_of, script, usual_targets
from multiarch.rehearse.live.way_out import WayOut
from multiarch.rehearse.mirror.registry import LocalRegistry
from multiarch.rehearse.nodes import files
from multiarch.rehearse.nodes.architectures import Arch, emulated_here, native_here
from multiarch.rehearse.nodes.real import RealNodes
from multiarch.rehearse.report.model import Reach
from tests.nodes.lab.pods import Kubectl

BUSYBOX = "lab.example/base:1"
JOBS = "jobs"
NATIVE, EMULATED = f"real-{native_here()}", f"real-{emulated_here()}"


def policy(name: str, *rules: dict[str, Any]) -> dict[str, Any]:
    spec = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "egress": list(rules)}
    return {
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": name}, "spec": spec,
    }  # fmt: skip


DNS = {"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}], "ports": [{"protocol": "TCP", "port": 53}]}
POLICIES = (policy("default-deny"), policy("allow-dns", DNS))
"""As a stack's own: closed, but for DNS at the private addresses where a cluster has its Services."""


@dataclass
class Lab:
    nodes: RealNodes
    kubectl: Kubectl
    api: Api
    before: nothing_left.Picture
    server: str
    registry: str

    def job(self, name: str, node: str, text: str = "sleep 600", **env: str) -> None:
        """Create a pod in the jobs' namespace."""
        container = {
            "name": "build",
            "image": BUSYBOX,
            "command": ["sh", "-c", text],
            "env": [{"name": key, "value": value} for key, value in env.items()],
        }
        spec = {
            "restartPolicy": "Never", "dnsPolicy": "Default", "nodeSelector": {"kubernetes.io/hostname": node},
            "terminationGracePeriodSeconds": 1, "containers": [container],
        }  # fmt: skip
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": JOBS}, "spec": spec}
        self.kubectl("create", "-f", "-", given=json.dumps(body))

    def ready(self, name: str) -> None:
        self.kubectl("wait", "-n", JOBS, "--for=condition=Ready", f"pod/{name}", "--timeout=60s")

    def says(self, name: str, text: str, namespace: str = JOBS) -> str:
        return self.kubectl("exec", "-n", namespace, name, "--", "sh", "-c", text)


@pytest.fixture(scope="module")
def lab(plane: ControlPlane, programs: Binaries, registry: LocalRegistry, says: str) -> Iterator[Lab]:
    assert says, "the sandbox's image is there, too"
    try:
        base = have_images(PlainLines())["base"]
    except ImagesError as error:
        pytest.skip(str(error))
    with registry.session() as session:
        push(base, session.registry(registry.host), "base", "1")
    before = nothing_left.picture()
    kubectl = Kubectl(plane.binary("kubectl"), plane.kubeconfig)
    with (
        RealNodes(plane, programs=programs, registry=f"http://{registry.host}") as nodes,
        Connection(plane.kubeconfig, plane.context) as connection,
    ):
        kubectl("create", "namespace", JOBS)
        kubectl(
            "create", "-n", JOBS, "-f", "-", given=json.dumps({"apiVersion": "v1", "kind": "List", "items": POLICIES})
        )
        yield Lab(nodes, kubectl, Api.of(connection), before, plane.server, registry.host)
        kubectl("delete", "namespace", JOBS, "--wait=false")


def targets(lab: Lab, way_out: str = "") -> list[Target]:
    address = lab.nodes.address_of_host
    kubelet = f"{address.rpartition('.')[0]}.{10 + list(Arch).index(native_here())}:{files.KUBELET_PORT}"
    return usual_targets(server=lab.server, gateway=address, kubelet=kubelet, registry=lab.registry, way_out=way_out)


def isolate(lab: Lab, namespace: str, name: str, way: str) -> None:
    """Let a pod exchange packets with this machine only, or with other pods again."""
    index = lab.says(name, "cat /sys/class/net/eth0/iflink", namespace).strip()
    links = json.loads(subprocess.run(["ip", "-json", "link"], capture_output=True, check=True).stdout)
    (link,) = [one["ifname"] for one in links if str(one["ifindex"]) == index]
    subprocess.run(["ip", "link", "set", "dev", link, "type", "bridge_slave", "isolated", way], check=True)


def why_no_packet_filter() -> str:
    """Why no enforced policy can be played here; empty: it can."""
    done = subprocess.run(["unshare", "-n", "iptables", "-L"], capture_output=True, text=True, check=False)
    return done.stderr


def drop(lab: Lab, name: str, port: int) -> None:
    """Drop a pod's packets to a port, in its own network namespace, with which the rule is gone."""
    uid = lab.kubectl("get", "pod", "-n", JOBS, name, "-o", "jsonpath={.metadata.uid}")
    # The first one is the sandbox: others may be about to end.
    first = min(int(path.parent.name) for path in Path("/proc").glob("[0-9]*/cgroup") if uid in text(path))
    rule = ["iptables", "-w", "10", "-A", "OUTPUT", "-p", "tcp", "--dport", str(port), "-j", "DROP"]
    subprocess.run(["nsenter", f"--net=/proc/{first}/ns/net", *rule], check=True)


def text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # it has just ended
        return ""


def test_policies_are_told_as_ignored_by_this_network_as_enforced_where_packets_are_dropped_and_else_as_unknown(
    lab: Lab,
) -> None:
    with (
        WayOut(lab.nodes.address_of_host, lab.nodes.subnet) as way_out,
        Canary(lab.api, BUSYBOX, job_namespace=JOBS, listens_on=NATIVE, asks_from=NATIVE) as canary,
    ):
        wanted = [*targets(lab, way_out.url), *canary.targets]
        lab.job("tries", NATIVE)
        lab.ready("tries")

        def tried() -> Reach:
            said.update(parsed(lab.says("tries", script(wanted))))
            return reach_of(wanted, said, enforced(canary.forbids, canary.control(), said))

        said: dict[str, str] = {}
        told = tried()
        assert told.policies_enforced is Verdict.NO, told
        assert (said[CANARY], said[OPEN], said["way-out"]) == ("reached", "reached", "reached")
        assert (said["kubelet"], said["metadata"], said["api-host"]) == ("reached", "no answer", "refused")
        assert len(told.tries) == len(wanted)

        for way, verdict in (("on", Verdict.UNKNOWN), ("off", Verdict.NO)):
            isolate(lab, JOBS, "tries", way)
            isolate(lab, canary.namespace, "canary", way)
            assert tried().policies_enforced is verdict

        if why := why_no_packet_filter():
            pytest.skip(f"no packet filter here that plays an enforced policy: {why}")
        drop(lab, "tries", PORT)
        told = tried()
        assert (said[CANARY], said[OPEN]) == ("no answer", "reached")
        assert told.policies_enforced is Verdict.YES, told
    assert canary.gone.verdict is Verdict.YES, canary.gone


def test_a_job_on_the_emulated_node_gets_out_by_the_way_out_and_not_to_this_machine(lab: Lab) -> None:
    with WayOut(lab.nodes.address_of_host, lab.nodes.subnet) as way_out:
        lab.job("fetches", EMULATED, **way_out.variables())
        lab.ready("fetches")
        said = lab.says("fetches", "wget -q -O - http://deb.debian.org/debian/dists/stable/Release | head -n 1 || true")
        assert said.startswith("Origin: Debian") or way_out.asked().failed, (said, way_out.asked())
        said = lab.says("fetches", "unset no_proxy NO_PROXY; wget -O - http://127.0.0.1:10250/ 2>&1 || true")
        assert "403" in said
        assert list(way_out.asked().refused) == ["127.0.0.1:10250: it is this machine itself"]


def test_a_pod_that_is_gone_from_the_api_has_left_no_container_and_what_runs_is_named(lab: Lab) -> None:
    lab.job("stays", EMULATED)
    lab.ready("stays")
    assert {f"{JOBS}/stays/(sandbox)", f"{JOBS}/stays/build"} <= set(lab.nodes.containers()[EMULATED] or ())
    told = nothing_left.pods_ended(lab.nodes.containers, [f"{JOBS}/stays"], 1)
    assert told.verdict is Verdict.NO
    assert f"{EMULATED} still runs {JOBS}/stays/(sandbox), {JOBS}/stays/build" in told.because
    lab.kubectl("delete", "pods", "-n", JOBS, "--all", "--timeout=60s")
    told = nothing_left.pods_ended(lab.nodes.containers, [f"{JOBS}/{name}" for name in ("tries", "fetches", "stays")])
    assert told.verdict is Verdict.YES, told


def test_after_the_end_nothing_is_left_and_a_node_that_is_gone_cannot_be_asked(lab: Lab) -> None:
    assert nothing_left.nothing_left(lab.before).verdict is Verdict.NO, "nodes are up"
    containers = lab.nodes.containers
    lab.nodes.stop()
    told = nothing_left.nothing_left(lab.before)
    assert told.verdict is Verdict.YES, told
    assert nothing_left.pods_ended(containers, [f"{JOBS}/stays"], 1).verdict is Verdict.UNKNOWN
