"""Name, label and taint syntax shared by Kubernetes and the clouds that copy it. Messages are the API server's.

Source of every rule: kubernetes/kubernetes staging/src/k8s.io/apimachinery/pkg/util/validation/validation.go.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from multiarch.model.providers.base import Refusal
from multiarch.model.providers.kinds import refusal
from multiarch.model.providers.values import join

SOURCE = "kubernetes/kubernetes apimachinery/pkg/util/validation"
LABEL_MAX = 63
SUBDOMAIN_MAX = 253
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_DNS_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")


def dns_label_fault(name: str) -> str | None:
    """Say why `name` is no RFC 1123 label, or None."""
    if len(name) > LABEL_MAX:
        return f"must be no more than {LABEL_MAX} characters"
    if not _DNS_LABEL.fullmatch(name):
        return (
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start "
            "and end with an alphanumeric character"
        )
    return None


def dns_subdomain_fault(name: str) -> str | None:
    """Say why `name` is no RFC 1123 subdomain, or None."""
    if len(name) > SUBDOMAIN_MAX:
        return f"must be no more than {SUBDOMAIN_MAX} characters"
    if not _DNS_SUBDOMAIN.fullmatch(name):
        return (
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
            "start and end with an alphanumeric character"
        )
    return None


def qualified_name_fault(key: str) -> str | None:
    """Say why `key` is no label, annotation or taint key, or None."""
    prefix, slash, name = key.rpartition("/")
    if slash and not prefix:
        return "prefix part must be non-empty"
    if slash and (fault := dns_subdomain_fault(prefix)):
        return f"prefix part {fault}"
    if not name:
        return "name part must be non-empty"
    if len(name) > LABEL_MAX:
        return f"name part must be no more than {LABEL_MAX} characters"
    if not _QUALIFIED.fullmatch(name):
        return (
            "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
            "alphanumeric character"
        )
    return None


def label_value_fault(value: str) -> str | None:
    """Say why `value` is no label or taint value, or None."""
    if len(value) > LABEL_MAX:
        return f"must be no more than {LABEL_MAX} characters"
    if not _LABEL_VALUE.fullmatch(value):
        return (
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
            "start and end with an alphanumeric character"
        )
    return None


def bad_labels(labels: Any, path: str) -> Iterator[Refusal]:
    """Refuse labels that no kubelet or API server would take, whoever sets them."""
    if not isinstance(labels, Mapping):
        return
    for key, value in labels.items():
        if fault := qualified_name_fault(key):
            yield refusal(join(path, key), f"Invalid value: {key!r}: {fault}", SOURCE)
        if isinstance(value, str) and (fault := label_value_fault(value)):
            yield refusal(join(path, key), f"Invalid value: {value!r}: {fault}", SOURCE)
