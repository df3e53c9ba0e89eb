"""What Pulumi remembers, as a whole answer tells it: no further command is needed."""

from typing import Any

from multiarch.drift.cloud.findings import Answer
from multiarch.drift.live.request import StateResource
from multiarch.model.pulumi_answers import Step

_NEW = frozenset({"create", "import"})


def remembered(answer: Answer) -> tuple[StateResource, ...] | None:
    """Take each resource as it was before the refresh: the first step that names it.

    Resources that only wait for their deletion are left out. None where a resource is listed without its state, so
    that nobody takes what is missing for what isn't there.
    """
    first = _first(answer.steps)
    if not first or any(step.old is None for step in first.values()):
        return None
    return tuple(
        _resource(urn, step.old)
        for urn, step in sorted(first.items())
        if step.old is not None and not step.old.get("delete")
    )


def _first(steps: tuple[Step, ...]) -> dict[str, Step]:
    first: dict[str, Step] = {}
    for step in steps:
        if step.op not in _NEW:
            first.setdefault(step.urn, step)
    return first


def _resource(urn: str, state: Any) -> StateResource:
    return StateResource(
        urn=urn,
        type=str(state.get("type") or ""),
        id=str(state.get("id") or ""),
        inputs=_tree(state.get("inputs")),
        outputs=_tree(state.get("outputs")),
    )


def _tree(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
