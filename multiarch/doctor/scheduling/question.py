"""A pod that has no node, and all that bears on it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from multiarch.doctor.advice import Advice
from multiarch.doctor.facts import Node, Raw, quoted
from multiarch.doctor.scaling import Scaling
from multiarch.doctor.scheduling.message import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A pod that has no node, and all that bears on it."""

    pod: Raw
    nodes: Sequence[Node] | None
    """None when the nodes could not be listed."""
    message: Message = field(default_factory=lambda: Message(""))
    scaling: Scaling = field(default_factory=Scaling)
    advice: Advice

    @property
    def evidence(self) -> list[str]:
        """What scheduler and autoscaler said."""
        said = [f"scheduler: {quoted(self.message.text)}"] if self.message.text else []
        return said + ([f"autoscaler: {self.scaling.said}"] if self.scaling.said else [])
