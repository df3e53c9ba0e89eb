"""Which helper image a job gets: the four-step rule (kubernetes.go prepareHelperImage, linux_info.go)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from multiarch.model.executor.config import ExecutorConfig
from multiarch.model.executor.job import RefusedError
from multiarch.model.executor.variables import Variables, expand

REGISTRY = "registry.gitlab.com/gitlab-org/gitlab-runner/gitlab-runner-helper"
"""GitLabRegistryName in helpers/container/helperimage/info.go."""

ARCH_LABEL = "kubernetes.io/arch"
OS_LABEL = "kubernetes.io/os"

_TAG_ARCH: Mapping[str, str] = {"armv6l": "arm", "armv7l": "arm", "aarch64": "arm64", "amd64": "x86_64"}
_VERSION = re.compile(r"^[0-9]*\.[0-9]*\.[0-9]*")


@dataclass(frozen=True, slots=True)
class HelperImage:
    """The image and what it was chosen for."""

    image: str
    """The reference that the pod gets."""
    default: str
    """What it would be without `helper_image`, for messages and `allowed_images`."""
    os: str


def helper_image(
    config: ExecutorConfig,
    overwritten_selector: Mapping[str, str],
    variables: Variables,
    runner_version: str,
    manager_arch: str = "amd64",
) -> HelperImage:
    """Choose the helper image.

    Later steps win: linux/amd64; the manager's own architecture if `helper_image_autoset_arch_and_os`; the static
    selector; the selector after overwrites. Any `helper_image` replaces the result. Raises RefusedError for an
    operating system that is not modelled or unknown to upstream.
    """
    settings = config.kubernetes
    arch = manager_arch if settings.flag("helper_image_autoset_arch_and_os") else "amd64"
    system = "linux"
    for selector in (settings.text_map("node_selector"), overwritten_selector):
        arch = selector.get(ARCH_LABEL) or arch
        system = selector.get(OS_LABEL) or system
    if system not in ("linux", "freebsd"):
        detail = "is not modelled" if system == "windows" else "unsupported OSType"
        raise RefusedError(f'prepare helper image: {detail} "{system}"')
    default = (
        f"{REGISTRY}:{tag(arch, runner_version, expand(settings.text('helper_image_flavor'), variables), config.shell)}"
    )
    configured = settings.text("helper_image")
    return HelperImage(image=expand(configured, variables) if configured else default, default=default, os=system)


def tag(arch: str, runner_version: str, flavor: str = "", shell: str = "") -> str:
    """Return `[flavor-]{x86_64|arm64|…}-v{version}`; `alpine` goes without its name, `pwsh` is a suffix."""
    match = _VERSION.match(runner_version)
    revision = f"v{match.group()}" if match else "latest"
    prefix = "" if flavor in ("", "alpine") else f"{flavor}-"
    suffix = "-pwsh" if shell == "pwsh" else ""
    return f"{prefix}{_TAG_ARCH.get(arch, arch)}-{revision}{suffix}"
