"""The installed config with other connections, and nothing else changed."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from multiarch.model.executor import effective_config, parse_config
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


SECOND = Connections(
    url="http://10.231.0.1:4000", token="glrt-second", server="https://127.0.0.1:6443", ca_file=Path("/t/ca.crt"),
    bearer_token="of-the-second-account",
)  # fmt: skip


def both(first: str, second: str) -> dict[str, Any]:
    configs = [
        parse_config(f"{above}\n[[runners]]\n[runners.kubernetes]\nnamespace = 'n'\n") for above in (first, second)
    ]
    return tomllib.loads(config_toml(list(zip(configs, [CONNECTIONS, SECOND], strict=True))))


def test_two_runners_are_two_sections_each_with_its_own_token_and_account() -> None:
    runners = both("concurrent = 4", "concurrent = 2")["runners"]
    assert [(one["token"], one["kubernetes"]["bearer_token"]) for one in runners] == [
        ("glrt-new-token", "of-the-account"), ("glrt-second", "of-the-second-account"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("first", "second", "limits", "concurrent"),
    [("concurrent = 4", "concurrent = 2", [4, 2], 6), ("", "concurrent = 3", [1, 3], 4)],
)
def test_no_runner_of_one_process_takes_the_places_of_the_other(
    first: str, second: str, limits: list[int], concurrent: int
) -> None:
    written = both(first, second)
    assert [one["limit"] for one in written["runners"]] == limits
    assert written["concurrent"] == concurrent


def test_one_process_asks_as_often_as_the_one_of_its_runners_that_asks_most() -> None:
    assert both("check_interval = 30", "check_interval = 7")["check_interval"] == 7
    assert both("check_interval = 30\nlog_level = 'info'", "log_level = 'debug'")["check_interval"] == 3
    assert both("log_level = 'info'", "log_level = 'debug'")["log_level"] == "info"
