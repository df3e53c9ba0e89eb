"""What a rehearsal puts where a real run has a secret or a file: so that a stack can be planned anywhere. Pure."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path

from components.stack_keys import BUILDKIT_TOKEN, MIRROR_PASSWORD, NAMESPACE, RUNNER_TOKEN
from multiarch.model.stack_file import SECRET_PLACEHOLDERS

_CLUSTER_KEY = f"{NAMESPACE}:cluster"
_RUNNER_KEY = f"{NAMESPACE}:runner"


def with_placeholder_token(
    values: Mapping[str, str], secret_keys: Collection[str]
) -> tuple[dict[str, str], frozenset[str], tuple[str, ...]]:
    """Add a placeholder for each token and password that the stack needs and does not hold.

    Returns values, secret keys, and for which keys a placeholder was added, without their namespace.
    """
    runner = _mapping(values.get(_RUNNER_KEY))
    buildkit = runner.get("buildkit") if runner else None
    needing = {RUNNER_TOKEN: runner, BUILDKIT_TOKEN: buildkit if isinstance(buildkit, dict) else None}
    wanted = [key for key, owner in needing.items() if owner is not None and owner.get("token") is None]
    mirror = runner.get("helperMirror") if runner else None
    if isinstance(mirror, dict) and mirror.get("username") is not None:
        wanted.append(MIRROR_PASSWORD)
    missing = tuple(key for key in wanted if f"{NAMESPACE}:{key}" not in values)
    added = {f"{NAMESPACE}:{key}": SECRET_PLACEHOLDERS[key] for key in missing}
    return {**values, **added}, frozenset(secret_keys) | frozenset(added), missing


def with_stub_access(values: Mapping[str, str], kubeconfig: Path) -> tuple[dict[str, str], str | None]:
    """Point a stack's `cluster.access` at another kubeconfig, which need not exist yet.

    Returns values, and the content that file must get (its one context has the name the stack states and leads
    nowhere), or None, with the values unchanged, if the stack states no access.
    """
    cluster = _mapping(values.get(_CLUSTER_KEY))
    access = cluster.get("access") if cluster else None
    if cluster is None or not isinstance(access, dict) or not isinstance(access.get("context"), str):
        return dict(values), None
    changed = {**cluster, "access": {**access, "kubeconfig": str(kubeconfig)}}
    return {**values, _CLUSTER_KEY: json.dumps(changed)}, _stub(access["context"])


def _stub(context: str) -> str:
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": context, "cluster": {"server": "https://rehearsal.invalid"}}],
        "users": [{"name": context, "user": {}}],
        "contexts": [{"name": context, "context": {"cluster": context, "user": context}}],
        "current-context": context,
    }
    return json.dumps(document, indent=2)


def _mapping(text: str | None) -> dict[str, object] | None:
    try:
        value = json.loads(text or "null")
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
