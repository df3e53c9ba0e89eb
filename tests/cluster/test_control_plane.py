"""What the embedded control plane must do for a rehearsal to mean anything."""

import json
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from kubernetes import client

from components.problems import ConfigError
from multiarch.cluster.connection import Connection
from multiarch.cluster.errors import UnreachableError
from multiarch.rehearse.control_plane.existing import use_existing
from multiarch.rehearse.control_plane.plane import ControlPlane

PATIENCE = 20.0
T = TypeVar("T")
Api = Any  # upstream's types know its model classes only; the client takes plain dicts as well


def eventually(what: Callable[[], T | None], seconds: float = PATIENCE) -> T:
    deadline = time.monotonic() + seconds
    while (found := what()) is None:
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)
    return found


def message_of(error: client.ApiException) -> str:
    return str(json.loads(error.body or "")["message"])


def container(**security: Any) -> dict[str, Any]:
    return {"name": "main", "image": "registry.example/app:1", "securityContext": security}


def pod(name: str, spec: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, **metadata}, "spec": spec}


@pytest.fixture(scope="module")
def core(connection: Connection) -> Api:
    return client.CoreV1Api(connection.api)


@pytest.fixture(scope="module")
def node(core: Api) -> Iterator[str]:
    name = "cp-arm64-0"
    status = {
        "allocatable": {"cpu": "8", "memory": "32Gi", "pods": "110"},
        "capacity": {"cpu": "8", "memory": "32Gi", "pods": "110"},
    }
    labels = {"kubernetes.io/arch": "arm64", "kubernetes.io/os": "linux", "cp-test": "yes"}
    core.create_node({"metadata": {"name": name, "labels": labels}, "status": status})
    yield name
    core.delete_node(name)


@pytest.fixture
def namespace(core: Api) -> Iterator[str]:
    labels = {"pod-security.kubernetes.io/enforce": "baseline"}
    made = core.create_namespace({"metadata": {"generateName": "cp-", "labels": labels}}).metadata.name
    eventually(lambda: account_of(core, made))
    yield made
    core.delete_namespace(made)


def account_of(core: Api, namespace: str) -> object | None:
    accounts = core.list_namespaced_service_account(namespace).items
    return next((account for account in accounts if account.metadata.name == "default"), None)


def test_api_server_answers_in_its_pinned_version(control_plane: ControlPlane, connection: Connection) -> None:
    assert connection.version() == control_plane.versions["kube-apiserver"]


def test_everything_secret_is_readable_by_its_owner_only(control_plane: ControlPlane) -> None:
    assert stat.S_IMODE(control_plane.data.stat().st_mode) == 0o700
    secret = [control_plane.kubeconfig, *control_plane.data.glob("*.kubeconfig"), *control_plane.data.glob("pki/*")]
    assert len(secret) > 8
    assert {path: stat.S_IMODE(path.stat().st_mode) for path in secret} == dict.fromkeys(secret, 0o600)


def test_it_listens_on_loopback_only_and_etcd_on_no_port_at_all(control_plane: ControlPlane) -> None:
    sockets = {name: listening(pid) for name, pid in control_plane.pids.items()}
    assert set(sockets["kube-apiserver"]) == {control_plane.server.removeprefix("https://")}
    assert all(not found for name, found in sockets.items() if name != "kube-apiserver"), sockets


def listening(pid: int) -> list[str]:
    """Addresses of a process's listening TCP sockets, from /proc."""
    own = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            own.add(str(descriptor.readlink()))
        except FileNotFoundError:  # closed meanwhile
            continue
    found = []
    for table in ("tcp", "tcp6"):
        for row in Path(f"/proc/{pid}/net/{table}").read_text(encoding="ascii").splitlines()[1:]:
            words = row.split()
            if words[3] == "0A" and f"socket:[{words[9]}]" in own:
                address, port = words[1].split(":")
                octets = reversed([str(int(address[i : i + 2], 16)) for i in range(0, 8, 2)])
                found.append(f"{'.'.join(octets)}:{int(port, 16)}" if table == "tcp" else words[1])
    return found


def test_anonymous_requests_are_refused(control_plane: ControlPlane) -> None:
    settings = client.Configuration()
    settings.host, settings.ssl_ca_cert = control_plane.server, str(control_plane.data / "pki" / "ca.crt")
    with pytest.raises(client.ApiException) as refused:
        client.CoreV1Api(client.ApiClient(settings)).list_namespace(_request_timeout=5)
    assert refused.value.status == 401


def test_a_node_becomes_ready_and_keeps_what_it_was_made_with(core: Api, node: str) -> None:
    found = eventually(lambda: ready_node(core, node))
    assert found.status.node_info.architecture == "arm64"
    assert found.status.allocatable == {"cpu": "8", "memory": "32Gi", "pods": "110"}
    assert not found.spec.taints


def ready_node(core: Api, name: str) -> Any:
    found = core.read_node(name)
    ready = any(c.type == "Ready" and c.status == "True" for c in found.status.conditions or [])
    return found if ready and not found.spec.taints else None


def running(core: Api, name: str, namespace: str) -> Any:
    found = core.read_namespaced_pod(name, namespace)
    return found if found.status.phase == "Running" else None


@pytest.mark.usefixtures("node")
def test_a_pod_is_scheduled_by_its_selector_and_runs(core: Api, namespace: str) -> None:
    spec = {
        "initContainers": [{**container(), "name": "first"}],
        "containers": [container()],
        "nodeSelector": {"kubernetes.io/arch": "arm64", "cp-test": "yes"},
    }
    core.create_namespaced_pod(namespace, pod("job", spec))
    found = eventually(lambda: running(core, "job", namespace))
    assert found.spec.node_name == "cp-arm64-0"
    assert found.status.pod_ip
    assert all(status.ready for status in found.status.container_statuses)
    core.delete_namespaced_pod("job", namespace)
    eventually(lambda: None if core.list_namespaced_pod(namespace).items else True)


@pytest.mark.usefixtures("node")
def test_a_pod_that_no_node_suits_stays_pending_with_the_schedulers_reason(core: Api, namespace: str) -> None:
    spec = {"containers": [container()], "nodeSelector": {"kubernetes.io/arch": "s390x"}}
    core.create_namespaced_pod(namespace, pod("nowhere", spec))

    def refused() -> str | None:
        for condition in core.read_namespaced_pod("nowhere", namespace).status.conditions or []:
            if condition.type == "PodScheduled" and condition.status == "False":
                return str(condition.message)
        return None

    assert "didn't match Pod's node affinity/selector" in eventually(refused)


@pytest.mark.usefixtures("node")
def test_a_pod_completes_when_it_asks_to(core: Api, namespace: str) -> None:
    annotations = {"multiarch-runner.io/rehearsal": "complete"}
    spec = {"containers": [container()], "nodeSelector": {"cp-test": "yes"}, "restartPolicy": "Never"}
    core.create_namespaced_pod(namespace, pod("short", spec, annotations=annotations))
    eventually(lambda: core.read_namespaced_pod("short", namespace).status.phase == "Succeeded" or None)


@pytest.mark.usefixtures("node")
def test_a_deployment_and_a_job_are_carried_out_by_the_controllers(connection: Connection, namespace: str) -> None:
    labels = {"app": "cp"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container()]}}
    apps: Api = client.AppsV1Api(connection.api)
    batch: Api = client.BatchV1Api(connection.api)
    deployment = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    apps.create_namespaced_deployment(namespace, {"metadata": {"name": "two"}, "spec": deployment})
    job = {"template": {"spec": {"containers": [container()], "restartPolicy": "Never"}}}
    batch.create_namespaced_job(namespace, {"metadata": {"name": "once"}, "spec": job})

    def available() -> bool | None:
        return apps.read_namespaced_deployment("two", namespace).status.ready_replicas == 2 or None

    eventually(available)
    eventually(lambda: batch.read_namespaced_job("once", namespace).status.succeeded)


def test_pod_security_refuses_a_privileged_pod_under_baseline(core: Api, namespace: str) -> None:
    with pytest.raises(client.ApiException) as refused:
        core.create_namespaced_pod(namespace, pod("root", {"containers": [container(privileged=True)]}))
    assert refused.value.status == 403
    assert 'violates PodSecurity "baseline:latest": privileged' in message_of(refused.value)


def test_rbac_forbids_what_was_not_granted_and_a_token_says_who_asks(
    control_plane: ControlPlane, core: Api, namespace: str
) -> None:
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    token = core.create_namespaced_service_account_token("default", namespace, request).status.token
    settings = client.Configuration()
    settings.host, settings.ssl_ca_cert = control_plane.server, str(control_plane.data / "pki" / "ca.crt")
    settings.api_key = {"BearerToken": f"Bearer {token}"}
    with pytest.raises(client.ApiException) as refused:
        client.CoreV1Api(client.ApiClient(settings)).list_namespaced_pod(namespace, _request_timeout=5)
    assert refused.value.status == 403
    assert f'"system:serviceaccount:{namespace}:default" cannot list resource' in message_of(refused.value)


def test_kwok_may_play_the_kubelet_but_not_the_administrator(control_plane: ControlPlane) -> None:
    kubeconfig = control_plane.data / "kwok.kubeconfig"
    with Connection(kubeconfig, control_plane.context) as kwok:
        core = client.CoreV1Api(kwok.api)
        core.list_node()
        with pytest.raises(client.ApiException) as refused:
            core.list_secret_for_all_namespaces()
    assert refused.value.status == 403


def test_a_deleted_namespace_goes(core: Api) -> None:
    made = core.create_namespace({"metadata": {"generateName": "cp-gone-"}}).metadata.name
    core.delete_namespace(made)
    eventually(lambda: None if made in [n.metadata.name for n in core.list_namespace().items] else True)


def test_use_existing_serves_a_named_context_and_ends_nothing(control_plane: ControlPlane) -> None:
    with use_existing(control_plane.kubeconfig, control_plane.context) as existing:
        assert existing.server == control_plane.server
        assert existing.versions["kube-apiserver"] == control_plane.versions["kube-apiserver"]
        assert not existing.embedded
    existing.stop()
    control_plane.check()
    use_existing(control_plane.kubeconfig, control_plane.context)


def test_a_context_that_is_absent_is_told_with_those_there_are(control_plane: ControlPlane) -> None:
    with pytest.raises(ConfigError, match="it has: multiarch-rehearsal"):
        use_existing(control_plane.kubeconfig, "kind-other")


def test_a_server_with_another_authority_is_not_trusted(control_plane: ControlPlane, tmp_path: Path) -> None:
    with ControlPlane(control_plane._had()) as other:
        text = other.kubeconfig.read_text(encoding="utf-8").replace(other.server, control_plane.server)
        (tmp_path / "config").write_text(text, encoding="utf-8")
        with (
            Connection(tmp_path / "config", other.context) as wrong,
            pytest.raises(UnreachableError, match="is not trusted"),
        ):
            wrong.version()
