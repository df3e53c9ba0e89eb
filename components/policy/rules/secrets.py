"""Rules about credentials: none that live forever, and none where others can read them. No message quotes one."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from components.policy.reading import RELEASES, config_documents, helm_values
from components.policy.subject import UNKNOWN, Answer, CouldNotTell, Doubt, Finding, Resource, leaves
from components.secret_text import AWS_KEY, AZURE_STORAGE_KEY, GITLAB_TOKEN, PRIVATE_KEY, holds

KEY_TYPES = frozenset(
    {
        "gcp:serviceaccount/key:Key",
        "gcp:storage/hmacKey:HmacKey",
        "aws:iam/accessKey:AccessKey",
        "azuread:index/applicationPassword:ApplicationPassword",
        "azuread:index/servicePrincipalPassword:ServicePrincipalPassword",
    }
)
SECRET = "kubernetes:core/v1:Secret"  # noqa: S105 - a type token

_KEY_FILES = {
    "a private key": PRIVATE_KEY,
    "a Google service account key": re.compile(r'"type"\s*:\s*"service_account"'),
}
_CACHE_KEYS = re.compile(r"(?:^|[.\]])(?:AccessKey|SecretKey|SessionToken|AccountKey|PrivateKey)$")
_TOKEN_KEYS = re.compile(r"(?:^|\.)(?:runnerToken|runnerRegistrationToken|token)$")
_HASH = re.compile(r"[0-9a-f]{40,128}")


def no_static_cloud_keys(resource: Resource) -> Iterable[Answer]:
    """No long-lived cloud keys are created or stored in the cluster.

    They are stored in the state and in the cluster, never expire, and work from anywhere. Workload identity needs none.
    Source: GCP, AWS and Azure guidance to prefer workload identity; GitLab Runner, "Distributed runners caching".
    """
    fix = "Use workload identity: GKE Workload Identity, EKS Pod Identity or IRSA, Azure workload identity."
    if resource.kind in KEY_TYPES:
        yield Finding(message=f"{resource.kind} is a static key", fix=fix)
        return
    if not resource.kind.startswith("kubernetes:"):
        return
    for path, value in leaves(resource.properties):
        if isinstance(value, str):
            for what in _cloud_keys(value):
                yield Finding(message=f"{path} holds {what}", fix=fix)
    yield from _cache_keys(resource, fix)


def token_in_secret_only(resource: Resource) -> Iterable[Answer]:
    """GitLab tokens are in a Kubernetes Secret and nowhere else.

    Helm keeps values in its release Secret and shows them with `helm get values`; a ConfigMap, an environment variable
    or an argument can be read by everyone who may list pods.
    Source: GitLab Runner chart, "Store registration tokens or runner tokens in secrets" (`runners.secret`).
    """
    if resource.kind == SECRET or not resource.kind.startswith("kubernetes:"):
        return
    fix = "Put it into a kubernetes.core.v1.Secret and name that in runners.secret."
    for path, value in leaves(resource.properties):
        if isinstance(value, str) and holds(GITLAB_TOKEN, value):
            yield Finding(message=f"{path} holds a GitLab token", fix=fix)
        elif resource.kind in RELEASES and path.startswith("values.") and _TOKEN_KEYS.search(path):
            if value is UNKNOWN:
                yield Doubt(path)
            elif value and not isinstance(value, bool):
                yield Finding(message=f"{path} is set", fix=fix)


def no_secrets_in_values(resource: Resource) -> Iterable[Answer]:
    """Helm values hold no secret value, except a hash of one.

    Pulumi encrypts what is marked secret in its own state, but Helm stores the values in the cluster once more. A
    checksum that rolls the pods when a Secret changes is not a secret.
    Source: Helm, "Storage backends" (release Secrets); pulumi-kubernetes `helm_release.go`.
    """
    if resource.secret_paths is None:
        raise CouldNotTell("values", "come without secret marks")
    helm_values(resource)  # a doubt when the values as a whole are not known
    for path in sorted(resource.secret_paths):
        if not path.startswith("values."):
            continue
        value = dict(leaves(resource.properties)).get(path)
        hashed = "checksum" in path.lower() and (value is UNKNOWN or _HASH.fullmatch(str(value)) is not None)
        if not hashed:
            yield Finding(
                message=f"{path} is marked secret", fix="Put it into a Secret, and give the chart that Secret's name."
            )


def _cloud_keys(text: str) -> Iterator[str]:
    yield from (what for what in (AWS_KEY, AZURE_STORAGE_KEY) if holds(what, text))
    yield from (what for what, pattern in _KEY_FILES.items() if pattern.search(text))


def _cache_keys(resource: Resource, fix: str) -> Iterator[Answer]:
    """Keys of the runner's cache, in Helm values or in config.toml."""
    if resource.kind not in RELEASES:
        return
    holders: list[tuple[str, Any]] = [("values", helm_values(resource))]
    holders.extend(config_documents(resource))
    for at, holder in holders:
        for path, value in leaves(holder, at):
            if _CACHE_KEYS.search(path) and value and value is not UNKNOWN:
                yield Finding(message=f"{path} is set", fix=fix)
