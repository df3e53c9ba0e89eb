"""Rules about the runner's Kubernetes executor: what jobs may choose, and what is chosen for them."""

import re
from collections.abc import Iterable

import re2  # type: ignore[import-untyped]  # google-re2 ships no stubs; it is the runner's own engine

from components.policy.reading import executors, kubernetes_table
from components.policy.subject import Answer, Finding, Resource

SELECTOR_KEY = "node_selector_overwrite_allowed"
CLOSED_KEYS = (
    "node_tolerations_overwrite_allowed",
    "namespace_overwrite_allowed",
    "service_account_overwrite_allowed",
    "bearer_token_overwrite_allowed",
)
POLL_TIMEOUT = 600
"""Seconds. A pool that scales from zero needs minutes for its first node; the runner's own default is 180."""

# Selectors that only an expression that is too wide, or matches line by line, lets through.
_INTRUDERS = (
    "x.kubernetes.io/arch=arm64",
    "kubernetes.io/arch=arm64x",
    "kubernetes.io/arch=s390x",
    "kubernetes.io/arch=",
    "node-role.kubernetes.io/control-plane=",
    "kubernetes.io/arch=arm64\nx",
)
_ARCHITECTURE = re.compile(
    r"(?:^|[-_.:/])(x86_64|x86-64|amd64|arm64|arm64v8|aarch64|arm|armv[67]|s390x|ppc64le|riscv64|i?386)(?=$|[-_.:/@])"
)


def selector_anchored(resource: Resource) -> Iterable[Answer]:
    """Jobs choose nodes by an expression that is anchored at both ends, and admits no foreign architecture.

    GitLab Runner searches it in the whole value, unanchored; and when it is empty, it silently ignores a job's
    selector, so an arm64 job runs on amd64.
    Source: gitlab-runner executors/kubernetes/overwrites.go.
    """
    for path, runner in executors(resource):
        regex = kubernetes_table(runner).get(SELECTOR_KEY)
        where = f"{path}.kubernetes.{SELECTOR_KEY}"
        fix = r"Write '^kubernetes\.io/arch=(amd64|arm64)$'."
        if not isinstance(regex, str) or not regex:
            yield Finding(message=f"{where} is empty: the selectors of jobs are silently ignored", fix=fix)
            continue
        options = re2.Options()
        options.log_errors = False
        try:
            compiled = re2.compile(regex, options=options)
        except re2.error:
            yield Finding(
                message=f"{where} {regex!r} is not a valid RE2 expression: the runner would refuse it", fix=fix
            )
            continue
        if not all(_anchored(branch) for branch in _branches(regex)):
            yield Finding(message=f"{where} {regex!r} is not anchored at both ends in every alternative", fix=fix)
            continue
        admitted = next((text for text in _INTRUDERS if compiled.search(text)), None)
        if admitted is not None:
            yield Finding(message=f"{where} {regex!r} also admits {admitted!r}", fix=fix)


def overwrites_closed(resource: Resource) -> Iterable[Answer]:
    """Jobs choose neither tolerations, nor namespace, nor service account, nor token.

    An empty toleration tolerates every taint, and another namespace or account has other rights.
    Source: GitLab Runner, "Overwrite container resources" ff.; executors/kubernetes/overwrites.go.
    """
    for path, runner in executors(resource):
        for key in CLOSED_KEYS:
            if kubernetes_table(runner).get(key):
                yield Finding(message=f"{path}.kubernetes.{key} is set", fix="Remove it.")


def helper_any_arch(resource: Resource) -> Iterable[Answer]:
    """No helper image is of one architecture.

    `helper_image` replaces the runner's own choice for all jobs: an image of one architecture breaks those of the
    other.
    Source: gitlab-runner executors/kubernetes/kubernetes.go (`prepareHelperImage`); gitlab-runner#36862.
    """
    for path, runner in executors(resource):
        image = str(kubernetes_table(runner).get("helper_image") or "")
        named = _ARCHITECTURE.search(image.partition("/")[2] or image)
        if named:
            yield Finding(
                message=f"{path}.kubernetes.helper_image {image!r} is for {named[1]}",
                fix="Remove it, or use the multi-arch alpine-latest-v${CI_RUNNER_VERSION} (runner 19.2 or later).",
            )


def waits_for_nodes(resource: Resource) -> Iterable[Answer]:
    """Jobs wait long enough for a pool that scales from zero.

    The default of 180 seconds ends many jobs while their node is still starting.
    Source: gitlab-runner common/consts.go; gitlab-runner#38412, #37276.
    """
    for path, runner in executors(resource):
        timeout = kubernetes_table(runner).get("poll_timeout")
        if not isinstance(timeout, int) or timeout < POLL_TIMEOUT:
            said = "not set (180)" if timeout is None else str(timeout)
            yield Finding(message=f"{path}.kubernetes.poll_timeout is {said}", fix=f"Set {POLL_TIMEOUT} or more.")


def _anchored(branch: str) -> bool:
    """Tell whether one alternative begins with ^ and ends with $; inline flags may stand before."""
    body = re.sub(r"^\(\?[a-zA-Z]+\)", "", branch)
    return re.search(r"(?s)^(?:\^|\\A).*(?<!\\)(?:\\\\)*(?:\$|\\z)$", body) is not None


def _branches(regex: str) -> list[str]:
    """Split a valid expression at each | that lies in no group and no class: ^a|b$ is anchored nowhere twice."""
    pieces = re.findall(r"\\.|\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]|.", regex, re.DOTALL)
    branches, depth = [""], 0
    for piece in pieces:
        depth += (piece == "(") - (piece == ")")
        if piece == "|" and depth == 0:
            branches.append("")
        else:
            branches[-1] += piece
    return branches
