"""What the keys of this program's configuration are called, in a stack file and by Pulumi."""

from typing import Final

NAMESPACE: Final = "multiarch-runner"
RUNNER_TOKEN: Final = "runnerToken"  # noqa: S105 - the name of a key
BUILDKIT_TOKEN: Final = "buildkitToken"  # noqa: S105 - the name of a key
MIRROR_PASSWORD: Final = "mirrorPassword"  # noqa: S105 - the name of a key
SECRET_KEYS: Final = (RUNNER_TOKEN, BUILDKIT_TOKEN, MIRROR_PASSWORD)
"""The only keys that hold secrets."""
KEYS: Final = ("cluster", "pools", "runner", *SECRET_KEYS)
