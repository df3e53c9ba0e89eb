"""What tells a rehearsal's objects from all others: its labels, and the taint that keeps real pods off its nodes."""

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

OWNER_LABEL: Final = "multiarch-runner.io/rehearsal"
"""Label of every object that a rehearsal made; its value is `owner(stack)`. Also the key of the nodes' own taint."""
RUN_LABEL: Final = "multiarch-runner.io/rehearsal-run"
"""Label of the same objects; its value tells which run made them: no run touches another's."""
KEPT: Final = "kept"
"""In place of a run: nodes that `--keep` left. No run takes them away."""

TAINTS: Final = tuple({"key": OWNER_LABEL, "value": "fake", "effect": effect} for effect in ("NoSchedule", "NoExecute"))
"""No container ever starts on these nodes, so nobody's pod may go there. Two, since a pod that tolerates every taint
of one effect, as many DaemonSets do, need not tolerate the other."""
TOLERATION: Final[Mapping[str, str]] = {"key": OWNER_LABEL, "operator": "Exists"}
"""What only the rehearsal's own pods have, beside the tolerations that are put to the proof."""
_LABEL_VALUE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Mark:
    """Whose objects: those of one run for one stack, or (`ANY`) whatever a rehearsal left that was not to stay."""

    stack: str
    run: str

    @property
    def labels(self) -> dict[str, str]:
        """Give the labels of an object that this run makes."""
        return {OWNER_LABEL: owner(self.stack), RUN_LABEL: self.run}

    @property
    def selector(self) -> str:
        """Select by labels exactly the objects that bear the mark."""
        if self.run:
            return ",".join(f"{key}={value}" for key, value in self.labels.items())
        return f"{OWNER_LABEL},{RUN_LABEL}!={KEPT}"

    def is_on(self, found: Mapping[str, Any]) -> bool:
        """Tell whether an object as the cluster has it bears the mark."""
        labels = found["metadata"].get("labels") or {}
        if self.run:
            return self.labels.items() <= labels.items()
        return OWNER_LABEL in labels and labels.get(RUN_LABEL) != KEPT


ANY: Final = Mark("", "")


def new_run() -> str:
    """Return what stands for one run of the command in a label."""
    return secrets.token_hex(4)


def tainted(node: Mapping[str, Any]) -> dict[str, Any]:
    """Return a node with the rehearsal's own taints beside its pool's."""
    spec = node.get("spec") or {}
    return {**node, "spec": {**spec, "taints": [*(spec.get("taints") or []), *(dict(taint) for taint in TAINTS)]}}


def tolerating(tolerations: Any) -> Any:
    """Return a pod's tolerations with the rehearsal's own beside them; what is no list stays, for others to refuse."""
    given = [] if tolerations is None else tolerations
    return [*given, dict(TOLERATION)] if isinstance(given, list) else given


def pools_own(taint: Mapping[str, Any]) -> bool:
    """Tell whether a taint is a pool's and not the rehearsal's."""
    return taint.get("key") != OWNER_LABEL


def owner(stack: str) -> str:
    """Return what stands for a stack in a label: its name, or a hash where that is too long or ends in a dash."""
    return stack if _LABEL_VALUE.fullmatch(stack) else f"stack-{hashlib.sha256(stack.encode()).hexdigest()[:8]}"
