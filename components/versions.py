"""Every version that the runner's half of the package pins, in one place. Never taken from the environment.

The versions of the embedded control plane are in multiarch/rehearse/tools/go.mod instead, where Go needs them.
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
JOB_IMAGE: Final = "docker.io/library/alpine:3.22"

# The maintained fork; its `-debug` tag has the shell that GitLab needs, and serves both architectures.
# renovate: datasource=docker depName=ghcr.io/osscontainertools/kaniko
KANIKO_IMAGE: Final = "ghcr.io/osscontainertools/kaniko:v1.28.6-debug"

# Rootless, and for the runner class that allows what it needs (docs/ci.md).
# renovate: datasource=docker depName=docker.io/moby/buildkit
BUILDKIT_IMAGE: Final = "docker.io/moby/buildkit:v0.33.0-rootless"

# This repository's own image, made by its pipeline from images/archmerge; the tag is the version of archmerge.
ARCHMERGE_IMAGE: Final = "registry.gitlab.com/multiarch-runner/multiarch-runner/archmerge:0.1.0"
# renovate: datasource=docker depName=docker.io/library/python
PYTHON_IMAGE: Final = "docker.io/library/python:3.13-alpine3.22"
# Debian 13: its Node is 20, and it has the registry that the tests run against.
# renovate: datasource=docker depName=docker.io/library/python
TEST_IMAGE: Final = "docker.io/library/python:3.11-trixie"

# What the optional jobs of the CI templates run: each with a shell, which GitLab needs.
# renovate: datasource=docker depName=docker.io/aquasec/trivy
TRIVY_IMAGE: Final = "docker.io/aquasec/trivy:0.74.0"
# renovate: datasource=docker depName=docker.io/anchore/syft
SYFT_IMAGE: Final = "docker.io/anchore/syft:v1.45.1-debug"
# renovate: datasource=docker depName=ghcr.io/sigstore/cosign/cosign
COSIGN_IMAGE: Final = "ghcr.io/sigstore/cosign/cosign:v2.6.1-dev"
# renovate: datasource=docker depName=registry.gitlab.com/gitlab-org/cli
GLAB_IMAGE: Final = "registry.gitlab.com/gitlab-org/cli:v1.118.0"

# The Pulumi CLI of the drift jobs, as new as the SDK in requirements.txt. The big image: it also has what kubeconfigs
# of GKE and EKS call (gke-gcloud-auth-plugin, aws); kubelogin it has not.
# renovate: datasource=docker depName=docker.io/pulumi/pulumi
PULUMI_IMAGE: Final = "docker.io/pulumi/pulumi:3.272.0"

# Pod Security levels change with Kubernetes releases; a pinned version keeps an upgrade from refusing running jobs.
# An API server older than this reads it as its own newest.
POD_SECURITY_VERSION: Final = "v1.34"
