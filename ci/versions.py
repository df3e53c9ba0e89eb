"""The images of the CI templates and of the project's own pipeline, each with its version, in one place."""

from typing import Final

# The maintained fork; its `-debug` tag has the shell that GitLab needs, and serves both architectures.
# renovate: datasource=docker depName=ghcr.io/osscontainertools/kaniko
KANIKO_IMAGE: Final = "ghcr.io/osscontainertools/kaniko:v1.28.6-debug"

# Rootless, and for the runner class that allows what it needs (docs/ci.md).
# renovate: datasource=docker depName=docker.io/moby/buildkit
BUILDKIT_IMAGE: Final = "docker.io/moby/buildkit:v0.34.2-rootless"

# The merge jobs run in it, as it is: archmerge comes with the template (ci/scripts/archmerge.sh). And what the pipeline
# puts archmerge on, for those who want it in an image (ci/image.py).
# renovate: datasource=docker depName=docker.io/library/python
PYTHON_IMAGE: Final = "docker.io/library/python:3.13-alpine3.24"
# Debian 13: its Node is 20, and it has the registry that the tests run against.
# renovate: datasource=docker depName=docker.io/library/python
TEST_IMAGE: Final = "docker.io/library/python:3.11-trixie"

# What the optional jobs of the CI templates run: each with a shell, which GitLab needs.
# renovate: datasource=docker depName=docker.io/aquasec/trivy
TRIVY_IMAGE: Final = "docker.io/aquasec/trivy:0.74.0"
# renovate: datasource=docker depName=docker.io/anchore/syft
SYFT_IMAGE: Final = "docker.io/anchore/syft:v1.57.1-debug"
# renovate: datasource=docker depName=ghcr.io/sigstore/cosign/cosign
COSIGN_IMAGE: Final = "ghcr.io/sigstore/cosign/cosign:v3.1.3-dev"
# renovate: datasource=docker depName=registry.gitlab.com/gitlab-org/cli
GLAB_IMAGE: Final = "registry.gitlab.com/gitlab-org/cli:v1.120.0"

# The Pulumi CLI of the drift jobs: the one that the engine's tests run (multiarch/rehearse/engine/tools). The big
# image: it also has what kubeconfigs of GKE and EKS call (gke-gcloud-auth-plugin, aws); kubelogin it has not.
# renovate: datasource=docker depName=docker.io/pulumi/pulumi
PULUMI_IMAGE: Final = "docker.io/pulumi/pulumi:3.276.0"
