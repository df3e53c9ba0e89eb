"""One issue for all drift of a project: opened, brought up to date, closed; by any number of pipelines, in any order.

The issue is found by its label, and known as ours by a comment that its description begins with: an issue that a person
gave the same label is left alone.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from multiarch.core.secrets import hide_in
from multiarch.drift.gitlab.api import Issue, IssueError, IssuesApi, NoAnswerError, has_label
from multiarch.drift.gitlab.description import (
    description,
    drifted_stacks,
    fingerprint,
    is_clean,
    mark_of,
    title,
    told_before,
)
from multiarch.drift.gitlab.settings import IssueSettings
from multiarch.drift.gitlab.state import State, comment, knows, merge, read_state
from multiarch.drift.model import Comparison

_ATTEMPTS: Final = 3


class Action(StrEnum):
    """What was done."""

    OPENED = "opened"
    REOPENED = "reopened"
    UPDATED = "updated"
    UNCHANGED = "up to date already"
    CLOSED = "closed"
    NONE = "none is open, and none is needed"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueOutcome:
    """What became of the issue. Its text is one line for people: `opened https://gitlab.example.com/…/issues/7`."""

    action: Action
    url: str = ""
    duplicates: tuple[int, ...] = ()
    """Numbers of younger issues that were closed, since another pipeline had opened one too."""

    def __str__(self) -> str:
        """Render as `opened URL`."""
        closed = ", ".join(f"#{number}" for number in self.duplicates)
        more = f" (closed what another pipeline had opened too: {closed})" if closed else ""
        return f"{self.action} {self.url}".rstrip() + more


@dataclass(frozen=True, slots=True)
class _Run:
    """What was found, and how it is told."""

    report: Comparison
    render: Callable[[Comparison], str]
    settings: IssueSettings
    whole: bool

    def state(self, issue: Issue | None) -> State:
        """Take the run into what an issue knows."""
        before = read_state(issue.description) if issue else None
        if before is None and issue is not None and issue.opened:
            nothing = replace(self.report, stacks=())
            before = State(report=nothing, text=told_before(issue.description))
        # What an older version told was told by its own rules of what is a secret.
        return hide_in(merge(before, self.report, whole=self.whole))

    def fields(self, state: State) -> dict[str, Any]:
        """Title and description. Where no drift is known the title stays: what it names may still be so."""
        text = description(state, self.render(state.report), self.settings.pipeline)
        stacks = drifted_stacks(state.report)
        return {"description": text, **({"title": title(stacks)} if stacks else {})}

    def is_in(self, issues: list[Issue], outcome: IssueOutcome) -> bool:
        """Tell whether nobody wrote over it: another run may have read the issue before it, and written after it."""
        issue = next((issue for issue in issues if issue.url == outcome.url), None)
        if issue is None or (drifted_stacks(self.report) and not issue.opened):
            return False
        return knows(read_state(issue.description), self.report) or not comment(self.state(issue))


def keep_issue(
    report: Comparison, render: Callable[[Comparison], str], settings: IssueSettings, *, whole: bool
) -> IssueOutcome:
    """Bring the project's one issue in line with the report. Raises IssueError.

    The issue knows all stacks, each as it was last told: a run edits what it looked at and leaves the rest; `whole`
    says that the run had all stacks of the project, and others are forgotten. `render` makes Markdown of what is known.

    Drift: the open issue is edited when something changed, else the last closed one is reopened, else one is made.
    Clean: it is closed when all that it knows is clean. Could not tell: an open one says so and stays open with the
    drift that was told before, none is opened. Safe to repeat, and beside another pipeline that does the same.
    """
    run = _Run(report, render, settings, whole)
    with IssuesApi(
        api=settings.api,
        project=settings.project,
        token=settings.token,
        ca_file=settings.ca_file,
        pause=settings.pause,
    ) as api:
        first = outcome = _keep(api, run)
        for _ in range(_ATTEMPTS):
            if outcome.action in (Action.NONE, Action.UNCHANGED):
                return first if first.url == outcome.url else outcome
            # GitLab has no edit on condition. Whoever had read the issue before this edit has written after the pause,
            # and who was written over writes again, over what is there then.
            time.sleep(settings.pause)
            if run.is_in(_ours(api, settings), outcome):
                return first if first.url == outcome.url else outcome
            outcome = _keep(api, run)
    raise IssueError(f"{outcome.url}: other runs keep overwriting it; run one at a time")


def _keep(api: IssuesApi, run: _Run) -> IssueOutcome:
    ours = _ours(api, run.settings)
    opened = [issue for issue in ours if issue.opened]
    if opened:
        return _update(api, opened, run)
    if not drifted_stacks(run.report):
        return IssueOutcome(action=Action.NONE)
    closed = [issue for issue in ours if not issue.moved]
    if closed:
        fields = {**run.fields(run.state(closed[-1])), "state_event": "reopen"}
        return IssueOutcome(action=Action.REOPENED, url=api.edit(closed[-1].number, fields).url)
    return _open(api, run)


def _ours(api: IssuesApi, settings: IssueSettings) -> list[Issue]:
    """List the issues that we made, oldest first."""
    return sorted(
        (issue for issue in api.labelled(settings.label) if mark_of(issue.description) is not None),
        key=lambda issue: issue.number,
    )


def _update(api: IssuesApi, opened: list[Issue], run: _Run) -> IssueOutcome:
    """Edit the oldest open issue when it says something else, close it when all is clean; close the younger ones."""
    issue, state = opened[0], run.state(opened[0])
    wanted = run.fields(state)
    action, url = Action.UNCHANGED, issue.url
    if is_clean(state):
        action, url = Action.CLOSED, api.edit(issue.number, {**wanted, "state_event": "close"}).url
    elif not _says(issue, state) or issue.title != wanted.get("title", issue.title):
        action, url = Action.UPDATED, api.edit(issue.number, wanted).url
    return IssueOutcome(action=action, url=url, duplicates=_close_younger(api, opened))


def _says(issue: Issue, state: State) -> bool:
    """Tell whether the issue says this already, whenever it was told."""
    known = read_state(issue.description)
    same = known is not None and {name: set(dates) for name, dates in known.looked.items()} == {
        name: set(dates) for name, dates in state.looked.items()
    }
    return (same or not comment(state)) and mark_of(issue.description) == fingerprint(state.report)


def _open(api: IssuesApi, run: _Run) -> IssueOutcome:
    """Make the issue; then look again, for another pipeline may have done the same at the same time."""
    settings, state = run.settings, run.state(None)
    fields = {**run.fields(state), "labels": settings.label, "confidential": settings.confidential}
    made = _create(api, fields, settings)
    if not has_label(made, settings.label):
        api.edit(made.number, {"state_event": "close"})
        raise IssueError(
            f"{made.url} was created without its label {settings.label!r}, so the next run could not find it; it is "
            "closed. Give the token's user the role Planner or Reporter: a guest's labels are dropped"
        )
    others = [issue for issue in _ours(api, settings) if issue.opened and issue.number != made.number]
    opened = sorted([made, *others], key=lambda issue: issue.number)
    if opened[0].number == made.number and mark_of(made.description) == fingerprint(state.report):
        return IssueOutcome(action=Action.OPENED, url=made.url, duplicates=_close_younger(api, opened))
    return _update(api, opened, run)


def _create(api: IssuesApi, fields: Mapping[str, Any], settings: IssueSettings) -> Issue:
    """Make an issue, once, whatever happens to the answer: what got none is looked for before it is asked again."""
    for attempt in range(_ATTEMPTS):
        try:
            return api.create(fields)
        except NoAnswerError:
            time.sleep(settings.pause * 2**attempt)
            there = [issue for issue in _ours(api, settings) if issue.opened]
            if there:
                return there[0]
            if attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError  # pragma: no cover - the last attempt returns or raises


def _close_younger(api: IssuesApi, opened: list[Issue]) -> tuple[int, ...]:
    """Close all but the first; without the mark, so that they are never taken for ours again."""
    for issue in opened[1:]:
        text = f"Opened by another pipeline at the same time: #{opened[0].number} goes on.\n"
        api.edit(issue.number, {"description": text, "state_event": "close"})
    return tuple(issue.number for issue in opened[1:])
