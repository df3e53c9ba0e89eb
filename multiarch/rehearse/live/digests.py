"""Pods that name an image by its digest find the one that stands in its place.

What was made here has a digest of its own, and containerd rightly takes nothing else by another one. So the reference
is changed where all pods pass, whoever makes them: at admission.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from multiarch.cluster.api import Api
from multiarch.core.waiting import wait_while
from multiarch.rehearse.control_plane.errors import StartError
from multiarch.rehearse.live.supply import Supplied
from multiarch.rehearse.nodes import objects

POLICY: Final = "multiarch-runner-images"
_SECONDS: Final = 20.0
_LISTS: Final = ("containers", "initContainers")


def changed_references(supplied: Iterable[Supplied]) -> dict[str, str]:
    """Return the references that nodes can't find, each with the one to take in its place."""
    return {one.reference: one.use for one in supplied if one.use and one.use != one.reference}


def policy(changed: Mapping[str, str]) -> dict[str, Any]:
    """Return the policy that writes what is to be taken over what a new pod names."""
    parts = ", ".join(f"{name}: {_changed(name)}" for name in _LISTS)
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingAdmissionPolicy",
        "metadata": {"name": POLICY},
        "spec": {
            "failurePolicy": "Fail",
            "reinvocationPolicy": "Never",
            "matchConstraints": {"resourceRules": [rule]},
            # JSON's objects and strings are CEL's maps and strings.
            "variables": [{"name": "taken", "expression": json.dumps(dict(changed))}],
            "mutations": [
                {
                    "patchType": "ApplyConfiguration",
                    "applyConfiguration": {"expression": f"Object{{spec: Object.spec{{{parts}}}}}"},
                }
            ],
        },
    }


def binding() -> dict[str, Any]:
    """Return what puts the policy into force."""
    return objects.binding(POLICY)


def put_in_force(api: Api, changed: Mapping[str, str]) -> None:
    """Create the policy, and wait until pods get what is to be taken. Raises ApiRefused, and StartError in time."""
    api.create(f"{objects.ADMISSION}/mutatingadmissionpolicies", policy(changed))
    api.create(f"{objects.ADMISSION}/mutatingadmissionpolicybindings", binding())
    asked, taken = next(iter(changed.items()))
    container = {"name": "asks", "image": asked}
    probe = {"metadata": {"name": "multiarch-images"}, "spec": {"containers": [container]}}

    def not_in_force() -> bool:
        answer = api.create("/api/v1/namespaces/default/pods", probe, dry_run=True)
        return bool(answer["spec"]["containers"][0]["image"] != taken)

    if wait_while(not_in_force, _SECONDS, every=0.2):
        raise StartError(f"the admission policy {POLICY} was not in force within {_SECONDS:.0f} s")


def _changed(name: str) -> str:
    """Return CEL for the containers whose image is changed: server-side apply merges them by their names."""
    made = f"Object.spec.{name}{{name: c.name, image: variables.taken[c.image]}}"
    return f"object.spec.?{name}.orValue([]).filter(c, c.?image.orValue('') in variables.taken).map(c, {made})"
