"""From the steps of one answer to one finding per resource."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from multiarch.core.printable import one_line
from multiarch.core.secrets import hide_tokens
from multiarch.core.verdict import Verdict
from multiarch.drift.cloud.diagnostics import Diagnostic, errors_in, message, unreachable
from multiarch.drift.cloud.differences import Sides, differences
from multiarch.drift.cloud.redaction import Hidden
from multiarch.drift.model import Change, Check, Difference, Finding
from multiarch.model.pulumi_answers import QUIET, REPLACING, Step, resource_name

KNOWN = (
    QUIET
    | REPLACING
    | {
        "create",
        "update",
        "delete",
        "import",
        "import-replacement",
        "read-replacement",
        "discard-replaced",
        "remove-pending-replace",
    }
)
"""pulumi/pulumi sdk/go/common/display/display.go (StepOp)."""
_REPLACES = REPLACING | {"import-replacement", "read-replacement", "discard-replaced", "remove-pending-replace"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a whole document says: its steps and diagnostics."""

    check: Check
    steps: tuple[Step, ...]
    diagnostics: tuple[Diagnostic, ...]


def findings(answer: Answer) -> tuple[Finding, ...]:
    """Give one finding per resource of a finished command, in the order of their URNs."""
    away = unreachable(answer.diagnostics)
    made = []
    for urn, steps in sorted(_by_urn(answer.steps).items()):
        doubt = away.get(urn)
        made.append(_unknown(answer.check, urn, message(doubt)) if doubt else _finding(answer.check, urn, steps))
    return tuple(made)


def partial_findings(answer: Answer) -> tuple[Finding, ...]:
    """Give what a failed command still told: resources with an error of their own, and changes seen before it.

    None is clean: what comes after the failure wasn't looked at. Where the program failed, what it didn't name is no
    deletion.
    """
    errors = {one.urn: one for one in errors_in(answer.diagnostics)}
    troubled = {urn: one for urn, one in {**errors, **unreachable(answer.diagnostics)}.items() if urn}
    made = [_unknown(answer.check, urn, message(one)) for urn, one in troubled.items()]
    for urn, steps in _by_urn(answer.steps).items():
        operations = {step.op for step in steps} - QUIET
        if urn in troubled or not operations or (answer.check is Check.CODE and operations == {"delete"}):
            continue
        made.append(_finding(answer.check, urn, steps))
    return tuple(sorted(made, key=lambda finding: finding.resource))


def whole_stack(check: Check, stack: str, reason: str) -> Finding:
    """Say that the stack has drifted, where the answer doesn't tell in what."""
    return Finding(check=check, resource=f"stack {stack}", verdict=Verdict.NO, change=Change.CHANGED, reason=reason)


def _by_urn(steps: Iterable[Step]) -> Mapping[str, list[Step]]:
    by_urn: dict[str, list[Step]] = {}
    for step in steps:
        by_urn.setdefault(step.urn, []).append(step)
    return by_urn


def _title(urn: str) -> str:
    return one_line(hide_tokens(resource_name(urn)))


def _unknown(check: Check, urn: str, reason: str) -> Finding:
    title = _title(urn)
    return Finding(check=check, resource=urn, urn=urn, title=title, verdict=Verdict.UNKNOWN, reason=reason)


def _finding(check: Check, urn: str, steps: Sequence[Step]) -> Finding:
    changed = [step for step in steps if step.op not in QUIET]
    title = _title(urn)
    if not changed:
        return Finding(check=check, resource=urn, urn=urn, title=title, verdict=Verdict.YES)
    strange = sorted({step.op for step in changed} - KNOWN)
    if strange:
        reason = f"Pulumi plans `{one_line(strange[0])}`, an operation that this check doesn't know"
        return _unknown(check, urn, reason)
    change = _change(check, {step.op for step in changed})
    listed, more, reason = _listed(check, change, steps, changed)
    return Finding(
        check=check,
        resource=urn,
        urn=urn,
        title=title,
        verdict=Verdict.NO,
        change=change,
        differences=listed,
        more=more,
        reason=reason,
    )


def _change(check: Check, operations: set[str]) -> Change:
    """Say it from what was found: what `up` would create is gone, and what it would delete nothing of ours wants."""
    if operations & _REPLACES or "update" in operations:
        return Change.CHANGED
    if check is Check.STATE:
        return Change.GONE if "delete" in operations else Change.ADDED
    return Change.ADDED if "delete" in operations else Change.GONE


def _listed(
    check: Check, change: Change, steps: Sequence[Step], changed: Sequence[Step]
) -> tuple[tuple[Difference, ...], int, str]:
    """Return the listed differences, how many there are beside them, and remarks."""
    if change is not Change.CHANGED:
        return (), 0, _remark(check, change, steps)
    telling = max(changed, key=lambda step: (bool(step.paths), step.op in _REPLACES, step.new is not None))
    sides = (
        Sides(wanted=telling.old, found=telling.new)
        if check is Check.STATE
        else Sides(wanted=telling.new, found=telling.old)
    )
    listed, more = differences(telling, sides, Hidden.of(steps))
    remarks = [] if listed else ["the answer doesn't say which property differs"]
    if check is Check.CODE:
        forced = sorted({reason for step in changed for reason in step.reasons})
        if any(step.op in _REPLACES for step in changed):
            because = f", because of {', '.join(map(one_line, forced))}" if forced else ""
            remarks.append(hide_tokens(f"`pulumi up` would replace it{because}"))
        if _is_as_remembered(steps, telling):
            remarks.append("the cloud matches the state: the program was changed and not deployed")
    return listed, more, "; ".join(remarks)


def _remark(check: Check, change: Change, steps: Sequence[Step]) -> str:
    remembered = any(step.op not in {"create", "import"} and step.old is not None for step in steps)
    if check is Check.STATE:
        return "it is in the state, but no longer in the cloud" if change is Change.GONE else ""
    if change is Change.GONE:
        return (
            "it is in the program and in the state, but no longer in the cloud"
            if remembered
            else "it is in the program, but was never deployed"
        )
    return "it is in the state, but no longer in the program"


def _is_as_remembered(steps: Sequence[Step], planned: Step) -> bool:
    """Tell whether what the plan begins with is what the state had before the refresh: then the program moved on.

    The step of the refresh itself shows the state twice, also where the cloud has something else.
    """
    read = [step.old for step in steps if step.op == "refresh"]
    if len(read) != 1 or read[0] is None or planned.old is None:
        return False
    state, found = read[0], planned.old
    return all(tree in state and state.get(tree) == found.get(tree) for tree in ("inputs", "outputs"))
