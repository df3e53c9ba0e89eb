"""Security contexts of the pod and its containers (common/config.go GetContainerSecurityContext and around it)."""

import re
from collections.abc import Sequence
from typing import Any

from multiarch.model.executor.table import Table

DEFAULT_CAP_DROP = ("NET_RAW",)
"""Dropped on Linux unless `cap_add` names it (gitlab-runner#26833)."""

_PROFILE_TYPES = frozenset({"RuntimeDefault", "Unconfined", "Localhost"})
_DIGITS = re.compile(r"[+-]?[0-9]+")


def capabilities(settings: Table, own: Table, default_drop: Sequence[str] = DEFAULT_CAP_DROP) -> dict[str, list[str]]:
    """Combine the default drop, `cap_add`, `cap_drop`, and the container's own lists, which replace the former.

    Of the three the later wins per capability; a capability is added or dropped, never both.
    """
    added: dict[str, bool] = dict.fromkeys(default_drop, False)
    added |= dict.fromkeys(settings.texts("cap_add"), True)
    added |= dict.fromkeys(settings.texts("cap_drop"), False)
    merged = {
        "add": [name for name, add in added.items() if add],
        "drop": [name for name, add in added.items() if not add],
    }
    lists = own.table("capabilities")
    for key in ("add", "drop"):
        if key in lists.values:
            merged[key] = list(lists.texts(key))
    return {key: names for key, names in merged.items() if names}


def container_context(
    settings: Table, context_key: str, user: str = "", default_drop: Sequence[str] = DEFAULT_CAP_DROP
) -> dict[str, Any]:
    """Return the securityContext of one container.

    `context_key` names its table (`build_container_security_context`, ...). `user` is the job's `uid[:gid]`, which
    counts only where neither the container nor the pod sets one and the allow-lists let it through.
    """
    own = settings.table(context_key)
    result: dict[str, Any] = {
        "capabilities": capabilities(settings, own, default_drop) or None,
        "privileged": _own_or_shared(own, settings, "privileged"),
        "allowPrivilegeEscalation": _own_or_shared(own, settings, "allow_privilege_escalation"),
        "runAsNonRoot": own.maybe_flag("run_as_non_root"),
        "readOnlyRootFilesystem": own.maybe_flag("read_only_root_filesystem"),
        "procMount": _proc_mount(own.text("proc_mount")),
        "seLinuxOptions": _selinux(own),
        "seccompProfile": _profile(own.table("seccomp_profile")),
        "appArmorProfile": _profile(own.table("app_armor_profile")),
        "runAsUser": _identity(settings, own, "run_as_user", user.partition(":")[0], "allowed_users"),
        "runAsGroup": _identity(settings, own, "run_as_group", user.partition(":")[2], "allowed_groups"),
    }
    return {key: value for key, value in result.items() if value is not None}


def init_context(settings: Table, default_drop: Sequence[str] = DEFAULT_CAP_DROP) -> dict[str, Any]:
    """Return the securityContext of `init-permissions`, which no job's user reaches."""
    key = "init_permissions_container_security_context"
    context = container_context(settings, key, default_drop=default_drop)
    own = settings.table(key)
    # Only run_as_* of its own table: buildPermissionsInitContainer asks for no UID.
    for name, source in (("runAsUser", "run_as_user"), ("runAsGroup", "run_as_group")):
        if own.maybe_number(source) is None:
            context.pop(name, None)
    return context


def pod_context(settings: Table) -> dict[str, Any] | None:
    """Return the pod's securityContext, or None where nothing is set."""
    own = settings.table("pod_security_context")
    result: dict[str, Any] = {
        "fsGroup": own.maybe_number("fs_group"),
        "runAsGroup": own.maybe_number("run_as_group"),
        "runAsNonRoot": own.maybe_flag("run_as_non_root"),
        "runAsUser": own.maybe_number("run_as_user"),
        "supplementalGroups": list(own.numbers("supplemental_groups")) or None,
        "seLinuxOptions": _selinux(own),
        "seccompProfile": _profile(own.table("seccomp_profile")),
        "appArmorProfile": _profile(own.table("app_armor_profile")),
    }
    return {key: value for key, value in result.items() if value is not None} or None


def _own_or_shared(own: Table, settings: Table, key: str) -> bool | None:
    value = own.maybe_flag(key)
    return settings.maybe_flag(key) if value is None else value


def _selinux(own: Table) -> dict[str, str] | None:
    kind = own.text("selinux_type")
    return {"type": kind} if kind else None


def _proc_mount(text: str) -> str | None:
    name = text.strip().title()
    return name if name in ("Default", "Unmasked") else None


def _profile(own: Table) -> dict[str, str] | None:
    """Return a seccomp or AppArmor profile; upstream logs an invalid one and goes on without it."""
    kind, local = own.text("type"), own.text("localhost_profile")
    if kind not in _PROFILE_TYPES or (kind == "Localhost" and not local):
        return None
    return {"type": kind, "localhostProfile": local} if kind == "Localhost" else {"type": kind}


def _identity(settings: Table, own: Table, key: str, wanted: str, allow_key: str) -> int | None:
    for table in (own, settings.table("pod_security_context")):
        configured = table.maybe_number(key)
        if configured is not None:
            # The pod's own setting is repeated on the container, as upstream does.
            return configured
    if not _DIGITS.fullmatch(wanted) or int(wanted) < 0:
        return None
    number, allowed = int(wanted), settings.texts(allow_key)
    listed = any(_DIGITS.fullmatch(entry) and int(entry) == number for entry in allowed)
    # Root needs to be listed even where the list is empty.
    return number if listed or (number != 0 and not allowed) else None
