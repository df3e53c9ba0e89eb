"""What the checks against the living cluster and registry are given, and what they answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from multiarch.drift.model import Check, CheckResult


@dataclass(frozen=True, slots=True, kw_only=True)
class StateResource:
    """A resource as Pulumi remembers it. Secrets stay as the state has them: encrypted."""

    urn: str
    type: str
    id: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRequest:
    """One stack to compare with what is there."""

    project: Path
    """The folder of Pulumi.yaml."""
    stack: str
    checks: frozenset[Check]
    """Which of OBJECTS, RELEASE, NODES, IMAGES, RUNNER_CONFIG are wanted; others are passed over."""
    deadline: float
    """`time.monotonic()` after which nothing new is begun: what is left could not be told."""
    kubeconfig: Path | None = None
    """Instead of the stack's own, `$KUBECONFIG` or `~/.kube/config`."""
    context: str | None = None
    """Instead of the stack's own, or of the one that its cloud's CLI would have named."""
    state: tuple[StateResource, ...] | None = None
    """What Pulumi remembers; None where that could not be had."""
    state_failure: str = ""
    """Why it could not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveAnswer:
    """What the living side says."""

    cluster: str
    """How the cluster was reached: `context gke_acme_us-central1_ci`; empty where it was not."""
    results: tuple[CheckResult, ...]
    """One for each wanted check, in the order of `Check`."""
    notes: tuple[str, ...] = ()
