from pathlib import Path

import pytest
import yaml

from multiarch.rehearse.control_plane import programs
from multiarch.rehearse.control_plane.processes import Program, describe_exit

LAYOUT = programs.Layout(Path("/data/plane"))
BINARY = Path("/bin/program")

PROGRAMS: list[Program] = [
    programs.etcd(BINARY, LAYOUT),
    programs.api_server(BINARY, LAYOUT, 40123),
    programs.controller_manager(BINARY, LAYOUT),
    programs.scheduler(BINARY, LAYOUT),
    programs.kwok(BINARY, LAYOUT),
]


def flags(program: Program) -> dict[str, str]:
    return dict(flag.removeprefix("--").partition("=")[::2] for flag in program.argv[1:])


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_nothing_of_the_users_environment_reaches_a_program(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example")
    assert set(program.env) == {"HOME", "PATH", "GOMEMLIMIT", "GOGC"}
    assert program.env["HOME"] == str(LAYOUT.root)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_no_secret_is_on_a_command_line(program: Program) -> None:
    text = " ".join(program.argv)
    assert "BEGIN" not in text
    assert not {"token", "password"} & {name.split("-")[-1] for name in flags(program)}


def test_only_the_api_server_has_a_port_and_only_on_loopback() -> None:
    api = flags(programs.api_server(BINARY, LAYOUT, 40123))
    assert (api["bind-address"], api["secure-port"]) == ("127.0.0.1", "40123")
    assert flags(programs.controller_manager(BINARY, LAYOUT))["secure-port"] == "0"
    assert flags(programs.scheduler(BINARY, LAYOUT))["secure-port"] == "0"
    etcd = flags(programs.etcd(BINARY, LAYOUT))
    assert all(value.startswith("unix://") for name, value in etcd.items() if name.startswith("listen-"))
    assert etcd["listen-client-urls"] == api["etcd-servers"]
    assert "server-address" not in flags(programs.kwok(BINARY, LAYOUT))


def test_the_api_server_authorizes_as_a_real_cluster_does() -> None:
    api = flags(programs.api_server(BINARY, LAYOUT, 40123))
    assert api["authorization-mode"] == "Node,RBAC"
    assert api["anonymous-auth"] == "false"
    assert "disable-admission-plugins" not in api


def test_the_controllers_that_a_pod_waits_for_are_all_run() -> None:
    run = flags(programs.controller_manager(BINARY, LAYOUT))["controllers"].split(",")
    assert {"node-lifecycle-controller", "serviceaccount-token-controller", "namespace-controller"} <= set(run)
    assert run == sorted(set(run))


def test_every_stage_is_for_nodes_or_pods_and_pods_that_are_deleted_are_let_go() -> None:
    stages = list(yaml.safe_load_all(LAYOUT.stages.read_text(encoding="utf-8")))
    assert {stage["spec"]["resourceRef"]["kind"] for stage in stages} == {"Node", "Pod"}
    assert len({stage["metadata"]["name"] for stage in stages}) == len(stages)
    assert [s["metadata"]["name"] for s in stages if s["spec"]["next"].get("delete")] == ["pod-delete"]


def test_an_exit_is_told_as_code_or_signal() -> None:
    assert describe_exit(1) == "exit code 1"
    assert describe_exit(-9) == "signal 9"
