"""Kubernetes objects: the API server's validation of the kinds that a runner installation is made of."""

import base64
import binascii
import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from multiarch.model.providers import kubernetes_admission as admission
from multiarch.model.providers import kubernetes_monitoring as monitoring
from multiarch.model.providers.base import Refusal
from multiarch.model.providers.kinds import Inputs, Rule, entries, get, items, number, refusal, text
from multiarch.model.providers.names import bad_labels, dns_label_fault, dns_subdomain_fault, qualified_name_fault
from multiarch.model.providers.values import UNKNOWN, join

SOURCE = "kubernetes/kubernetes pkg/apis"
PSA_SOURCE = "kubernetes/pod-security-admission api/helpers.go"
PSA_PREFIX = "pod-security.kubernetes.io/"
PSA_LEVELS = ("privileged", "baseline", "restricted")
MAX_DATA = 1024 * 1024
MAX_PORT = 65535
RBAC_GROUP = "rbac.authorization.k8s.io"
_DATA_KEY = re.compile(r"(?!\.$|\.\.)[-._a-zA-Z0-9]{1,253}")
_PSA_VERSION = re.compile(r"latest|v1\.(0|[1-9][0-9]*)")
_PORT_NAME = re.compile(r"(?=.*[a-z])(?!.*--)[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Scope:
    """A kind: where it lives, and which name rule it follows."""

    group: str
    kind: str
    namespaced: bool = True
    name_rule: str = "subdomain"
    """`subdomain`, `label` (namespaces) or `path` (RBAC: anything that can stand in a URL)."""
    patch: bool = False
    """Whether it is a patch of an object that is there (`NamespacePatch`)."""
    custom: bool = False
    """Whether a CRD brings it: no SDK declares its fields, so that its rule judges them."""

    @property
    def token(self) -> str:
        """Pulumi's type token."""
        return (
            f"kubernetes:{'core/v1' if self.group == 'v1' else self.group}:{self.kind}{'Patch' if self.patch else ''}"
        )

    @property
    def api_version(self) -> str:
        """The object's apiVersion."""
        return self.group


SCOPES = (
    Scope("v1", "Namespace", namespaced=False, name_rule="label"),
    Scope("v1", "Namespace", namespaced=False, name_rule="label", patch=True),
    Scope("v1", "Secret"),
    Scope("v1", "ConfigMap"),
    Scope("v1", "ServiceAccount"),
    Scope("v1", "LimitRange"),
    Scope("v1", "ResourceQuota"),
    Scope(f"{RBAC_GROUP}/v1", "Role", name_rule="path"),
    Scope(f"{RBAC_GROUP}/v1", "RoleBinding", name_rule="path"),
    Scope(f"{RBAC_GROUP}/v1", "ClusterRole", namespaced=False, name_rule="path"),
    Scope(f"{RBAC_GROUP}/v1", "ClusterRoleBinding", namespaced=False, name_rule="path"),
    Scope("networking.k8s.io/v1", "NetworkPolicy"),
    Scope("policy/v1", "PodDisruptionBudget"),
    Scope("scheduling.k8s.io/v1", "PriorityClass", namespaced=False),
    Scope("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", namespaced=False),
    Scope("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding", namespaced=False),
    Scope("monitoring.coreos.com/v1", "PrometheusRule", custom=True),
)


def _path_fault(name: str) -> str | None:
    if name in {".", ".."} or "/" in name or "%" in name:
        return "may not be '.' or '..' and may not contain '/' or '%'"
    return None


NAME_FAULTS = {"subdomain": dns_subdomain_fault, "label": dns_label_fault, "path": _path_fault}


def identity_rule(scope: Scope) -> Rule:
    """Check what every object carries: apiVersion, kind, name, namespace, labels, annotation keys."""

    def check(inputs: Inputs) -> Iterator[Refusal]:
        for key, wanted in (("apiVersion", scope.api_version), ("kind", scope.kind)):
            given = inputs.get(key, wanted)
            if given not in (wanted, UNKNOWN):
                yield refusal(key, f"the object provided is unrecognized: {key} {given!r} is not {wanted!r}", SOURCE)
        name = text(get(inputs, "metadata", "name"))
        if name is not None and (fault := NAME_FAULTS[scope.name_rule](name)):
            yield refusal("metadata.name", f'{scope.kind} "{name}" is invalid: metadata.name: {fault}', SOURCE)
        yield from _check_namespace(scope, inputs)
        yield from bad_labels(get(inputs, "metadata", "labels"), "metadata.labels")
        for key, _ in entries(get(inputs, "metadata", "annotations")):
            if fault := qualified_name_fault(key.lower()):
                yield refusal(join("metadata.annotations", key), f"Invalid value: {key!r}: {fault}", SOURCE)

    return check


def _check_namespace(scope: Scope, inputs: Inputs) -> Iterator[Refusal]:
    namespace = get(inputs, "metadata", "namespace")
    if not scope.namespaced and namespace is not None:
        yield refusal("metadata.namespace", "Forbidden: not allowed on this type", SOURCE)
    elif scope.namespaced and namespace is None:
        message = "no namespace: the object would land in 'default', away from what uses it"
        yield refusal("metadata.namespace", message, "pulumi-kubernetes docs, namespace default")
    elif isinstance(namespace, str) and (fault := dns_label_fault(namespace)):
        yield refusal("metadata.namespace", f"Invalid value: {namespace!r}: {fault}", SOURCE)


def pod_security_labels(inputs: Inputs) -> Iterator[Refusal]:
    """Refuse Pod Security labels that mean nothing, as the admission plugin does."""
    for key, value in entries(get(inputs, "metadata", "labels")):
        if not key.startswith(PSA_PREFIX) or not isinstance(value, str):
            continue
        mode = key.removeprefix(PSA_PREFIX)
        if mode.endswith("-version"):
            if not _PSA_VERSION.fullmatch(value):
                message = f'Invalid value: {value!r}: must be "latest" or "v1.x"'
                yield refusal(join("metadata.labels", key), message, PSA_SOURCE)
        elif value not in PSA_LEVELS:
            message = f"Invalid value: {value!r}: must be one of {', '.join(PSA_LEVELS)}"
            yield refusal(join("metadata.labels", key), message, PSA_SOURCE)


def data_keys(inputs: Inputs) -> Iterator[Refusal]:
    """Keys become file names; all values together must fit into etcd's limit."""
    size = 0
    for part in ("data", "stringData", "binaryData"):
        for key, value in entries(inputs.get(part)):
            size += len(value.encode()) if isinstance(value, str) else 0
            if not _DATA_KEY.fullmatch(key):
                message = f"Invalid value: {key!r}: a config key consists of alphanumeric characters, '-', '_' or '.'"
                yield refusal(join(part, key), message, f"{SOURCE}/core/validation")
    if size > MAX_DATA:
        yield refusal("data", f"Too long: may not be more than {MAX_DATA} bytes", f"{SOURCE}/core/validation")


def base64_data(inputs: Inputs) -> Iterator[Refusal]:
    """Want base64 in a Secret's `data`; plain text belongs in `stringData`."""
    for key, value in entries(inputs.get("data")):
        if not isinstance(value, str):
            continue
        try:
            # Go's decoder passes over the ends of lines, as in what `base64` prints.
            base64.b64decode(value.replace("\n", "").replace("\r", ""), validate=True)
        except (binascii.Error, ValueError) as error:
            message = f'Secret in version "v1" cannot be handled as a Secret: illegal base64 data ({error})'
            yield refusal(join("data", key), message, "kubernetes/api core/v1 Secret.data")


def role_rules(inputs: Inputs) -> Iterator[Refusal]:
    """Want verbs, and either API groups with resources or, in a ClusterRole, URLs."""
    source = f"{SOURCE}/rbac/validation"
    namespaced = inputs.get("kind") == "Role"
    for index, rule in enumerate(items(inputs.get("rules"))):
        path = f"rules[{index}]"
        if not get(rule, "verbs"):
            yield refusal(f"{path}.verbs", "Required value: verbs must contain at least one value", source)
        if get(rule, "nonResourceURLs"):
            if namespaced:
                message = "Invalid value: namespaced rules cannot apply to non-resource URLs"
                yield refusal(f"{path}.nonResourceURLs", message, source)
            if any(get(rule, key) for key in ("apiGroups", "resources", "resourceNames")):
                message = "Invalid value: rules cannot apply to both regular resources and non-resource URLs"
                yield refusal(f"{path}.nonResourceURLs", message, source)
            continue
        if not get(rule, "apiGroups"):
            message = "Required value: resource rules must supply at least one api group"
            yield refusal(f"{path}.apiGroups", message, source)
        if not get(rule, "resources"):
            message = "Required value: resource rules must supply at least one resource"
            yield refusal(f"{path}.resources", message, source)


_SUBJECT_GROUPS: Mapping[str, str] = {"ServiceAccount": "", "User": RBAC_GROUP, "Group": RBAC_GROUP}
"""Kinds of subjects, and the group that each is of, by default."""


def binding(inputs: Inputs) -> Iterator[Refusal]:
    """Want one role of the RBAC group, and service accounts with their namespace."""
    source = f"{SOURCE}/rbac/validation"
    group, kind = get(inputs, "roleRef", "apiGroup"), get(inputs, "roleRef", "kind")
    if group not in (None, "", RBAC_GROUP, UNKNOWN):  # without one it is the group's own, by default
        yield refusal("roleRef.apiGroup", f'Unsupported value: {group!r}: supported values: "{RBAC_GROUP}"', source)
    if kind not in ("Role", "ClusterRole", UNKNOWN):
        yield refusal("roleRef.kind", f'Unsupported value: {kind!r}: supported values: "Role", "ClusterRole"', source)
    if not get(inputs, "roleRef", "name"):
        yield refusal("roleRef.name", "Required value", source)
    for index, subject in enumerate(items(inputs.get("subjects"))):
        yield from _check_subject(subject, f"subjects[{index}]", get(inputs, "metadata", "namespace"), source)


def _check_subject(subject: Any, path: str, home: Any, source: str) -> Iterator[Refusal]:
    kind, group = get(subject, "kind"), get(subject, "apiGroup")
    if kind not in (*_SUBJECT_GROUPS, UNKNOWN):
        yield refusal(f"{path}.kind", f"Unsupported value: {kind!r}", source)
    elif kind in _SUBJECT_GROUPS and group not in (None, "", _SUBJECT_GROUPS[kind], UNKNOWN):
        supported = _SUBJECT_GROUPS[kind]
        yield refusal(f"{path}.apiGroup", f'Unsupported value: {group!r}: supported values: "{supported}"', source)
    # Of a RoleBinding the account is in the binding's own namespace, unless it says otherwise.
    if kind == "ServiceAccount" and not (get(subject, "namespace") or home):
        yield refusal(f"{path}.namespace", "Required value", source)
    if not get(subject, "name"):
        yield refusal(f"{path}.name", "Required value", source)


def network_policy(inputs: Inputs) -> Iterator[Refusal]:
    """Peers, address blocks, ports and policy types."""
    source = f"{SOURCE}/networking/validation"
    yield from bad_labels(get(inputs, "spec", "podSelector", "matchLabels"), "spec.podSelector.matchLabels")
    for index, kind in enumerate(items(get(inputs, "spec", "policyTypes"))):
        if kind not in ("Ingress", "Egress", UNKNOWN):
            message = f'Unsupported value: {kind!r}: supported values: "Egress", "Ingress"'
            yield refusal(f"spec.policyTypes[{index}]", message, source)
    for direction, side in (("ingress", "from"), ("egress", "to")):
        for index, rule in enumerate(items(get(inputs, "spec", direction))):
            path = f"spec.{direction}[{index}]"
            for number_, peer in enumerate(items(get(rule, side))):
                yield from _check_peer(peer, f"{path}.{side}[{number_}]", source)
            for number_, port in enumerate(items(get(rule, "ports"))):
                yield from _check_port(port, f"{path}.ports[{number_}]", source)


def _check_peer(peer: Any, path: str, source: str) -> Iterator[Refusal]:
    if isinstance(peer, Mapping) and not peer:
        yield refusal(path, "Required value: must specify a peer", source)
    for selector in ("podSelector", "namespaceSelector"):
        yield from bad_labels(get(peer, selector, "matchLabels"), f"{path}.{selector}.matchLabels")
    block = get(peer, "ipBlock")
    if block is None or block is UNKNOWN:
        return
    if get(peer, "podSelector") is not None or get(peer, "namespaceSelector") is not None:
        yield refusal(path, "Forbidden: may not specify both ipBlock and another peer", source)
    network = _network(get(block, "cidr"))
    if network is None and get(block, "cidr") is not UNKNOWN:
        yield refusal(
            f"{path}.ipBlock.cidr", f"Invalid value: {get(block, 'cidr')!r}: must be a valid CIDR value", source
        )
    for index, given in enumerate(items(get(block, "except"))):
        hole = _network(given)
        where = f"{path}.ipBlock.except[{index}]"
        if hole is None:
            yield refusal(where, f"Invalid value: {given!r}: must be a valid CIDR value", source)
        elif network is not None and not _inside(hole, network):
            yield refusal(where, f"Invalid value: {given!r}: must be a strict subset of `cidr`", source)


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _network(value: Any) -> Network | None:
    try:
        return ipaddress.ip_network(value, strict=False) if isinstance(value, str) and "/" in value else None
    except ValueError:
        return None


def _inside(hole: Network, network: Network) -> bool:
    same = hole.version == network.version
    return same and hole.prefixlen > network.prefixlen and hole.network_address in network


def _check_port(port: Any, path: str, source: str) -> Iterator[Refusal]:
    protocol, low, high = get(port, "protocol"), number(get(port, "port")), number(get(port, "endPort"))
    if protocol not in (None, "TCP", "UDP", "SCTP", UNKNOWN):
        yield refusal(
            f"{path}.protocol", f'Unsupported value: {protocol!r}: supported values: "SCTP", "TCP", "UDP"', source
        )
    for key, value in (("port", low), ("endPort", high)):
        if value is not None and not 1 <= value <= MAX_PORT:
            yield refusal(
                f"{path}.{key}", f"Invalid value: {value}: must be between 1 and {MAX_PORT}, inclusive", source
            )
    if high is not None and low is not None and high < low:
        yield refusal(f"{path}.endPort", f"Invalid value: {high}: must be greater than or equal to `port`", source)
    yield from _check_named_port(get(port, "port"), get(port, "endPort"), path, source)


def _check_named_port(port: Any, end: Any, path: str, source: str) -> Iterator[Refusal]:
    named = isinstance(port, str)
    if end is not None and (port is None or named):
        what = "non-numeric" if named else "not specified"
        yield refusal(f"{path}.endPort", f"Invalid value: {end}: may not be specified when `port` is {what}", source)
    if named and not _PORT_NAME.fullmatch(port):
        yield refusal(f"{path}.port", f"Invalid value: {port!r}: not the name of a port", source)


RULES: Mapping[str, tuple[Rule, ...]] = {
    "Namespace": (pod_security_labels,),
    "Secret": (data_keys, base64_data),
    "ConfigMap": (data_keys,),
    "Role": (role_rules,),
    "ClusterRole": (role_rules,),
    "RoleBinding": (binding,),
    "ClusterRoleBinding": (binding,),
    "NetworkPolicy": (network_policy,),
    "PrometheusRule": (monitoring.rule_groups,),
    "ValidatingAdmissionPolicy": (admission.policy,),
    "ValidatingAdmissionPolicyBinding": (admission.binding,),
}
