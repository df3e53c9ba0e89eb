"""One issue, whatever happens: over HTTP, against a GitLab in this process."""

from __future__ import annotations

import base64
import re
import threading
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from multiarch.drift.gitlab import Action, IssueError, IssueOutcome, IssueSettings, keep_issue
from multiarch.drift.report.words import to_markdown as render
from tests.unit.drift_gitlab.fake import PROJECT, TOKEN, FakeGitLab, Fault
from tests.unit.drift_gitlab.reports import clean, clean_nodes, drifted, drifted_and_unknown, unknown

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from multiarch.drift.model import Comparison

LABEL = "multiarch-drift"


def settings(gitlab: FakeGitLab, **other: Any) -> IssueSettings:
    given: dict[str, Any] = {"api": gitlab.api, "project": PROJECT, "token": TOKEN, "pause": 0.0, **other}
    return IssueSettings(**given)


def keep(
    gitlab: FakeGitLab, report: Comparison, body: str | None = None, *, whole: bool = True, **other: Any
) -> IssueOutcome:
    def text(known: Comparison) -> str:
        return render(known) if body is None else body

    return keep_issue(report, text, settings(gitlab, **other), whole=whole)


def test_drift_opens_an_issue_with_the_label_that_only_members_see(gitlab: FakeGitLab) -> None:
    outcome = keep(gitlab, drifted("gke", "aks"), body="# what drifted")
    (issue,) = gitlab.issues
    assert issue["labels"] == [LABEL]
    assert issue["title"] == "Drift: aks, gke"
    assert "# what drifted" in issue["description"]
    assert issue["confidential"] is True
    assert str(outcome) == f"opened {issue['web_url']}"


def test_a_private_projects_issue_need_not_be_confidential(gitlab: FakeGitLab) -> None:
    keep(gitlab, drifted(), confidential=False)
    assert gitlab.issues[0]["confidential"] is False


def test_the_same_drift_a_day_later_edits_nothing(gitlab: FakeGitLab) -> None:
    keep(gitlab, drifted(day=24), body="seen on the 24th")
    before = len(gitlab.writes())
    outcome = keep(gitlab, drifted(day=25), body="seen on the 25th")
    assert outcome.action is Action.UNCHANGED
    assert len(gitlab.writes()) == before


def test_another_drift_edits_the_same_issue(gitlab: FakeGitLab) -> None:
    keep(gitlab, drifted("gke", found="8"))
    outcome = keep(gitlab, drifted("gke", "eks", found="9"), body="now 9")
    (issue,) = gitlab.issues
    assert outcome.action is Action.UPDATED
    assert "now 9" in issue["description"]
    assert issue["title"] == "Drift: eks, gke"


def test_a_clean_run_closes_it_and_a_second_one_does_nothing(gitlab: FakeGitLab) -> None:
    keep(gitlab, drifted())
    assert keep(gitlab, clean(), body="all clean").action is Action.CLOSED
    assert gitlab.issues[0]["state"] == "closed"
    assert "all clean" in gitlab.issues[0]["description"]
    before = len(gitlab.writes())
    assert keep(gitlab, clean()).action is Action.NONE
    assert len(gitlab.writes()) == before


def test_drift_that_comes_back_reopens_the_last_one(gitlab: FakeGitLab) -> None:
    keep(gitlab, drifted())
    keep(gitlab, clean())
    outcome = keep(gitlab, drifted(), body="again")
    (issue,) = gitlab.issues
    assert outcome.action is Action.REOPENED
    assert issue["state"] == "opened"
    assert "again" in issue["description"]
    assert "No drift any more" not in issue["description"]


def test_an_issue_closed_by_hand_is_reopened_while_the_drift_is_there(gitlab: FakeGitLab) -> None:
    keep(gitlab, drifted())
    gitlab.issues[0]["state"] = "closed"
    assert keep(gitlab, drifted()).action is Action.REOPENED


def test_an_issue_that_was_moved_away_is_not_reopened(gitlab: FakeGitLab) -> None:
    keep(gitlab, drifted())
    gitlab.issues[0].update(state="closed", moved_to_id=99)
    assert keep(gitlab, drifted()).action is Action.OPENED
    assert gitlab.issues[0]["state"] == "closed"


def test_a_doubt_opens_nothing(gitlab: FakeGitLab) -> None:
    assert keep(gitlab, unknown()).action is Action.NONE
    assert gitlab.issues == []


def test_a_doubt_neither_closes_nor_forgets_what_was_told(gitlab: FakeGitLab) -> None:
    keep(gitlab, drifted(day=24))
    assert keep(gitlab, unknown("the first reason")).action is Action.UPDATED
    keep(gitlab, unknown("another reason"))
    (issue,) = gitlab.issues
    text = issue["description"]
    assert issue["state"] == "opened"
    assert issue["title"] == "Drift: gke"
    assert "the first reason" not in text
    assert "another reason" in text
    assert text.count("data.concurrent") == text.count("last seen 2026-11-24 04:00 UTC") == text.count("Kept by") == 1


def test_a_doubt_that_differs_only_in_its_numbers_edits_nothing(gitlab: FakeGitLab) -> None:
    keep(gitlab, drifted())
    keep(gitlab, unknown("request 4f-77a1 timed out after 30.2 s"))
    outcome = keep(gitlab, unknown("request 9b-0c42 timed out after 30.9 s"))
    assert outcome.action is Action.UNCHANGED


def test_drift_beside_a_doubt_opens_the_issue(gitlab: FakeGitLab) -> None:
    assert keep(gitlab, drifted_and_unknown()).action is Action.OPENED
    assert gitlab.issues[0]["title"] == "Drift: gke"


@pytest.mark.parametrize("report", [drifted(), clean(), unknown()])
def test_a_persons_issue_with_the_label_is_left_alone(gitlab: FakeGitLab, report: Comparison) -> None:
    theirs = dict(gitlab.add(labels=[LABEL], description="Let us talk about drift."))
    keep(gitlab, report)
    assert gitlab.issues[0] == theirs


def test_ours_is_found_on_a_later_page(gitlab: FakeGitLab) -> None:
    for _ in range(7):
        gitlab.add(labels=[LABEL])
    keep(gitlab, drifted())
    gitlab.page_size = 3
    assert keep(gitlab, drifted(found="9")).action is Action.UPDATED
    assert len(gitlab.issues) == 8


def test_another_label_is_another_issue(gitlab: FakeGitLab) -> None:
    keep(gitlab, drifted())
    keep(gitlab, drifted(found="9"), label="drift::production & co")
    assert [issue["labels"] for issue in gitlab.issues] == [[LABEL], ["drift::production & co"]]


def test_two_pipelines_at_once_leave_one_open_issue(gitlab: FakeGitLab) -> None:
    gitlab.lists_together = threading.Barrier(2)
    outcomes: list[IssueOutcome] = []
    racers = [threading.Thread(target=lambda: outcomes.append(keep(gitlab, drifted()))) for _ in range(2)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(timeout=20)
    assert len(outcomes) == len(gitlab.issues) == 2
    (issue,) = gitlab.opened()
    assert issue["iid"] == 1
    assert {outcome.url for outcome in outcomes} == {issue["web_url"]}
    assert keep(gitlab, drifted()).action is Action.UNCHANGED


def test_a_duplicate_is_closed_for_good(gitlab: FakeGitLab) -> None:
    keep(gitlab, drifted())
    gitlab.add(**{**gitlab.issues[0], "iid": 2})
    outcome = keep(gitlab, drifted())
    assert outcome.duplicates == (2,)
    assert "#2" in str(outcome)
    assert [issue["iid"] for issue in gitlab.opened()] == [1]
    keep(gitlab, clean())
    keep(gitlab, drifted())
    assert [issue["iid"] for issue in gitlab.opened()] == [1]


def test_a_clean_run_closes_duplicates_too(gitlab: FakeGitLab) -> None:
    keep(gitlab, drifted())
    gitlab.add(**{**gitlab.issues[0], "iid": 2})
    keep(gitlab, clean())
    assert gitlab.opened() == []


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_trouble_that_passes_is_waited_for(gitlab: FakeGitLab, status: int, method: str) -> None:
    gitlab.faults = [Fault(method, status), Fault(method, status)]
    assert keep(gitlab, drifted()).action is Action.OPENED
    assert len(gitlab.issues) == 1


def test_an_edit_is_tried_again(gitlab: FakeGitLab) -> None:
    keep(gitlab, drifted())
    gitlab.faults = [Fault("PUT", 502), Fault("PUT", 503)]
    assert keep(gitlab, clean()).action is Action.CLOSED


def test_an_issue_that_was_made_though_the_answer_was_lost_is_not_made_twice(gitlab: FakeGitLab) -> None:
    gitlab.faults = [Fault("POST", 504, done=True)]
    assert keep(gitlab, drifted()).action is Action.OPENED
    assert len(gitlab.issues) == 1


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_trouble_that_stays_is_an_error_and_not_for_ever(gitlab: FakeGitLab, method: str) -> None:
    if method == "PUT":
        keep(gitlab, drifted())
    gitlab.faults = [Fault(method, 503)] * 100
    with pytest.raises(IssueError, match=rf"{method} http.*503.*later pipeline"):
        keep(gitlab, clean() if method == "PUT" else drifted())
    assert len([seen for seen in gitlab.seen if seen.method == method]) <= 5


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "refuses the token"), (403, "scope `api`"), (404, "no such project"), (400, "title is too long")],
)
def test_a_refusal_says_what_to_do_and_is_not_repeated(gitlab: FakeGitLab, status: int, words: str) -> None:
    gitlab.faults = [Fault("POST", status, body=b'{"message": {"title": ["title is too long"]}}')]
    with pytest.raises(IssueError, match=words):
        keep(gitlab, drifted())
    assert len(gitlab.writes()) == 1


def test_a_wrong_token_is_named_but_not_shown(gitlab: FakeGitLab) -> None:
    with pytest.raises(IssueError, match="401") as caught:
        keep(gitlab, drifted(), token="glpat-expired-998877")
    assert "998877" not in str(caught.value)
    assert "998877" not in repr(settings(gitlab, token="glpat-expired-998877"))


def test_the_token_goes_nowhere_else(gitlab: FakeGitLab) -> None:
    other = FakeGitLab()
    gitlab.faults = [Fault("GET", 302, headers={"Location": f"{other.api}/projects/{PROJECT}/issues"})]
    with pytest.raises(IssueError, match=r"302.*CI_API_V4_URL"):
        keep(gitlab, drifted())
    assert other.seen == []
    other.close()
    assert all(TOKEN not in f"{seen.path}{seen.query}{seen.fields}" for seen in gitlab.seen)


@pytest.mark.parametrize("body", [b"<html>sign in</html>", b'{"iid": 1}', b'[{"iid": "one"}]', b"[1]", b"", b"\xff"])
def test_an_answer_that_is_no_gitlabs_is_an_error(gitlab: FakeGitLab, body: bytes) -> None:
    gitlab.faults = [Fault("GET", 200, body=body)]
    with pytest.raises(IssueError, match="CI_API_V4_URL"):
        keep(gitlab, drifted())
    assert gitlab.writes() == []


def test_no_answer_is_an_error_that_names_the_server() -> None:
    fake = FakeGitLab()
    fake.close()
    with pytest.raises(IssueError, match=r"GET http://127\.0\.0\.1:\d+/.*refuses connections"):
        keep(fake, drifted())


def test_a_label_that_gitlab_dropped_is_told_and_the_issue_closed(gitlab: FakeGitLab) -> None:
    gitlab.drops_labels = True
    with pytest.raises(IssueError, match="Planner or Reporter"):
        keep(gitlab, drifted())
    assert gitlab.opened() == []


def test_gitlab_is_given_no_orders_by_a_line_of_the_report(gitlab: FakeGitLab) -> None:
    keep(gitlab, drifted(), body="one\n/close\n  /assign @root\r\n/label ~x\n/etc/hosts")
    lines = gitlab.issues[0]["description"].splitlines()
    assert not [line for line in lines if line.strip().startswith("/")]


def test_a_report_too_long_for_an_issue_is_named_instead(gitlab: FakeGitLab) -> None:
    keep(gitlab, drifted(), body="x" * 2_000_000)
    assert len(gitlab.issues[0]["description"]) < 2000
    assert "2000000 characters" in gitlab.issues[0]["description"]


def test_a_title_is_short_and_mentions_nobody(gitlab: FakeGitLab) -> None:
    keep(gitlab, drifted("@root", *(f"stack-{number:03d}" for number in range(40)), "x" * 400))
    title = gitlab.issues[0]["title"]
    assert title == "Drift: ?root, stack-000, stack-001 and 39 more"


def test_the_issue_links_to_the_pipeline(gitlab: FakeGitLab) -> None:
    keep(gitlab, drifted(), pipeline="https://gitlab.example.com/team/app/-/pipelines/12")
    assert "(https://gitlab.example.com/team/app/-/pipelines/12)" in gitlab.issues[0]["description"]


def test_line_ends_that_gitlab_changes_hide_nothing(gitlab: FakeGitLab) -> None:
    keep(gitlab, drifted())
    gitlab.issues[0]["description"] = gitlab.issues[0]["description"].replace("\n", "\r\n").strip()
    assert keep(gitlab, drifted()).action is Action.UNCHANGED


def test_the_runners_own_authority_is_trusted_or_told(tmp_path: Path) -> None:
    broken = tmp_path / "ca.pem"
    broken.write_text("no certificate")
    for file in (broken, tmp_path / "missing.pem"):
        there = IssueSettings(api="https://127.0.0.1:1/api/v4", project=PROJECT, token=TOKEN, ca_file=str(file))
        with pytest.raises(IssueError, match="CI_SERVER_TLS_CA_FILE"):
            keep_issue(drifted(), render, there, whole=True)


def both(gitlab: FakeGitLab) -> dict[str, Any]:
    """An issue about two stacks that have drifted, as a whole run left it on the 24th."""
    keep(gitlab, drifted("a", "b", day=24))
    return gitlab.issues[0]


def test_a_run_over_some_stacks_closes_nothing_that_others_opened(gitlab: FakeGitLab) -> None:
    issue = both(gitlab)
    assert keep(gitlab, clean("a"), whole=False).action is Action.UPDATED
    assert (issue["state"], issue["title"]) == ("opened", "Drift: b")
    assert "### ❌ `b`" in issue["description"]
    assert "### ❌ `a`" not in issue["description"]
    assert "- `b`: objects, reported on 2026-11-24 04:00 UTC" in issue["description"]
    assert "`a`: objects, as told" not in issue["description"]
    assert keep(gitlab, clean("b"), whole=False).action is Action.CLOSED
    assert issue["state"] == "closed"


def test_a_run_over_some_stacks_leaves_the_others_sections_as_they_are(gitlab: FakeGitLab) -> None:
    issue = both(gitlab)
    before = section(issue, "b")
    keep(gitlab, drifted("a", found="99"), whole=False)
    assert "99" in section(issue, "a")
    assert section(issue, "b") == before
    keep(gitlab, drifted("c"), whole=False)
    assert issue["title"] == "Drift: a, b, c"
    assert section(issue, "b") == before


def test_a_run_of_some_checks_leaves_the_other_checks_as_they_are(gitlab: FakeGitLab) -> None:
    issue = both(gitlab)
    assert keep(gitlab, clean_nodes("a", "b")).action is Action.UPDATED
    assert (issue["state"], issue["title"]) == ("opened", "Drift: a, b")
    assert "- `a`: objects, reported on 2026-11-24 04:00 UTC" in issue["description"]
    assert keep(gitlab, clean("a", "b")).action is Action.CLOSED


def test_a_stack_that_is_no_more_is_dropped_by_a_whole_run_alone(gitlab: FakeGitLab) -> None:
    issue = both(gitlab)
    keep(gitlab, clean("a"), whole=False)
    assert (issue["state"], issue["title"]) == ("opened", "Drift: b")
    assert keep(gitlab, clean("a"), whole=True).action is Action.CLOSED
    assert "`b`" not in issue["description"]


def test_the_same_partial_run_a_day_later_edits_nothing(gitlab: FakeGitLab) -> None:
    both(gitlab)
    writes = len(gitlab.writes())
    assert keep(gitlab, drifted("a", day=25), whole=False).action is Action.UNCHANGED
    assert len(gitlab.writes()) == writes


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(lambda text: re.sub("<!-- multiarch drift state: .*", "", text), id="an older version's, without"),
        pytest.param(lambda text: re.sub("(drift state: )....", r"\1AAAA", text), id="broken"),
        pytest.param(lambda text: text.replace("drift state: ", "drift state: !"), id="no base64"),
        pytest.param(lambda text: with_state(text, b'{"schemaVersion": 99}'), id="newer"),
        pytest.param(lambda text: with_state(text, b"[1]"), id="no state"),
        pytest.param(lambda text: with_state(text, b"\xff"), id="no text"),
    ],
)
def test_without_a_readable_state_only_a_whole_run_closes_and_what_was_told_stays(
    gitlab: FakeGitLab, edit: Callable[[str], str]
) -> None:
    issue = both(gitlab)
    issue["description"] = edit(issue["description"])
    assert keep(gitlab, clean("a"), whole=False).action is Action.UPDATED
    assert keep(gitlab, clean("a"), whole=False).action is Action.UNCHANGED
    assert issue["state"] == "opened"
    assert issue["description"].count("## Reported before") == 1
    assert "### ❌ `b`" in issue["description"]
    assert keep(gitlab, clean("a", "b")).action is Action.CLOSED
    assert "## Reported before" not in issue["description"]


def test_what_somebody_writes_into_the_text_is_no_answer(gitlab: FakeGitLab) -> None:
    issue = both(gitlab)
    issue["description"] = issue["description"].replace("`b`", "`all fine`").replace("data.concurrent", "nothing")
    keep(gitlab, drifted("a", found="99"), whole=False)
    assert "### ❌ `b`" in issue["description"]
    assert "all fine" not in issue["description"]


def test_an_earlier_run_that_ends_later_takes_nothing_back(gitlab: FakeGitLab) -> None:
    keep(gitlab, drifted("a", "b", day=25, found="new"))
    keep(gitlab, drifted("a", day=24, found="old"), whole=False)
    assert "new" in section(gitlab.issues[0], "a")
    assert "old" not in gitlab.issues[0]["description"]


@pytest.mark.parametrize("again", [drifted("b", found="99"), clean("b")])
def test_who_is_written_over_writes_again(gitlab: FakeGitLab, again: Comparison) -> None:
    """Two runs read the same issue; the one writes after the other and without its findings."""
    issue = both(gitlab)
    stale = issue["description"]
    gitlab.after_put = lambda: issue.update(description=stale)
    keep(gitlab, again, whole=False)
    other = keep(gitlab, drifted("a", found="77"), whole=False)
    assert other.action is Action.UPDATED
    assert "77" in section(issue, "a")
    assert section(issue, "b") == "" if again == clean("b") else "99" in section(issue, "b")


def test_two_partial_runs_at_once_lose_nothing(gitlab: FakeGitLab) -> None:
    issue = both(gitlab)
    gitlab.lists_together = threading.Barrier(2)
    reports = [drifted("a", found="77"), drifted("b", found="99")]
    racers = [
        threading.Thread(target=keep, args=(gitlab, report), kwargs={"whole": False, "pause": 1.0})
        for report in reports
    ]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(timeout=20)
    assert "77" in section(issue, "a")
    assert "99" in section(issue, "b")


def test_a_run_that_is_written_over_again_and_again_says_so(gitlab: FakeGitLab) -> None:
    issue = both(gitlab)
    stale = issue["description"]
    gitlab.after_put = lambda: issue.update(description=stale)
    gitlab.always = True
    with pytest.raises(IssueError, match="overwriting it"):
        keep(gitlab, drifted("a", found="77"), whole=False)


def section(issue: dict[str, Any], stack: str) -> str:
    """What the issue says of one stack."""
    text = issue["description"].partition(f"### ❌ `{stack}`")[2]
    return re.split(r"\n###|\n<|\nNot looked at", text)[0]


def with_state(description: str, state: bytes) -> str:
    packed = base64.b64encode(zlib.compress(state)).decode()
    return re.sub("(?<=drift state: )[^ ]+", lambda _: packed, description)
