"""Rules about what keeps jobs apart from nodes, from the network, and from each other."""

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from components.clouds import CLOUDS
from components.policy.reading import (
    NETWORK_POLICY,
    RELEASES,
    config_documents,
    containers,
    helm_values,
    job_namespaces,
    pod_spec,
)
from components.policy.rules.sandbox import CLASS, rootless_escalation
from components.policy.subject import UNKNOWN, Answer, CouldNotTell, Doubt, Finding, Resource, join, leaves, look

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

ENFORCE = "pod-security.kubernetes.io/enforce"
METADATA = "169.254.169.254"
"""The metadata service of every cloud; its further addresses are the cloud's own to say."""
METADATA_PORT = 80

_HOST_KEYS = ("hostNetwork", "hostPID", "hostIPC")
_MIGHTY = frozenset({"ALL", "SYS_ADMIN", "SYS_PTRACE", "SYS_MODULE", "NET_ADMIN", "BPF"})
_TRUE = frozenset({"true", "1", "yes"})


def no_privileged(resource: Resource) -> Iterable[Answer]:
    """No privileged container: not in pods, not in Helm values, not in config.toml.

    A privileged container controls its node, and with it every other job there. Kaniko builds images without
    privileges. Privilege escalation counts as well, except for the build container of a rootless builder
    (`sandbox-guarded`).
    Source: Kubernetes, "Pod Security Standards" (baseline); GitLab Runner, `privileged`.
    """
    needed = set(rootless_escalation(resource)) if resource.kind in RELEASES else set()
    for path, value in _flags(resource, "privileged", "allowPrivilegeEscalation", "allow_privilege_escalation"):
        if path in needed:
            continue
        if value is UNKNOWN:
            yield Doubt(path)
        elif str(value).lower() in _TRUE:
            yield Finding(message=f"{path} is on", fix="Set it to false; kaniko builds images without it.")
    pod = pod_spec(resource)
    for path, container in containers(pod[1], pod[0]) if pod else ():
        mighty = _MIGHTY.intersection(look(container, "securityContext", "capabilities", "add", at=path) or ())
        if mighty:
            yield Finding(message=f"{path} adds capability {', '.join(sorted(mighty))}", fix="Remove it.")


def no_host_access(resource: Resource) -> Iterable[Answer]:
    """No pod uses the node's network, processes or files.

    A mounted docker.sock or host path gives control of the node; the host's network bypasses every NetworkPolicy, also
    to the metadata service.
    Source: Kubernetes, "Pod Security Standards" (baseline: host namespaces, hostPath volumes).
    """
    for path, value in _flags(resource, *_HOST_KEYS):
        if value is UNKNOWN:
            yield Doubt(path)
        elif str(value).lower() in _TRUE:
            yield Finding(message=f"{path} is on", fix="Remove it.")
    for path in _host_paths(resource):
        yield Finding(message=f"{path} mounts the node's files", fix="Use emptyDir, or a volume claim.")


def namespace_pod_security(resource: Resource) -> Iterable[Answer]:
    """Namespaces enforce a Pod Security level.

    Without the label the cluster's default holds, which is `privileged` unless someone changed it. That level is for
    namespaces with the label `multiarch-runner.io/class`, which `sandbox-guarded` judges.
    Source: Kubernetes, "Enforce Pod Security Standards with namespace labels".
    """
    level = resource.get("metadata", "labels", ENFORCE)
    if level == "privileged" and resource.get("metadata", "labels", CLASS):
        return
    if level not in {"baseline", "restricted"}:
        yield Finding(
            message=f"label {ENFORCE} is {level or 'not set'}", fix="Set it to baseline (jobs) or restricted (manager)."
        )


def namespace_pod_security_version(resource: Resource) -> Iterable[Answer]:
    """Pod Security levels are pinned to a Kubernetes version.

    Levels change with releases: `latest` lets a control plane upgrade refuse pods that ran yesterday.
    Source: Kubernetes, "Pod Security Admission" (`enforce-version`).
    """
    version = resource.get("metadata", "labels", f"{ENFORCE}-version")
    if not version or version == "latest":
        yield Finding(message=f"label {ENFORCE}-version is {version or 'not set'}", fix="Set it, for example v1.34.")


def metadata_blocked(resources: Sequence[Resource]) -> Iterable[Answer]:
    """No wide egress rule lets pods reach the cloud's metadata service.

    It hands out the node's credentials. `0.0.0.0/0` contains it, and `::/0` those of Google and AWS; an exact /32 for
    it is a decision, and allowed. The clouds that the stack uses determine which addresses count; without any, all do.
    Source: EKS best practices and AKS, "Block pod access to IMDS"; Compute Engine, "View and query VM metadata".
    """
    clouds = [cloud for cloud in CLOUDS.values() if cloud.package]
    used = [cloud for cloud in clouds if any(resource.kind.startswith(f"{cloud.package}:") for resource in resources)]
    ranges = [ipaddress.ip_network(text) for cloud in used or clouds for text in cloud.runner.metadata]
    services = {ipaddress.ip_address(METADATA), *(one.network_address for one in ranges)}
    policies = [resource for resource in resources if resource.kind == NETWORK_POLICY]
    yield from _each(policies, lambda policy: _reached(policy, services))


def _reached(policy: Resource, services: AbstractSet[_Address]) -> Iterator[Answer]:
    egress = policy.get("spec", "egress") or ()
    for index, rule in enumerate(egress):
        path = f"spec.egress[{index}]"
        if rule is UNKNOWN:
            raise CouldNotTell(path)
        if not _reaches_port(look(rule, "ports", at=path)):
            continue
        peers = look(rule, "to", at=path)
        if not peers:
            yield Finding(
                urn=policy.urn,
                message=f"{path} allows every destination",
                fix="Name them in `to`, without 169.254.169.254.",
            )
        for number, peer in enumerate(peers or ()):
            if peer is UNKNOWN:
                raise CouldNotTell(f"{path}.to[{number}]")
            block = look(peer, "ipBlock", at=f"{path}.to[{number}]")
            inside = ", ".join(sorted(str(address) for address in services if _contains(block, address)))
            if inside:
                yield Finding(
                    urn=policy.urn,
                    message=f"{path}.to[{number}].ipBlock {block['cidr']} contains the metadata service ({inside})",
                    fix="Add it to `except`.",
                )


def jobs_default_deny(resources: Sequence[Resource]) -> Iterable[Answer]:
    """Namespaces in which jobs run deny all traffic that no policy allows.

    NetworkPolicies add up: without one that selects every pod the others restrict nothing, and one that allows
    everything undoes them all.
    Source: Kubernetes, "Network Policies" (default policies).
    """
    policies = [resource for resource in resources if resource.kind == NETWORK_POLICY]
    releases = [resource for resource in resources if resource.kind in RELEASES]
    yield from _each(releases, lambda release: _open_namespaces(release, policies))


def _open_namespaces(release: Resource, policies: Sequence[Resource]) -> Iterator[Answer]:
    for namespace in sorted(job_namespaces(release)):
        inside = [policy for policy in policies if policy.get("metadata", "namespace") == namespace]
        isolated = {kind for policy in inside if _all_pods(policy) for kind in _policy_types(policy)}
        missing = sorted({"Ingress", "Egress"} - isolated)
        if missing:
            yield Finding(
                urn=release.urn,
                message=f"namespace {namespace}, where jobs run, has no default-deny policy for "
                f"{' and '.join(missing).lower()}",
                fix="Add a NetworkPolicy with an empty podSelector and both policyTypes.",
            )
        for policy in inside:
            yield from _undone(policy)


def _each(resources: Iterable[Resource], check: Callable[[Resource], Iterable[Answer]]) -> Iterator[Answer]:
    """Check each resource; a doubt about one does not hide what is wrong with the next."""
    for resource in resources:
        try:
            yield from check(resource)
        except CouldNotTell as doubt:
            yield Doubt(f"{resource.name}: {doubt.path}", doubt.reason)


def _undone(policy: Resource) -> Iterator[Answer]:
    for key in ("ingress", "egress"):
        for index, rule in enumerate(policy.get("spec", key) or ()):
            if isinstance(rule, Mapping) and not any(rule.values()):
                yield Finding(
                    urn=policy.urn,
                    message=f"spec.{key}[{index}] is empty, and so allows all {key}: default-deny is undone",
                    fix="Say which peers and ports are allowed.",
                )


def _all_pods(policy: Resource) -> bool:
    selector = policy.get("spec", "podSelector")
    return isinstance(selector, Mapping) and not any(selector.values())


def _policy_types(policy: Resource) -> Sequence[str]:
    """Return the directions that a policy isolates; Kubernetes infers them when they are not given."""
    stated = policy.get("spec", "policyTypes")
    return stated or (("Ingress", "Egress") if policy.get("spec", "egress") else ("Ingress",))


def _reaches_port(ports: Any) -> bool:
    """Tell whether the metadata service's port is among these; no list means all ports."""
    return not ports or any(_port_open(port) for port in ports)


def _port_open(entry: Any) -> bool:
    if entry is UNKNOWN:
        raise CouldNotTell("ports")
    port = look(entry, "port")
    if port is None:
        return look(entry, "protocol") in {None, "TCP"}
    if isinstance(port, str):
        return False  # a name is looked up in pods; the metadata service is none
    return bool(port <= METADATA_PORT <= (look(entry, "endPort") or port))


def _contains(block: Any, address: _Address) -> bool:
    """Tell whether an ipBlock contains an address beside others, and does not except it."""
    if not block:
        return False
    network = ipaddress.ip_network(str(look(block, "cidr")), strict=False)
    if network.num_addresses == 1 or address not in network:
        return False
    return not any(address in ipaddress.ip_network(str(hole), strict=False) for hole in look(block, "except") or ())


def _flags(resource: Resource, *names: str) -> Iterator[tuple[str, Any]]:
    """Yield every value that has one of the names, wherever it lies in a pod, in Helm values or in config.toml."""
    holders: list[tuple[str, Any]] = []
    pod = pod_spec(resource)
    if pod is not None:
        holders.append(pod)
    elif resource.kind in RELEASES:
        holders.append(("values", helm_values(resource)))
        holders.extend(config_documents(resource))
    for at, holder in holders:
        for path, value in leaves(holder, at):
            if path.rsplit(".", 1)[-1] in names:
                yield path, value


def _host_paths(resource: Resource) -> Iterator[str]:
    pod = pod_spec(resource)
    if pod is not None:
        for index, volume in enumerate(look(pod[1], "volumes", at=pod[0]) or ()):
            if look(volume, "hostPath") is not None:
                yield f"{join(pod[0], 'volumes')}[{index}].hostPath"
    elif resource.kind in RELEASES:
        for at, document in config_documents(resource):
            for index, runner in enumerate(document.get("runners") or ()):
                for number, _ in enumerate(look(runner, "kubernetes", "volumes", "host_path") or ()):
                    yield f"{at}: runners[{index}].kubernetes.volumes.host_path[{number}]"
