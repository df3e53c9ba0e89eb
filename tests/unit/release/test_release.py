"""`make release`: what holds a release back, and what could not be told, on small repositories made for it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from archmerge import __version__
from ci import release
from ci.release import Ran, Release, notes
from multiarch.core.verdict import Answer, Verdict, no, unknown, yes

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[3]
WRITES = "import pathlib\npathlib.Path('page.md').write_text('{text}')\n"


def _given(answer: Answer, _release: Release) -> Answer:
    return answer


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"]
    command = ["git", *who, "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def ready(tmp_path: Path) -> Release:
    """A commit with a changelog, a generated page and the module that writes it; as repository and as clone."""
    work = tmp_path / "work"
    work.mkdir()
    git(work, "init", "--quiet")
    (work / "CHANGELOG.md").write_text(f"# Changelog\n\n## Unreleased\n\n## {__version__} - 2026-12-01\n- New.\n")
    (work / "page.md").write_text("as it should be")
    (work / "writer.py").write_text(WRITES.format(text="as it should be"))
    git(work, "add", "--all")
    git(work, "commit", "--quiet", "-m", "one")
    git(work, "clone", "--quiet", str(work), str(tmp_path / "clone"))
    (tmp_path / "dist").mkdir()
    return Release(repository=work, clone=tmp_path / "clone", dist=tmp_path / "dist")


def test_what_is_not_committed_holds_it_back(ready: Release) -> None:
    assert release.clean(ready).verdict is Verdict.YES
    (ready.repository / "new.txt").write_text("")
    answer = release.clean(ready)
    assert answer.verdict is Verdict.NO
    assert "new.txt" in answer.because


def test_the_changelog_needs_a_section_with_text_and_gives_the_notes(ready: Release) -> None:
    assert release.changelog(ready).verdict is Verdict.YES
    assert (ready.dist / "NOTES.md").read_text() == "- New.\n"
    (ready.clone / "CHANGELOG.md").write_text(f"## Unreleased\n- New.\n\n## {__version__}\n\n## 0.0.1\n- Old.\n")
    assert release.changelog(ready).verdict is Verdict.NO


@pytest.mark.parametrize("heading", ["## 1.1.0", "## [1.1.0]", "## 1.1.0 - 2026-12-01"])
def test_notes_are_one_section_whatever_form_its_heading_has(heading: str) -> None:
    text = f"# Changelog\n\n## Unreleased\n- Later.\n{heading}\n- New.\n\n### Fixed\n- It.\n\n## 1.0.0\n- Old.\n"
    assert notes(text, "1.1.0") == "- New.\n\n### Fixed\n- It.\n"
    assert notes(f"{heading}\n- New.\n", "1.1") == ""


def test_a_tag_that_is_there_holds_it_back_here_and_on_the_remote(ready: Release, tmp_path: Path) -> None:
    assert release.tag(ready).verdict is Verdict.YES
    git(tmp_path, "init", "--quiet", "--bare", "remote.git")
    git(ready.repository, "remote", "add", "origin", str(tmp_path / "remote.git"))
    assert release.tag(ready).because == f"{__version__} is free, here and on the remote"
    git(ready.repository, "tag", __version__)
    assert release.tag(ready).verdict is Verdict.NO
    git(ready.repository, "push", "--quiet", "origin", __version__)
    git(ready.repository, "tag", "-d", __version__)
    assert release.tag(ready).verdict is Verdict.NO


def test_a_remote_that_is_not_reached_is_a_doubt_and_no_yes(ready: Release, tmp_path: Path) -> None:
    git(ready.repository, "remote", "add", "origin", str(tmp_path / "nothing.git"))
    assert release.tag(ready).verdict is Verdict.UNKNOWN


@pytest.fixture
def pushed(ready: Release, tmp_path: Path) -> Release:
    """The same, with a remote that has the commit on its default branch."""
    git(tmp_path, "clone", "--quiet", "--bare", str(ready.repository), "remote.git")
    git(ready.repository, "remote", "add", "origin", str(tmp_path / "remote.git"))
    return ready


def test_a_commit_that_was_not_merged_holds_it_back(pushed: Release) -> None:
    assert release.merged(pushed).verdict is Verdict.YES
    git(pushed.repository, "commit", "--quiet", "--allow-empty", "-m", "mine")
    answer = release.merged(pushed)
    assert answer.verdict is Verdict.NO
    assert "origin's main" in answer.because
    git(pushed.repository, "push", "--quiet", "origin", "main")
    git(pushed.repository, "checkout", "--quiet", "HEAD^")
    assert release.merged(pushed).verdict is Verdict.YES, "an older commit of the branch is on it, too"


def test_whether_it_was_merged_is_a_doubt_where_the_remote_or_its_commit_is_not_had(
    pushed: Release, tmp_path: Path
) -> None:
    git(tmp_path, "clone", "--quiet", "remote.git", "other")
    git(tmp_path / "other", "commit", "--quiet", "--allow-empty", "-m", "theirs")
    git(tmp_path / "other", "push", "--quiet", "origin", "main")
    answer = release.merged(pushed)
    assert answer.verdict is Verdict.UNKNOWN
    assert "git fetch origin" in answer.because
    shutil.rmtree(tmp_path / "remote.git")
    assert release.merged(pushed).verdict is Verdict.UNKNOWN


def test_a_remote_without_a_commit_has_not_this_one(ready: Release, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "remote.git")
    git(ready.repository, "remote", "add", "origin", str(tmp_path / "remote.git"))
    assert release.merged(ready).verdict is Verdict.NO


def test_whether_it_was_merged_is_asked_before_a_tag_is_made_and_not_after(pushed: Release) -> None:
    asked = "the commit is on the remote's default branch"
    assert asked in dict(release.checks(pushed))
    assert asked not in dict(release.checks(replace(pushed, tag=__version__)))
    assert asked not in dict(release.checks(replace(pushed, snapshot=True)))


@pytest.mark.parametrize("check", [release.image, release.sdks])
def test_a_line_says_its_verdict_once(
    ready: Release, monkeypatch: pytest.MonkeyPatch, check: Callable[[Release], Answer]
) -> None:
    ran = Ran(3, "", "could not tell: there is no `pulumi` on PATH\n  fix: install it")
    monkeypatch.setattr(release, "module", lambda *_: ran)
    assert check(ready).because.startswith("there is no `pulumi`")


def test_in_a_tags_pipeline_the_tag_has_to_be_the_version() -> None:
    of = partial(Release, repository=ROOT, clone=ROOT, dist=ROOT)
    assert release.tag(of(tag=__version__)).verdict is Verdict.YES
    assert release.tag(of(tag="99.0.0")).verdict is Verdict.NO


def test_a_stale_file_holds_it_back_and_names_the_command_and_the_file(ready: Release) -> None:
    assert release.current("writer", ready).verdict is Verdict.YES
    (ready.clone / "writer.py").write_text(WRITES.format(text="otherwise"))
    git(ready.clone, "commit", "--quiet", "--all", "-m", "two")
    answer = release.current("writer", ready)
    assert answer.verdict is Verdict.NO
    assert "python -m writer" in answer.because
    assert "page.md" in answer.because
    assert (ready.clone / "page.md").read_text() == "as it should be", "the next question gets the commit, too"


def test_a_generated_file_that_was_never_committed_holds_it_back_and_is_taken_away_again(ready: Release) -> None:
    git(ready.clone, "rm", "--quiet", "page.md")
    git(ready.clone, "commit", "--quiet", "-m", "without the page")
    answer = release.current("writer", ready)
    assert answer.verdict is Verdict.NO
    assert "page.md" in answer.because
    assert not (ready.clone / "page.md").exists(), "the next question gets the commit, too"


def test_where_git_can_not_say_what_changed_it_is_a_doubt(ready: Release) -> None:
    git(ready.clone.parent, "init", "--quiet")  # a repository around the clone answers for itself only
    shutil.rmtree(ready.clone / ".git")
    assert release.current("writer", ready).verdict is Verdict.UNKNOWN
    assert (ready.clone / "CHANGELOG.md").exists()
    assert ready.dist.exists(), "nothing beside the clone is cleaned"


def test_what_the_pipelines_jobs_leave_in_the_folder_is_ignored_by_git(tmp_path: Path) -> None:
    """`everything is committed` is asked in those jobs: a cache that git sees would let no tag's pipeline pass."""
    shutil.copy(ROOT / ".gitignore", tmp_path)
    git(tmp_path, "init", "--quiet")
    jobs = [job for job in yaml.safe_load((ROOT / ".gitlab-ci.yml").read_text()).values() if isinstance(job, dict)]
    kept = [job.get(what, {}).get("paths", []) for job in jobs for what in ("cache", "artifacts")]
    paths = {path for some in kept for path in some}
    assert {".cache/", "dist/"} <= paths
    for path in paths:
        assert git(tmp_path, "check-ignore", "--no-index", "--", f"{path}file"), path


def test_a_generator_that_fails_is_a_doubt(ready: Release) -> None:
    (ready.clone / "writer.py").write_text("raise SystemExit('no network')")
    answer = release.current("writer", ready)
    assert answer.verdict is Verdict.UNKNOWN
    assert "no network" in answer.because


def test_every_generator_of_make_docs_is_asked_or_known_to_take_minutes() -> None:
    makefile = (ROOT / "Makefile").read_text()
    _, _, recipe = makefile.partition("\ndocs:")
    written = {line.split()[-1] for line in recipe.split("\n\n")[0].splitlines() if " -m " in line}
    slow = {"docs.edits_table", "docs.record_drift"}  # a plan for each key, a run of the command; tests hold both
    assert written - slow == set(release.GENERATED.values()) - {"tests.golden.components_schema"}
    assert all(f"`{name}`" in (ROOT / "docs/releasing.md").read_text() for name in slow), "who reads it knows"


@pytest.mark.parametrize(
    ("answers", "verdict"),
    [
        ([yes("a"), yes("b")], Verdict.YES),
        ([yes("a"), unknown("b")], Verdict.UNKNOWN),
        ([unknown("a"), no("b")], Verdict.NO),
    ],
)
def test_one_line_an_answer_and_no_doubt_is_taken_for_a_yes(
    ready: Release,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answers: list[Answer],
    verdict: Verdict,
) -> None:
    monkeypatch.setattr(release, "checks", lambda _release: [("claim", partial(_given, one)) for one in answers])
    assert release.ask(ready) is verdict
    assert len(capsys.readouterr().out.splitlines()) == len(answers)


def test_sums_are_what_sha256sum_takes_and_other_files_of_the_folder_stay(ready: Release) -> None:
    (ready.dist / "theirs.txt").write_text("mine")
    (ready.dist / "archmerge.pyz").write_bytes(b"zip")
    release.sums(ready.dist)
    text = (ready.dist / "SHA256SUMS").read_text()
    assert "theirs" not in text
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet"], cwd=ready.dist, input=text, text=True, check=True)
    assert [path.name for path in release.made(ready.dist)] == ["SHA256SUMS", "archmerge.pyz"]


def test_push_makes_the_tag_and_gives_it_to_the_remote(ready: Release, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "remote.git")
    git(ready.repository, "remote", "add", "origin", str(tmp_path / "remote.git"))
    git(ready.repository, "config", "user.name", "t")
    git(ready.repository, "config", "user.email", "t@example.com")
    release.push(ready)
    assert git(tmp_path / "remote.git", "tag").split() == [__version__]


@pytest.mark.parametrize("wrong", [["--push", "--snapshot"], ["--leave-out", "zipapp"], ["--tag"]])
def test_a_wrong_command_line_is_a_usage_error(wrong: list[str]) -> None:
    command = [sys.executable, "-m", "ci.release", *wrong]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert "Traceback" not in ran.stderr
