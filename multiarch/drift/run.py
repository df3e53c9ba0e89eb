"""One drift check from stacks to report: several stacks side by side, each within its time limit."""

import datetime as dt
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from multiarch.core.progress import ProgressDisplay
from multiarch.core.secrets import hide
from multiarch.core.verdict import Verdict
from multiarch.drift.cloud.check import CloudAnswer, CloudRequest, check_cloud
from multiarch.drift.cloud.processes import Children
from multiarch.drift.history import History
from multiarch.drift.ignore import Rule, apply_rules, expired, unmatched
from multiarch.drift.live.request import LiveAnswer, LiveRequest
from multiarch.drift.model import Check, CheckResult, ComparedStack, Comparison

CLOUD_CHECKS = frozenset({Check.STATE, Check.CODE})
"""What the Pulumi CLI answers; all others look at the cluster and the registries themselves."""
NEED_PULUMI = CLOUD_CHECKS | {Check.IMAGES}
"""What is not told without the CLI: images are compared with the digests in the state."""
_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command was asked to do."""

    project: Path
    stacks: tuple[str, ...]
    whole: bool = False
    """Whether these are all stacks of the project: only then is a rule that matched nothing worth a word."""
    checks: frozenset[Check] = frozenset(Check)
    jobs: int = 4
    """Stacks, and processes of `pulumi`, at the same time."""
    time_limit: float = 600.0
    """Seconds of its own work for each stack: waiting for others, for a turn or for a process, is not counted."""
    pulumi: Path | None = None
    why_not: str = ""
    """Why there is no `pulumi`, and how to get one."""
    kubeconfig: Path | None = None
    contexts: Mapping[str, str] = field(default_factory=dict)
    """Stack to context; the empty name stands for every stack that is not named."""
    rules: tuple[Rule, ...] = ()
    history: History | None = None
    now: Callable[[], float] = time.monotonic


def check_drift(options: Options, display: ProgressDisplay) -> Comparison:
    """Check the stacks and give the report, stacks in the order asked for.

    Whatever a stack does (hang, crash, be unreachable) is in its own report and touches no other. On Ctrl-C, and on
    a signal that raises SystemExit, every `pulumi` is ended before the exception goes on.
    """
    started, began = dt.datetime.now(dt.UTC), time.monotonic()
    children = Children(options.jobs)
    found: dict[str, ComparedStack] = {}
    try:
        _side_by_side(options, lambda stack: found.update({stack: _stack(options, stack, children, display)}))
    finally:
        children.end_all()
    raw = [found[stack] for stack in options.stacks]
    today = started.date()
    reports = [apply_rules(report, options.rules, today) for report in raw]
    if options.history is not None:
        reports = [options.history.dated(report, started) for report in reports]
    whole = options.whole and options.checks == frozenset(Check)
    useless = unmatched(options.rules, raw, today) if whole else ()
    notes = (*expired(options.rules, today), *useless)
    return Comparison(stacks=tuple(reports), started=started, seconds=time.monotonic() - began, notes=notes)


def _side_by_side(options: Options, work: Callable[[str], None]) -> None:
    """Work on every stack, at most `jobs` at a time; an interrupt in the main thread is not kept waiting by any."""
    turns, lock, failures = iter(options.stacks), threading.Lock(), list[BaseException]()

    def worker() -> None:
        while True:
            with lock:
                stack = next(turns, None)
            if stack is None or failures:
                return
            try:
                work(stack)
            except BaseException as error:  # noqa: BLE001 - handed to the main thread, which raises it
                failures.append(error)

    # Daemons: a call to a dead cluster may last until its own time limit, and must not hold up an interrupt.
    threads = [
        threading.Thread(target=worker, name=f"drift-{number}", daemon=True)
        for number in range(min(options.jobs, len(options.stacks)))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(_POLL_SECONDS)
    if failures:
        raise failures[0]


def _stack(options: Options, stack: str, children: Children, display: ProgressDisplay) -> ComparedStack:
    began = options.now()

    def progress(what: str) -> None:
        display.update(stack, what)

    progress("begins")
    request = CloudRequest(
        project=options.project,
        stack=stack,
        checks=options.checks & CLOUD_CHECKS,
        pulumi=options.pulumi,
        why_not=options.why_not,
        limit=options.time_limit,
        want_state=Check.IMAGES in options.checks,
    )
    cloud = _cloud(request, children, progress)
    # The living checks follow without any waiting: from here on, the stack's time is the clock's.
    live = _live(options, stack, cloud, options.now() + options.time_limit - cloud.seconds, progress)
    report = ComparedStack(
        stack=stack,
        cluster=live.cluster,
        checks=(*cloud.results, *live.results),
        notes=(*cloud.notes, *live.notes),
        seconds=options.now() - began,
        commands=cloud.commands,
    )
    display.finish(stack, _summary_words(report), sign=report.verdict)
    return report


def _cloud(request: CloudRequest, children: Children, progress: Callable[[str], None]) -> CloudAnswer:
    try:
        return check_cloud(request, children, progress)
    except Exception as error:  # noqa: BLE001 - one stack's surprise is that stack's doubt, and no reason to lose the others
        failure = _unforeseen(error)
        return CloudAnswer(results=_failed(request.checks, failure), state=None, state_failure=failure)


def _live(
    options: Options, stack: str, cloud: CloudAnswer, deadline: float, progress: Callable[[str], None]
) -> LiveAnswer:
    wanted = options.checks - CLOUD_CHECKS
    if not wanted:
        return LiveAnswer(cluster="", results=())
    from multiarch.drift.live.check import check_live  # noqa: PLC0415 - the Kubernetes client takes a while to import

    request = LiveRequest(
        project=options.project,
        stack=stack,
        checks=wanted,
        deadline=deadline,
        kubeconfig=options.kubeconfig,
        context=options.contexts.get(stack, options.contexts.get("")),
        state=cloud.state,
        state_failure=cloud.state_failure,
    )
    try:
        return check_live(request, progress)
    except Exception as error:  # noqa: BLE001 - as above
        return LiveAnswer(cluster="", results=_failed(wanted, _unforeseen(error)))


def _unforeseen(error: Exception) -> str:
    """Name an error that nobody foresaw; its text may hold anything, credentials of the environment included."""
    return hide(f"unforeseen: {type(error).__name__}: {error}")


def _failed(checks: frozenset[Check], failure: str) -> tuple[CheckResult, ...]:
    return tuple(CheckResult(check=check, failure=failure) for check in Check if check in checks)


def _summary_words(report: ComparedStack) -> str:
    findings = [finding for check in report.checks for finding in check.findings]
    drifted = sum(finding.verdict is Verdict.NO for finding in findings)
    doubts = sum(finding.verdict is Verdict.UNKNOWN for finding in findings)
    doubts += sum(bool(check.failure) for check in report.checks)
    parts = [f"{drifted} drifted" if drifted else "", f"{doubts} could not tell" if doubts else ""]
    return ", ".join(filter(None, parts)) or f"clean, {len(findings)} compared"


def merged(reports: Sequence[Comparison], wanted: Sequence[str]) -> Comparison:
    """Fold the reports of several runs into one. A wanted stack that none of them has could not be told.

    Of a stack that several have, the report that began last counts.
    """
    newest: dict[str, tuple[dt.datetime, ComparedStack]] = {}
    for report in reports:
        for stack in report.stacks:
            if stack.stack not in newest or newest[stack.stack][0] <= report.started:
                newest[stack.stack] = (report.started, stack)
    missing = [
        ComparedStack(stack=name, checks=(CheckResult(check=Check.STATE, failure="its check left no report"),))
        for name in wanted
        if name not in newest
    ]
    stacks = [*(report for _, report in newest.values()), *missing]
    started = min((report.started for report in reports), default=dt.datetime.now(dt.UTC))
    return Comparison(
        stacks=tuple(sorted(stacks, key=lambda report: report.stack)),
        started=started,
        seconds=sum(report.seconds for report in reports),
        notes=tuple(dict.fromkeys(note for report in reports for note in report.notes)),
    )
