"""What a helper image's reference says: its runner's version and its architecture, read from the whole tag.

Upstream's tags are `[flavor-]{arch}-v{version}[-pwsh]` (helpers/container/helperimage/linux_info.go) and, from runner
19.2.0 on, the same without the architecture for both of them (scripts/pusher/indexes.go, gitlab-runner MR 5316).
"""

import re

from multiarch.core.verdict import Answer, Verdict, fold, no, unknown, yes
from multiarch.model.executor.helper_image import REGISTRY

FIRST_MULTI_ARCH = (19, 2, 0)
"""gitlab-runner MR 5316: from here on the helper is published under tags of both architectures, too."""
_TAG = re.compile(r"(?:(?P<before>.+)-)?v(?P<version>[0-9]+\.[0-9]+\.[0-9]+)(?:-(?P<after>.+))?")
_RUNNER = re.compile(r"v?([0-9]+\.[0-9]+\.[0-9]+)")
_ARCH = re.compile(r"(?<![a-z0-9])(x86_64|amd64|aarch64|arm64|armv6l|armv7l|arm|s390x|ppc64le|riscv64)(?![a-z0-9])")
_SAME = {"x86_64": "amd64", "aarch64": "arm64"}
_BOTH_ARCHITECTURES = re.compile(r"alpine-latest|alpine[0-9]+\.[0-9]+|ubuntu|concrete")
"""Flavours that are published without an architecture in the tag. `ubi-fips` is x86_64 alone; of `-pwsh` nothing is
known."""


def judge(image: str, arch: str, runner_version: str) -> Answer:
    """Answer whether a helper image is `arch`'s and of the runner's version, as its reference says it.

    `runner_version` is `19.1.1`; empty where it is not known: then only the architecture is judged.
    """
    answers = [*([of_version(image, runner_version)] if runner_version else []), serves(image, arch)]
    verdict = fold(answer.verdict for answer in answers)
    # Both are yes in the end: then the last says more, how the tag serves the architecture.
    return next((answer for answer in answers if answer.verdict is verdict is not Verdict.YES), answers[-1])


def of_version(image: str, runner_version: str) -> Answer:
    """Answer whether the whole tag names the runner's version."""
    _, tag = _split(image)
    if not tag:
        return unknown(f"{image} names no tag, so its version is not known")
    runner = _RUNNER.match(runner_version)
    if runner is None:
        return unknown(
            f"{runner_version!r} is not a version of the runner: could not tell whether {image} has that version"
        )
    read = _TAG.fullmatch(tag)
    if read is None or read["version"] != runner[1]:
        return no(f"{image} does not have the runner's version {runner[1]}: helper and runner need the same version")
    if read["after"] not in (None, "pwsh"):
        return unknown(f"{image}: could not tell whether '{tag}' is the runner's version {runner[1]}")
    return yes(image)


def serves(image: str, arch: str) -> Answer:
    """Answer whether the tag is one for this architecture, or one of upstream's for both."""
    repository, tag = _split(image)
    named = [_SAME.get(word, word) for word in _ARCH.findall(tag)]
    if foreign := [word for word in named if word != arch]:
        return no(f"{image} is for {foreign[0]}")
    if named:
        return yes(image)
    if repository == REGISTRY and _serves_both(tag):
        return yes(f"{image}, published for both architectures from runner 19.2.0 on")
    return unknown(f"{image}: could not tell whether it has {arch}: its registry was not asked")


def _serves_both(tag: str) -> bool:
    read = _TAG.fullmatch(tag)
    if read is None or read["after"] is not None:
        return False
    version = tuple(int(part) for part in read["version"].split("."))
    flavour = read["before"]
    return version >= FIRST_MULTI_ARCH and (flavour is None or bool(_BOTH_ARCHITECTURES.fullmatch(flavour)))


def _split(image: str) -> tuple[str, str]:
    """Return repository and tag; a registry's port is no tag, and a digest is none."""
    name = image.partition("@")[0]
    place, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    return f"{place}{slash}{last}", tag
