"""Real containers on a node of each architecture; and this machine afterwards, which is as it was before."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from multiarch.core.waiting import wait_while
from multiarch.rehearse.control_plane.errors import KeptPlaneError, StartError
from multiarch.rehearse.control_plane.plane import ControlPlane
from multiarch.rehearse.control_plane.sources import Binaries
from multiarch.rehearse.live import digests
from multiarch.rehearse.live.nothing_left import processes_of_nodes
from multiarch.rehearse.mirror.registry import LocalRegistry
from multiarch.rehearse.nodes import binfmt, files, journal, real
from multiarch.rehearse.nodes.architectures import Arch, native_here
from multiarch.rehearse.nodes.real import RealNodes
from tests.nodes.lab import machine
from tests.nodes.lab.images import SAYS
from tests.nodes.lab.pods import Kubectl
from tests.repository import ROOT

PLAYED = '{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "played", "labels": {"played": "yes"}}}'
TOLERATIONS = [{"key": "kubernetes.io/arch", "operator": "Exists"}]


def on(arch: Arch) -> dict[str, Any]:
    return {"selector": {"kubernetes.io/arch": str(arch)}, "tolerations": TOLERATIONS}


def test_a_pod_on_each_node_says_its_architecture_and_nothing_is_left_when_the_nodes_end(
    make_nodes: RealNodes, kubectl: Kubectl, registry: LocalRegistry, says: str
) -> None:
    before = machine.state()
    with make_nodes as nodes:
        for arch in Arch:
            says_its_machine(kubectl, arch)
            takes_its_own_image_out_of_an_index(kubectl, arch, f"lab.example/says@{says}")
            takes_its_own_image_out_of_an_index(kubectl, arch, f"{registry.host}/says:1")
        finds_what_stands_in_the_place_of_a_digest(kubectl)
        reaches_host_and_the_other_nodes_pods(kubectl, nodes)
        has_what_its_pool_brings(kubectl)
        is_left_alone_by_kwok(kubectl)
        assert processes_of_nodes(), "pods still run when the nodes end"
    assert machine.differences(before) == []


def says_its_machine(kubectl: Kubectl, arch: Arch) -> None:
    """Logs, exec, and a pod that ends by itself and can be deleted."""
    name = f"says-{arch}"
    kubectl.run(name, "machine", "wait", **on(arch))
    kubectl.await_phase(name, "Running")
    assert kubectl.get("pod", name)["spec"]["nodeName"] == f"real-{arch}"
    assert not wait_while(lambda: kubectl("logs", name) != f"{arch.machine}\n", 20)
    assert kubectl("exec", name, "--", "/says", "machine") == f"{arch.machine}\n"
    kubectl("delete", "pod", name, "--timeout=60s")
    kubectl.run(f"once-{arch}", "machine", **on(arch))
    kubectl.await_phase(f"once-{arch}", "Succeeded")


def takes_its_own_image_out_of_an_index(kubectl: Kubectl, arch: Arch, image: str) -> None:
    """By a digest, and from the registry that the name says; by a tag every pod here does."""
    kubectl.run("chooses", "machine", image=image, **on(arch))
    kubectl.await_phase("chooses", "Succeeded")
    assert kubectl("logs", "chooses") == f"{arch.machine}\n"
    kubectl("delete", "pod", "chooses", "--timeout=60s")


def finds_what_stands_in_the_place_of_a_digest(kubectl: Kubectl) -> None:
    """Of an image that was made here; whoever makes the pod need not know."""
    asked = f"lab.example/helper@sha256:{'0' * 64}"
    for made in (digests.policy({asked: SAYS}), digests.binding()):
        kubectl("create", "-f", "-", given=json.dumps(made))
    try:
        assert not wait_while(lambda: _image_of_dry_run(kubectl, asked) != SAYS, 20)
        takes_its_own_image_out_of_an_index(kubectl, native_here().other, asked)
    finally:
        for kind in ("mutatingadmissionpolicybinding", "mutatingadmissionpolicy"):
            kubectl("delete", kind, digests.POLICY)


def _image_of_dry_run(kubectl: Kubectl, image: str) -> str:
    return kubectl("run", "asks", f"--image={image}", "--dry-run=server", "-o", "jsonpath={.spec.containers[0].image}")


def reaches_host_and_the_other_nodes_pods(kubectl: Kubectl, nodes: RealNodes) -> None:
    """A kubelet answers at an address of this machine; it lets nobody in who has no certificate."""
    kubelet = f"{kubectl.get('node', 'real-amd64')['status']['addresses'][0]['address']}:{files.KUBELET_PORT}"
    assert nodes.address_of_host.rpartition(".")[0] == kubelet.rpartition(".")[0]
    answer = subprocess.run(
        ["curl", "-sk", "-o", "/dev/null", "-w", "%{http_code}", f"https://{kubelet}/pods"],
        capture_output=True, text=True, check=False, timeout=20,
    )  # fmt: skip
    assert answer.stdout == "401"
    for arch in Arch:
        kubectl.run(f"reach-{arch}", kubelet, **on(arch))
        kubectl.await_phase(f"reach-{arch}", "Succeeded")
        kubectl.run(f"stay-{arch}", "wait", **on(arch))
        kubectl.await_phase(f"stay-{arch}", "Running")
    addresses = {kubectl.get("pod", f"stay-{arch}")["status"]["podIP"] for arch in Arch}
    assert len(addresses) == len(Arch)


def has_what_its_pool_brings(kubectl: Kubectl) -> None:
    """A planned pool's labels and taints; and the kubelet's own architecture stands nowhere in the labels."""
    node = kubectl.get("node", "real-arm64")
    labels = node["metadata"]["labels"]
    assert labels["kubernetes.io/arch"] == labels["beta.kubernetes.io/arch"] == "arm64"
    assert labels["pool.example/name"] == "builds"
    assert labels["kubernetes.io/hostname"] == "real-arm64"
    assert ("multiarch-runner.io/emulated" in labels) == (native_here() is Arch.AMD64)
    assert [taint["key"] for taint in node["spec"]["taints"]] == ["kubernetes.io/arch"]


def is_left_alone_by_kwok(kubectl: Kubectl) -> None:
    """It still plays the kubelet of a node that has none."""
    kubectl("create", "-f", "-", given=PLAYED)
    kubectl("wait", "--for=condition=Ready", "node/played", "--timeout=60s")
    assert kubectl.get("node", "played")["status"]["nodeInfo"]["kubeletVersion"].startswith("kwok")
    assert not kubectl.get("node", "real-amd64")["status"]["nodeInfo"]["kubeletVersion"].startswith("kwok")
    kubectl("delete", "node", "played")


def test_an_entry_of_binfmt_misc_that_was_there_stays_as_it_was(make_nodes: RealNodes) -> None:
    foreign = native_here().other
    emulator = binfmt.find_emulator(foreign)
    assert emulator is not None
    mounted = binfmt.is_mounted()
    if not mounted:
        binfmt.mount()
    own = binfmt.registration(foreign, emulator).replace(binfmt.entry_name(foreign), "of-the-user")
    (binfmt.FOLDER / "register").write_text(own.replace(f":{binfmt.FLAGS}", ":F"))
    try:
        before = machine.state()
        with make_nodes:
            assert binfmt.is_registered(binfmt.entry_name(foreign))
        assert machine.differences(before) == []
        assert binfmt.is_registered("of-the-user")
    finally:
        binfmt.remove("of-the-user")
        if not mounted:
            binfmt.unmount()


@pytest.mark.parametrize("broken", ["containerd", "kubelet", "runc"])
def test_a_start_that_fails_says_why_and_undoes_all(
    make_nodes: RealNodes, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """A node whose program ends; for runc, whose want shows at the first pod only, one that cannot be put in place."""
    before, whole = machine.state(), real._spec

    def spec(*given: Any) -> dict[str, Any]:
        made = whole(*given)
        made["programs"][broken] = "/nonexistent/runc" if broken == "runc" else "/bin/false"
        return made

    monkeypatch.setattr(real, "_spec", spec)
    with pytest.raises(StartError, match="nonexistent" if broken == "runc" else f"{broken} "):
        make_nodes.start()
    assert machine.differences(before) == []


def test_ctrl_c_while_they_start_undoes_all(make_nodes: RealNodes, monkeypatch: pytest.MonkeyPatch) -> None:
    before = machine.state()

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(RealNodes, "_await_ready", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make_nodes.start()
    assert machine.differences(before) == []


OWNER = textwrap.dedent("""
    import sys, time
    from multiarch.rehearse.control_plane.plane import ControlPlane
    from multiarch.rehearse.nodes.real import RealNodes
    with ControlPlane(beside_real_nodes=True) as plane, RealNodes(plane, registry=sys.argv[1]) as nodes:
        print(plane.kubeconfig, nodes._journal.done.supervisor, flush=True)
        time.sleep(600)
""")


@pytest.fixture
def owner(mirror: str, programs: Binaries, plane: ControlPlane) -> Any:
    """Nodes in a process of their own, with a pod that runs: its process, and the nodes' supervisor."""
    del programs
    command = [sys.executable, "-c", OWNER, mirror]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        kubeconfig, supervisor = process.stdout.readline().split()
        kubectl = Kubectl(plane.binary("kubectl"), Path(kubeconfig))
        for arch in Arch:
            kubectl.run(f"stay-{arch}", "wait", selector={"kubernetes.io/arch": str(arch)})
            kubectl.await_phase(f"stay-{arch}", "Running")
        yield process, int(supervisor)
        process.kill()


@pytest.mark.parametrize("whom", ["owner", "supervisor", "both"])
def test_after_kill_9_no_process_stays_and_down_undoes_the_rest(
    turn: None, request: pytest.FixtureRequest, whom: str
) -> None:
    del turn
    before = machine.state()
    process, supervisor = request.getfixturevalue("owner")
    if whom != "owner":
        os.kill(supervisor, signal.SIGKILL)
    if whom != "supervisor":
        process.kill()
    assert not wait_while(processes_of_nodes, 30)
    process.kill()
    process.wait()
    assert real.stop_kept() is not None
    assert machine.differences(before) == []


def test_two_pairs_at_a_time_are_refused_and_the_first_stays(
    make_nodes: RealNodes, plane: ControlPlane, programs: Binaries
) -> None:
    with make_nodes as first:
        with pytest.raises(KeptPlaneError, match="multiarch nodes down"):
            RealNodes(plane, programs=programs).start()
        first.check()
        written = journal.read()
        assert written is not None
        assert written.running()


def multiarch(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "multiarch.cli", "nodes", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.usefixtures("programs")
def test_up_leaves_two_nodes_for_kubectl_and_down_leaves_nothing(plane: ControlPlane, mirror: str) -> None:
    before = machine.state()
    up = multiarch("up", "--json", "-", "--registry", mirror)
    try:
        assert up.returncode == 0, up.stderr
        told = json.loads(up.stdout)
        kubectl = Kubectl(plane.binary("kubectl"), Path(told["kubeconfig"]))
        assert {node["name"]: node["emulated"] for node in told["nodes"]} == {
            f"real-{arch}": arch is not native_here() for arch in Arch
        }
        kubectl.run("stays", "machine", "wait", selector={"kubernetes.io/arch": str(native_here())})
        kubectl.await_phase("stays", "Running")
        again = multiarch("up")
        assert again.returncode == 2
        assert "multiarch nodes down" in again.stderr
        kubectl.await_phase("stays", "Running")
    finally:
        down = multiarch("down", "--json", "-")
    assert down.returncode == 0, down.stderr
    assert "ended the control plane" in json.loads(down.stdout)["undone"]
    assert machine.differences(before) == []
    nothing = multiarch("down", "--json", "-")
    assert (nothing.returncode, json.loads(nothing.stdout)["undone"]) == (0, [])
