"""How the cluster is reached: the kubeconfig, its context, and what it calls the cluster. Asks no cluster."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from components.problems import ConfigError, Problem
from ops.kubernetes.kubeconfig import Purpose, find_context
from ops.kubernetes.login import located
from ops.onboard.look.identity import KubeconfigNames

ONBOARDING = Purpose(
    unnamed="whichever cluster happens to be current would get a runner",
    consequence="there is no cluster to look at",
    instead="",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A context that is there: its server, and what the kubeconfig calls its parts."""

    server: str
    names: KubeconfigNames


def access_of(kubeconfig: Path, context: str) -> Access:
    """Find a context. Raises ConfigError where file or context are not there, or its login plugin is not installed."""
    entry = find_context(kubeconfig, context, ONBOARDING)
    document = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
    mine = _named(document, "contexts", context).get("context") or {}
    user = _named(document, "users", str(mine.get("user") or "")).get("user") or {}
    plugin = user.get("exec") or {}
    command = str(plugin.get("command") or "")
    if command and shutil.which(located(command, kubeconfig.resolve().parent)) is None:
        raise ConfigError([_no_plugin(kubeconfig, context, command, str(plugin.get("installHint") or ""))])
    names = KubeconfigNames(
        context=context,
        cluster=str(mine.get("cluster") or ""),
        user=str(mine.get("user") or ""),
        arguments=tuple(str(argument) for argument in plugin.get("args") or []),
    )
    return Access(server=entry.server, names=names)


def _named(document: dict[str, Any], key: str, name: str) -> dict[str, Any]:
    entries = document.get(key)
    found = (entry for entry in entries or [] if isinstance(entry, dict) and entry.get("name") == name)
    return next(found, {})


def _no_plugin(kubeconfig: Path, context: str, command: str, hint: str) -> Problem:
    fix = hint.strip().splitlines()[0] if hint.strip() else f"Install {command}, and log in."
    return Problem(
        path="--context",
        found=f"'{context}' of {kubeconfig} logs in by `{command}`, which is not on PATH",
        consequence="the cluster would see nobody's credentials",
        fix=fix,
    )
