"""Admission webhooks that pods are shown to and that stop them when they do not answer."""

from collections.abc import Iterator
from typing import Any

from multiarch.cluster.readonly import ReadOnlyApi
from multiarch.cluster.seen import Found, Seen, found, seen
from multiarch.doctor.facts import Raw, Webhook

_ROOT = "/apis/admissionregistration.k8s.io/v1"
_KINDS = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")


def webhooks_of(reader: ReadOnlyApi) -> Seen[Webhook]:
    """Return the webhooks of failure policy Fail that see the creation of pods and are served from this cluster."""
    return seen(lambda: list(_read(reader)), "admission webhooks")


def _read(reader: ReadOnlyApi) -> Iterator[Webhook]:
    ready: dict[str, Found[int]] = {}
    for kind in _KINDS:
        for configuration in reader.items(f"{_ROOT}/{kind.lower()}s"):
            for hook in configuration.get("webhooks") or []:
                service = (hook.get("clientConfig") or {}).get("service")
                if service is None or hook.get("failurePolicy", "Fail") != "Fail" or not _sees_pods(hook):
                    continue
                title = f"{service['namespace']}/{service['name']}"
                if title not in ready:
                    ready[title] = _endpoints(reader, service["namespace"], service["name"])
                yield Webhook(
                    configuration=f"{kind} {configuration['metadata']['name']}",
                    name=str(hook["name"]),
                    service=title,
                    endpoints=ready[title],
                    namespace_selector=hook.get("namespaceSelector") or {},
                    object_selector=hook.get("objectSelector") or {},
                )


def _sees_pods(hook: Raw) -> bool:
    def has(rule: Raw, key: str, *wanted: str) -> bool:
        return bool({"*", *wanted} & set(rule.get(key) or []))

    return any(
        has(rule, "operations", "CREATE") and has(rule, "apiGroups", "") and has(rule, "resources", "pods", "*/*")
        for rule in hook.get("rules") or []
    )


def _endpoints(reader: ReadOnlyApi, namespace: str, service: str) -> Found[int]:
    path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
    query = {"labelSelector": f"kubernetes.io/service-name={service}"}
    return found(lambda: sum(map(_ready, reader.items(path, query))), f"endpoints of {namespace}/{service}")


def _ready(piece: dict[str, Any]) -> int:
    return sum(
        (endpoint.get("conditions") or {}).get("ready") is not False for endpoint in piece.get("endpoints") or []
    )
