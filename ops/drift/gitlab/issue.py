"""One issue for all drift of a project: opened, brought up to date, closed; by any number of pipelines, in any order.

The issue is found by its label, and known as ours by a comment that its description begins with: an issue that a person
gave the same label is left alone.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from ops.drift.gitlab.api import Issue, IssueError, IssuesApi, NoAnswerError, has_label
from ops.drift.gitlab.description import description, drifted_stacks, fingerprint, mark_of, title
from ops.drift.gitlab.settings import IssueSettings
from ops.drift.model import DriftReport, Verdict

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


def keep_issue(report: DriftReport, body: str, settings: IssueSettings) -> IssueOutcome:
    """Bring the project's one issue in line with the report; `body` is the report as Markdown. Raises IssueError.

    Drift: the open issue is edited when something changed, else the last closed one is reopened, else one is made.
    Clean: it is closed. Could not tell, and no drift seen: an open one says so and stays open, none is opened; what was
    told before is kept below. Safe to repeat, and beside another pipeline that does the same.
    """
    with IssuesApi(
        api=settings.api,
        project=settings.project,
        token=settings.token,
        ca_file=settings.ca_file,
        pause=settings.pause,
    ) as api:
        ours = _ours(api, settings)
        opened = [issue for issue in ours if issue.opened]
        if report.verdict is Verdict.CLEAN:
            return _close(api, opened, report, body, settings)
        if not drifted_stacks(report):
            if not opened:
                return IssueOutcome(action=Action.NONE)
            return _update(api, opened, report, body, settings)
        if opened:
            return _update(api, opened, report, body, settings)
        closed = [issue for issue in ours if not issue.moved]
        if closed:
            fields = {**_fields(report, body, settings), "state_event": "reopen"}
            return IssueOutcome(action=Action.REOPENED, url=api.edit(closed[-1].number, fields).url)
        return _open(api, report, body, settings)


def _ours(api: IssuesApi, settings: IssueSettings) -> list[Issue]:
    """List the issues that we made, oldest first."""
    return sorted(
        (issue for issue in api.labelled(settings.label) if mark_of(issue.description) is not None),
        key=lambda issue: issue.number,
    )


def _close(
    api: IssuesApi, opened: list[Issue], report: DriftReport, body: str, settings: IssueSettings
) -> IssueOutcome:
    if not opened:
        return IssueOutcome(action=Action.NONE)
    fields = {"description": description(report, body, settings.pipeline), "state_event": "close"}
    url = api.edit(opened[0].number, fields).url
    return IssueOutcome(action=Action.CLOSED, url=url, duplicates=_close_younger(api, opened))


def _update(
    api: IssuesApi, opened: list[Issue], report: DriftReport, body: str, settings: IssueSettings
) -> IssueOutcome:
    """Edit the oldest open issue when it says something else, and close the younger ones."""
    issue = opened[0]
    wanted = _fields(report, body, settings, before=issue)
    action, url = Action.UNCHANGED, issue.url
    if mark_of(issue.description) != fingerprint(report) or issue.title != wanted.get("title", issue.title):
        action, url = Action.UPDATED, api.edit(issue.number, wanted).url
    return IssueOutcome(action=action, url=url, duplicates=_close_younger(api, opened))


def _open(api: IssuesApi, report: DriftReport, body: str, settings: IssueSettings) -> IssueOutcome:
    """Make the issue; then look again, for another pipeline may have done the same at the same time."""
    fields = {**_fields(report, body, settings), "labels": settings.label, "confidential": settings.confidential}
    made = _create(api, fields, settings)
    if not has_label(made, settings.label):
        api.edit(made.number, {"state_event": "close"})
        raise IssueError(
            f"{made.url} was made without its label {settings.label!r}, so the next run could not find it; it has been "
            "closed. Give the token's user the role Planner or Reporter: a guest's labels are dropped"
        )
    others = [issue for issue in _ours(api, settings) if issue.opened and issue.number != made.number]
    opened = sorted([made, *others], key=lambda issue: issue.number)
    if opened[0].number == made.number and mark_of(made.description) == fingerprint(report):
        return IssueOutcome(action=Action.OPENED, url=made.url, duplicates=_close_younger(api, opened))
    return _update(api, opened, report, body, settings)


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


def _fields(report: DriftReport, body: str, settings: IssueSettings, before: Issue | None = None) -> dict[str, Any]:
    """Title and description. Where no drift was seen the title stays: what it names may still be so."""
    stacks = drifted_stacks(report)
    if not stacks:
        told = before.description if before else ""
        return {"description": description(report, body, settings.pipeline, before=told)}
    return {"title": title(stacks), "description": description(report, body, settings.pipeline)}
