"""A canary goes as it came, whatever happens, and what goes wrong with it is an answer and no error."""

from collections.abc import Mapping
from typing import Any

import pytest

from multiarch.cluster.api import Api, ApiRefused
from multiarch.core.verdict import Verdict
from multiarch.rehearse.live import canary
from multiarch.rehearse.live.canary import Canary
from multiarch.rehearse.live.reach import CANARY, OPEN

PATH = "/api/v1/namespaces"
DNS = {"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}], "ports": [{"port": 53}]}
SPEC = {"podSelector": {}, "policyTypes": ["Egress"], "egress": [DNS]}
REACHED_IT = "multiarch-reach [canary] reached"
POLICIES = [{"metadata": {"name": "allow-dns"}, "spec": SPEC}]


class FakeApi(Api):
    """An API server whose kubelets are quick: a canary runs, a control says what it is told to."""

    def __init__(
        self, control: str = "multiarch-reach [canary] reached\nmultiarch-reach [canary-open] reached"
    ) -> None:
        self.control = control
        self.there: dict[str, Mapping[str, Any]] = {}
        self.seen: list[str] = []
        self.waiting: dict[str, Any] | None = None
        self.interrupted = False

    def create(self, path: str, body: Mapping[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        del dry_run
        name = body["metadata"]["name"]
        self.there[f"{path}/{name}"] = body
        self.seen.append(name)
        return {"metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}}}

    def get(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        del query
        if self.interrupted:
            raise KeyboardInterrupt
        if self.waiting is not None:
            status: dict[str, Any] = {"phase": "Pending", "containerStatuses": [{"state": {"waiting": self.waiting}}]}
        elif path.endswith("/canary"):
            status = {"phase": "Running", "podIP": "10.231.1.7"}
        else:
            ended = {"terminated": {"exitCode": 0, "message": self.control}}
            status = {"phase": "Succeeded", "containerStatuses": [{"state": ended}]}
        return {"metadata": {"labels": {}}, "status": status}

    def items(self, path: str, query: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        del path, query
        return POLICIES

    def delete(self, path: str, query: Mapping[str, str] | None = None) -> None:
        del query
        self.there = {one: body for one, body in self.there.items() if not one.startswith(path)}

    def find(self, path: str) -> dict[str, Any] | None:
        return dict(self.there[path]) if path in self.there else None


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canary, "_SECONDS", 0.5)
    monkeypatch.setattr(canary, "_LISTENING_SECONDS", 0.3)
    monkeypatch.setattr(canary, "_EVERY", 0.05)


def made(api: Api) -> Canary:
    return Canary(api, "busybox", job_namespace="jobs", listens_on="a", asks_from="b")


def test_a_canary_is_forbidden_at_one_port_and_open_at_one_that_the_policies_allow_and_goes_whole() -> None:
    api = FakeApi()
    with made(api) as one:
        assert one.forbids.verdict is Verdict.YES
        assert {target.key: target.port for target in one.targets} == {CANARY: canary.PORT, OPEN: 53}
        assert one.control().verdict is Verdict.YES
    assert api.seen == [one.namespace, "canary", "control-1", "control-2"], "asked before the job, and after it"
    assert api.there == {}
    assert one.gone.verdict is Verdict.YES


def test_its_pods_have_no_rights_and_need_no_scheduler() -> None:
    api = FakeApi()
    with made(api):
        specs = {path.rpartition("/")[2]: body["spec"] for path, body in api.there.items() if "/pods/" in path}
    assert {name: spec["nodeName"] for name, spec in specs.items()} == {"canary": "a", "control-1": "b"}
    for spec in specs.values():
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        (container,) = spec["containers"]
        assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


@pytest.mark.parametrize(
    "said", ["multiarch-reach [canary] no answer", "", f"{REACHED_IT}\nmultiarch-reach [canary-open] refused"]
)
def test_a_control_that_did_not_reach_every_port_is_no_control(said: str) -> None:
    with made(FakeApi(said)) as one:
        assert one.control().verdict in {Verdict.NO, Verdict.UNKNOWN}


def test_a_canary_that_does_not_run_says_why_in_kubernetes_words_and_goes() -> None:
    api = FakeApi()
    api.waiting = {"reason": "ImagePullBackOff", "message": "no such image"}
    with made(api) as one:
        assert (one.control().verdict, one.targets) == (Verdict.UNKNOWN, [])
        assert "ImagePullBackOff: no such image" in one.control().because
        assert one.forbids.verdict is Verdict.UNKNOWN
    assert api.there == {}


def test_ctrl_c_while_it_is_made_takes_it_away() -> None:
    api = FakeApi()
    api.interrupted = True
    with pytest.raises(KeyboardInterrupt), made(api):
        pass
    assert api.there == {}
    assert api.seen


def test_a_namespace_that_is_refused_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise ApiRefused(403, "Forbidden", "namespaces is forbidden")

    monkeypatch.setattr(FakeApi, "create", refused)
    with made(FakeApi()) as one:
        assert one.control().verdict is Verdict.UNKNOWN
        assert "namespaces is forbidden" in one.control().because


def test_a_namespace_that_stays_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeApi, "delete", lambda *_, **__: None)
    with made(FakeApi()) as one:
        pass
    assert one.gone.verdict is Verdict.NO
    assert one.namespace in one.gone.because
