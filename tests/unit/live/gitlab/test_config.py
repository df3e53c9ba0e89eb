"""The installed config with other connections, and nothing else changed."""

import tomllib
from pathlib import Path
from typing import Any

from multiarch.model.executor import effective_config
from multiarch.rehearse.live.gitlab.config import Connections, check_seconds, config_toml

DATA = {
    "config.toml": 'concurrent = 4\ncheck_interval = 30\nlisten_address = ":9252"\nsentry_dsn = "https://x@s.example/1"\n'
    'shutdown_timeout = 0\n[session_server]\nlisten_address = "0.0.0.0:8093"\n',
    "config.template.toml": """
[[runners]]
  clone_url = "https://git.example"
  builds_dir = "/builds"
  environment = ["A=b"]
  [runners.feature_flags]
    FF_USE_POD_ACTIVE_DEADLINE_SECONDS = true
  [runners.kubernetes]
    namespace = "ci"
    context = "other"
    cap_drop = ["ALL"]
    [runners.kubernetes.node_selector]
      "kubernetes.io/os" = "linux"
    [[runners.kubernetes.services]]
      name = "x"
""",
}
ENVIRONMENT = {"CI_SERVER_URL": "https://gitlab.example", "RUNNER_NAME": "both", "KUBERNETES_NAMESPACE": ""}
INSTALLED = effective_config(DATA, ENVIRONMENT, "glrt-rehearsal")
CONNECTIONS = Connections(
    url="http://10.231.0.1:4000", token="glrt-new-token", server="https://127.0.0.1:6443", ca_file=Path("/t/ca.crt"),
    bearer_token="of-the-account",
)  # fmt: skip


def written() -> dict[str, Any]:
    return tomllib.loads(config_toml([(INSTALLED, CONNECTIONS)]))


def test_only_the_connections_differ_from_what_is_installed() -> None:
    template = tomllib.loads(DATA["config.template.toml"])["runners"][0]
    (runner,) = written()["runners"]
    assert runner["url"] == "http://10.231.0.1:4000"
    assert runner["token"] == "glrt-new-token"
    assert runner["kubernetes"]["host"] == "https://127.0.0.1:6443"
    assert runner["kubernetes"]["ca_file"] == "/t/ca.crt"
    assert runner["kubernetes"]["bearer_token"] == "of-the-account"
    for key in ("url", "token", "name", "executor"):
        runner.pop(key)
    for key in ("host", "ca_file", "bearer_token"):
        runner["kubernetes"].pop(key)
    del template["clone_url"], template["kubernetes"]["context"]
    assert runner == template


def test_what_opens_a_port_of_this_machine_or_sends_errors_away_is_left_out() -> None:
    assert {key: value for key, value in written().items() if key != "runners"} == {
        "concurrent": 4, "check_interval": 30, "shutdown_timeout": 0,
    }  # fmt: skip


def test_no_secret_is_in_how_connections_are_shown() -> None:
    assert "glrt-new-token" not in repr(CONNECTIONS)
    assert "of-the-account" not in repr(CONNECTIONS)


def test_how_often_the_runner_asks_is_read_and_has_gitlabs_default() -> None:
    assert check_seconds(INSTALLED) == 30
    assert check_seconds(effective_config({"config.toml": "[[runners]]\nexecutor = 'kubernetes'\n"}, {})) == 3
