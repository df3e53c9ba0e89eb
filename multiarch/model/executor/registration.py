"""What the runner runs with after the chart's start script registered it.

The chart's ConfigMap holds `config.toml` (global keys only) and `config.template.toml`; its start script copies the
first and runs `gitlab-runner register --template-config` with the second. `register` fills its runner from flags and
from the pod's environment, then merges the template **only into what is still empty** (commands/register.go MergeTo,
mergo). With `runners.configOverride` there is no template: config.toml is the whole truth.
"""

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from multiarch.model.executor.config import (
    NOT_OF_THE_POD,
    RENDERED_KEYS,
    ConfigInvalid,
    ExecutorConfig,
    config_of,
    parse_config,
)

_ENVIRONMENT_KEYS = RENDERED_KEYS | NOT_OF_THE_POD
_BOOLEANS: Mapping[str, bool] = {"true": True, "1": True, "false": False, "0": False}
_NAME_FLAG = re.compile(r'--name="([^"]*)"')


def effective_config(data: Mapping[str, str], environment: Mapping[str, str], token: str = "") -> ExecutorConfig:
    """Return the config of the runner that a release's ConfigMap makes.

    `data` is the ConfigMap's, `environment` the manager container's literal variables, `token` the runner's token or a
    placeholder. Raises ConfigInvalid where registration would fail.
    """
    if "config.toml" not in data:
        raise ConfigInvalid("the release's ConfigMap has no config.toml: this is not the gitlab-runner chart's")
    if "config.template.toml" not in data:
        return parse_config(data["config.toml"])
    whole = _toml(data["config.toml"], "config.toml")
    template = parse_config(data["config.template.toml"])
    registered = _registered(environment, token)
    name = _NAME_FLAG.search(data.get("register-the-runner", ""))
    if name:
        registered["name"] = name.group(1)
    merged = merge_empty(registered, {key: value for key, value in template.raw.items() if key != "token"})
    return config_of({**whole, "runners": [*whole.get("runners", []), merged]})


def merge_empty(target: Mapping[str, Any], source: Mapping[str, Any]) -> dict[str, Any]:
    """Fill what is empty in `target` from `source`, into tables as deep as they go: what mergo.Merge does.

    Go's empty values count as empty: `""`, `0`, `false`, an empty list.
    """
    result = dict(target)
    for key, value in source.items():
        current = result.get(key)
        if isinstance(current, dict) and isinstance(value, dict):
            result[key] = merge_empty(current, value)
        elif current in (None, "", 0, False, [], {}):
            result[key] = value
    return result


def _registered(environment: Mapping[str, str], token: str) -> dict[str, Any]:
    """Return what `register` has before the template: `KUBERNETES_<KEY>` variables set the key of the same name."""
    kubernetes: dict[str, Any] = {}
    for variable, text in environment.items():
        key = variable.removeprefix("KUBERNETES_").lower()
        if not variable.startswith("KUBERNETES_") or key not in _ENVIRONMENT_KEYS or not text:
            continue
        kubernetes[key] = _BOOLEANS.get(text, text) if key in ("privileged", "allow_privilege_escalation") else text
    return {
        "name": environment.get("RUNNER_NAME", ""),
        "url": environment.get("CI_SERVER_URL", ""),
        "executor": environment.get("RUNNER_EXECUTOR", "kubernetes"),
        "token": token,
        "kubernetes": kubernetes,
    }


def _toml(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigInvalid(f"{name} is not valid TOML: {error}") from error
