"""Kinds that somebody else's operator brings, on a control plane that has none: what a plan may need of them.

Written from the operators' own types, and held to the real CRD by tests/monitoring/test_crd.py. A cluster of the user's
is never given one: there, a missing kind is what the rehearsal is for.
"""

from collections.abc import Mapping
from typing import Any, Final

from multiarch.cluster.api import Api, ApiRefused
from multiarch.core.waiting import wait_while
from multiarch.model.providers.kubernetes_monitoring import DURATION
from multiarch.model.release import InstallFailed

_SERVED_SECONDS: Final = 15.0
_POLL_SECONDS: Final = 0.1
_CRDS: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_TEXT: Final[Mapping[str, Any]] = {"type": "string"}
_TEXTS: Final[Mapping[str, Any]] = {"type": "object", "additionalProperties": _TEXT}
_DURATION: Final[Mapping[str, Any]] = {**_TEXT, "pattern": DURATION}
_RULE: Final[Mapping[str, Any]] = {
    "type": "object",
    "required": ["expr"],
    "properties": {
        "alert": _TEXT,
        "annotations": _TEXTS,
        "expr": {"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": True},
        "for": _DURATION,
        "keep_firing_for": {**_DURATION, "minLength": 1},
        "labels": _TEXTS,
        "record": _TEXT,
    },
}
_GROUP: Final[Mapping[str, Any]] = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "interval": _DURATION,
        "labels": _TEXTS,
        "limit": {"type": "integer"},
        "name": {**_TEXT, "minLength": 1},
        "partial_response_strategy": {**_TEXT, "pattern": "^(?i)(abort|warn)?$"},
        "query_offset": _DURATION,
        "rules": {"type": "array", "items": _RULE},
    },
}
PROMETHEUS_RULE: Final[Mapping[str, Any]] = {
    "type": "object",
    "required": ["spec"],
    "properties": {
        "apiVersion": _TEXT,
        "kind": _TEXT,
        "metadata": {"type": "object"},
        "spec": {
            "type": "object",
            "properties": {
                "groups": {
                    "type": "array",
                    "items": _GROUP,
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name"],
                }
            },
        },
    },
}
"""The schema of a PrometheusRule, without the status that the operator writes."""
_KNOWN: Final[Mapping[tuple[str, str], tuple[str, Mapping[str, Any]]]] = {
    ("monitoring.coreos.com/v1", "PrometheusRule"): ("prometheusrules", PROMETHEUS_RULE),
}


def stand_in(api: Api, manifest: Mapping[str, Any]) -> str:
    """Bring the kind of an object that the control plane lacks; return the CRD's name, or nothing where none is due.

    It stays: the next stack needs it too. Raises InstallFailed when the server does not come to serve it.
    """
    version, kind = str(manifest["apiVersion"]), str(manifest["kind"])
    if (version, kind) not in _KNOWN or _serves(api, manifest):
        return ""
    crd = _crd(version, kind, *_KNOWN[version, kind])
    api.create(_CRDS, crd)
    if wait_while(lambda: not _serves(api, manifest), _SERVED_SECONDS, every=_POLL_SECONDS):
        raise InstallFailed(f"the control plane did not come to serve {kind} in {_SERVED_SECONDS:.0f} s")
    return str(crd["metadata"]["name"])


def _crd(version: str, kind: str, plural: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    group, _, name = version.partition("/")
    served = {"name": name, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{plural}.{group}",
            # The API server guards *.k8s.io alone; this says to people what it is.
            "annotations": {"multiarch-runner.io/stand-in": "made by multiarch rehearse, without an operator"},
        },
        "spec": {
            "group": group,
            "names": {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()},
            "scope": "Namespaced",
            "versions": [served],
        },
    }


def _serves(api: Api, manifest: Mapping[str, Any]) -> bool:
    try:
        api.path_of(manifest)
    except ApiRefused as refusal:
        if not refusal.definite:
            raise
        return False
    return True
