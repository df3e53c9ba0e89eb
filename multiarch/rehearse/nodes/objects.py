"""What is created in the cluster for real nodes: the nodes, and the policy that labels an emulated one."""

from collections.abc import Mapping
from typing import Any

from multiarch.rehearse.control_plane.programs import REAL_NODE
from multiarch.rehearse.nodes.files import Node

EMULATED = "multiarch-runner.io/emulated"
"""Label, `true` on a node whose programs are run by QEMU: its speed says nothing."""
POLICY = "multiarch-runner-real-nodes"
ADMISSION = "/apis/admissionregistration.k8s.io/v1"
_ARCH_LABELS = ("kubernetes.io/arch", "beta.kubernetes.io/arch")
_OWN = ("kubernetes.io/hostname",)


def manifest(node: Node) -> dict[str, Any]:
    """Return the Node that its kubelet will find, with a planned pool's labels and taints from its first moment."""
    planned = {key: value for key, value in node.labels.items() if key not in _OWN}
    own = {
        **dict.fromkeys(_ARCH_LABELS, str(node.arch)),
        "kubernetes.io/os": "linux",
        "kubernetes.io/hostname": node.name,
        REAL_NODE: "true",
        **({EMULATED: "true"} if node.emulated else {}),
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": node.name, "labels": {**planned, **own}},
        "spec": {"taints": [dict(taint) for taint in node.taints]},
    }


def policy() -> dict[str, Any]:
    """Return the policy that writes an emulated node's architecture into its labels, whatever its kubelet says.

    A kubelet knows only what it was compiled for, and goes on writing that. The node's name says which it is.
    """
    escaped = ", ".join(
        f'JSONPatch{{op: "add", path: "/metadata/labels/" + jsonpatch.escapeKey("{label}"), value: variables.arch}}'
        for label in _ARCH_LABELS
    )
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingAdmissionPolicy",
        "metadata": {"name": POLICY},
        "spec": {
            "failurePolicy": "Fail",
            "reinvocationPolicy": "Never",
            "matchConstraints": {
                "resourceRules": [
                    {
                        "apiGroups": [""],
                        "apiVersions": ["v1"],
                        "resources": ["nodes", "nodes/status"],  # the kubelet writes its labels with its status
                        "operations": ["CREATE", "UPDATE"],
                    }
                ]
            },
            "matchConditions": [
                {
                    "name": "emulated",
                    "expression": f'has(object.metadata.labels) && "{EMULATED}" in object.metadata.labels',
                }
            ],
            "variables": [{"name": "arch", "expression": 'object.metadata.name.replace("real-", "")'}],
            "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": f"[{escaped}]"}}],
        },
    }


def binding(policy: str = POLICY) -> dict[str, Any]:
    """Return what puts a policy into force."""
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingAdmissionPolicyBinding",
        "metadata": {"name": policy},
        "spec": {"policyName": policy},
    }


def probe(node: Node) -> dict[str, Any]:
    """Return a Node of the wrong architecture, to ask by a dry run whether the policy is in force yet."""
    found = manifest(node)
    labels = {**found["metadata"]["labels"], **dict.fromkeys(_ARCH_LABELS, str(node.arch.other))}
    return {**found, "metadata": {"name": node.name, "labels": labels}}


def arch_of(found: Mapping[str, Any]) -> str:
    """Return the architecture that a Node is labelled with."""
    labels: Mapping[str, str] = found["metadata"].get("labels") or {}
    return labels.get(_ARCH_LABELS[0], "")


def is_ready(found: Mapping[str, Any]) -> bool:
    """Tell whether a node's kubelet says that it can run pods, and the taint of a new node is off."""
    conditions = found.get("status", {}).get("conditions") or []
    taints = found.get("spec", {}).get("taints") or []
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
    return ready and not any(taint["key"] == "node.kubernetes.io/not-ready" for taint in taints)
