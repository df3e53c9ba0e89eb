"""The helper image as a resource of the stack: declared once, for every runner of it."""

import hashlib
from collections.abc import Callable

import pulumi

from archmerge import parse_reference
from components.helper_image.resource import MultiArchImage, MultiArchImageArgs
from components.runner.chart import runner_version
from components.runner.helper_image import MIRROR
from components.runner.mirror import mirror_sources, mirror_target
from components.runner.settings import RunnerConfig


def declare_mirror(
    name: str, runner: RunnerConfig, password: pulumi.Input[str] | None, parent: pulumi.Resource
) -> pulumi.Output[str] | None:
    """Declare the image where `helperImage` is `mirror`, and return it by tag and digest.

    The digest decides what is pulled; the tag tells people the version. `runner` has been checked.
    """
    mirror, version = runner.helper_mirror, runner_version(runner.chart)
    if runner.helper_image != MIRROR or mirror is None or version is None:
        return None
    target = mirror_target(mirror, version)
    host = parse_reference(target).host
    args = MultiArchImageArgs(target=target, sources=mirror_sources(mirror, version))
    if mirror.username is not None and password is not None:
        args["credentials"] = {host: {"username": mirror.username, "password": password}}
    if mirror.plain_http:
        args["plain_http"] = [host]
    if mirror.delete_remote:
        args["delete_remote"] = True
    image = MultiArchImage(f"{name}-helper-image", args, pulumi.ResourceOptions(parent=parent))
    return pulumi.Output.concat(target, "@", image.published_digest)


def checksum(mirrored: pulumi.Output[str] | None, config: Callable[[str | None], str]) -> pulumi.Output[str]:
    """Return the SHA-256 of a config that may name the mirrored image."""
    text = pulumi.Output.from_input(config(None)) if mirrored is None else mirrored.apply(config)
    return text.apply(lambda found: hashlib.sha256(found.encode()).hexdigest())
