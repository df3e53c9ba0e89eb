"""Words the fixes: as lines of the stack file where a stack was named, else as settings of the runner or commands."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from multiarch.doctor.catalogue import BY_ID
from multiarch.doctor.facts import Facts, Node
from multiarch.doctor.model import Cause, Fix
from multiarch.model.pools import PlannedPool

SELECTOR_REGEX = r"^kubernetes\.io/arch=(amd64|arm64)$"
POLL_SECONDS = 600
"""docs/pitfalls.md, The runner: what a new node takes, and its image."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What the wording depends on."""

    facts: Facts

    @property
    def stack(self) -> str:
        """The stack that was named; empty without one."""
        return self.facts.stack

    def kubectl(self, words: str) -> str:
        """Return a kubectl command against this very cluster."""
        return f"kubectl --context {self.facts.context} {words}" if self.facts.context else f"kubectl {words}"

    def pools(self, arch: str) -> list[PlannedPool]:
        """Return the planned pools of an architecture."""
        return [pool for pool in self.facts.pools if pool.arch == arch]

    def pool_of(self, node: Node) -> str:
        """Return the name of the planned pool that a node belongs to, by the labels that the plan gives its nodes."""
        mine = (pool for pool in self.facts.pools if pool.arch == node.arch and has_labels(node, pool))
        return next((pool.name for pool in mine), "POOL")

    def in_stack(self, text: str, *lines: str) -> Fix:
        """Return a change of the stack file, to be deployed."""
        return Fix(
            text=text, lines=(f"# stacks/Pulumi.{self.stack}.yaml", *lines, f"# then: make up STACK={self.stack}")
        )

    def deploy(self, text: str) -> Fix:
        """Return that the stack as it is puts it right."""
        return Fix(text=text, lines=(f"make up STACK={self.stack}",))

    def in_config(self, text: str, key: str, stack_lines: Sequence[str], toml: str) -> Fix:
        """Return a change of the runner's config: the stack's `runner`, or `[runners.kubernetes]` itself."""
        if self.stack:
            return self.in_stack(text, "multiarch-runner:runner:", *(f"  {line}" for line in stack_lines))
        return Fix(
            text=f"{text} (Helm value runners.config, `{key}`)",
            lines=("[runners.kubernetes]", *(f"  {line}" for line in toml.splitlines())),
        )

    def pool_line(self, text: str, pool: PlannedPool, line: str) -> Fix:
        """Return a change of one pool of the stack file."""
        return self.in_stack(text, "multiarch-runner:pools:", f"  - name: {pool.name}", f"    {line}")

    def describe_pods(self, pods: Sequence[str]) -> Fix:
        """Return how to see one of the pods whole."""
        namespace, _, name = pods[0].partition("/")
        return Fix(
            text="Show everything about one of them:",
            lines=(self.kubectl(f"-n {namespace} describe pod {name}"),),
        )


_CHANGING = (
    "eks.amazonaws.com/nodegroup",
    "eks.amazonaws.com/capacityType",
    "topology.kubernetes.io/region",
    "node.kubernetes.io/instance-type",
)
"""Labels of a planned pool that its real nodes may have otherwise: made up in the plan, or one of several types."""


def has_labels(node: Node, pool: PlannedPool) -> bool:
    """Tell whether a node carries the labels of a planned pool, but for those that only the cloud knows."""
    return all(node.labels.get(key) == value for key, value in pool.labels.items() if key not in _CHANGING)


def cause(
    kind: str,
    subject: str,
    headline: str,
    evidence: Iterable[str] = (),
    fixes: Iterable[Fix] = (),
) -> Cause:
    """Make a cause; without fixes of its own it gets the catalogue's."""
    general = (Fix(text=BY_ID[kind].fix),)
    return Cause(
        kind=kind,
        subject=subject,
        headline=headline,
        evidence=tuple(evidence),
        fixes=tuple(fixes) or general,
    )
