"""Every version that the runner's half of the package pins, in one place. Never taken from the environment.

The versions of the embedded control plane are in multiarch/rehearse/tools/go.mod instead, where Go needs them; those of
the CI templates' images in ci/versions.py.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

CHART_NAME: Final = "gitlab-runner"
CHART_REPOSITORY: Final = "https://charts.gitlab.io"

# renovate: datasource=helm depName=gitlab-runner registryUrl=https://charts.gitlab.io
CHART_VERSION: Final = "0.90.1"

# The chart's appVersion. A chart that is not listed here has an unknown runner: that is asked for, never guessed. The
# default is the newest with which everything here was proved. Sources: the charts' tags; gitlab-org/charts/gitlab merge
# requests 5490 and 5507 for 0.94.
RUNNER_OF_CHART: Final[Mapping[str, str]] = MappingProxyType(
    {
        "0.90.1": "19.1.1",
        "0.91.2": "19.2.2",
        "0.92.2": "19.3.2",
        "0.93.0": "19.4.0",
        "0.94.0": "19.5.0",
        "0.94.1": "19.5.1",
    }
)

# The first runner whose release publishes helper images as multi-arch indexes (gitlab-runner MR 5316).
FIRST_MULTI_ARCH_HELPER: Final = (19, 2, 0)
HELPER_REPOSITORY: Final = "registry.gitlab.com/gitlab-org/gitlab-runner/gitlab-runner-helper"
# The runner expands its own version here, so that a chart upgrade can't leave the helper behind.
HELPER_FLAVOR: Final = "alpine-latest"
HELPER_TAG: Final = f"{HELPER_FLAVOR}-v${{CI_RUNNER_VERSION}}"

# The first runner that gives single containers their own seccomp and AppArmor profiles (gitlab-runner MR 6512).
FIRST_CONTAINER_PROFILES: Final = (18, 11, 0)

# Image of a job that names none: multi-arch, as everything that both pools may run has to be.
# renovate: datasource=docker depName=docker.io/library/alpine
JOB_IMAGE: Final = "docker.io/library/alpine:3.22"

# Pod Security levels change with Kubernetes releases; a pinned version keeps an upgrade from refusing running jobs.
# An API server older than this reads it as its own newest.
POD_SECURITY_VERSION: Final = "v1.34"
