"""What runs a rehearsal's jobs: gitlab-runner itself where it can be had, else the executor model, and why."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from components.versions import RUNNER_OF_CHART
from multiarch.cluster.errors import ClusterError
from multiarch.model.executor import ConfigInvalid, parse_config
from multiarch.model.executor.helper_image import REGISTRY
from multiarch.model.plan.model import Plan
from multiarch.model.release import InstallFailed, PlannedRelease, buildkit_release_of, release_of
from multiarch.rehearse.control_plane.progress import ProgressSink, silent
from multiarch.rehearse.live.by_model import ByModel
from multiarch.rehearse.live.git import lacking
from multiarch.rehearse.live.gitlab.program import find_runner
from multiarch.rehearse.live.gitlab.runner import ClusterPlace, GitLabRunner
from multiarch.rehearse.live.job import JobRunner
from multiarch.rehearse.live.stage import Stack
from multiarch.rehearse.live.supply import SHORT, Had, Supplied, why_not_reached
from multiarch.rehearse.live.wanted import HELPER, Wanted

Wish = Literal["auto", "gitlab-runner", "model"]
"""What was asked for: the first one that can be had, or one of the two and no other."""


class RunnerNotHad(ClusterError):  # noqa: N818 - what the report will say
    """gitlab-runner was asked for, and can't be had here."""

    def __init__(self, why: str) -> None:
        super().__init__(f"gitlab-runner was asked for (--runner gitlab-runner), and can't be used here: {why}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What runs the jobs."""

    runner: JobRunner
    because: str = ""
    """Why it is not gitlab-runner itself; empty where it is."""

    def __str__(self) -> str:
        """Say it for the report."""
        what = self.runner.what
        return f"{what}. Not gitlab-runner itself: {self.because}" if self.because else what


def check_early(wish: Wish, plan: Plan, chart: str | None, progress: ProgressSink = silent) -> None:
    """Raise RunnerNotHad where only gitlab-runner will do, and its absence can be told before anything is installed.

    `chart` is one of the user's: which runner is in it is known only once it is installed.
    """
    if wish == "gitlab-runner" and (why := _lacking_already(plan, chart, progress)):
        raise RunnerNotHad(why)


def _lacking_already(plan: Plan, chart: str | None, progress: ProgressSink) -> str:
    try:
        releases = [one for one in (release_of(plan), buildkit_release_of(plan)) if one is not None]
    except InstallFailed:
        return ""  # told when it is installed
    if missing := lacking():
        return missing
    for host in dict.fromkeys(filter(None, map(_helper_host, releases))):
        if why_not_reached(host, SHORT):
            return f"the helper image can't be pulled: {host} does not answer"
    version = "" if chart else RUNNER_OF_CHART.get(releases[0].version, "")
    if not version or "image" in releases[0].values:
        return ""
    found, reason = find_runner(version, progress)
    return "" if found else f"gitlab-runner {version} is not available: {reason}"


def _helper_host(release: PlannedRelease) -> str:
    """Return where the jobs' helper image comes from; empty where that can't be read from the plan."""
    try:
        settings = parse_config(str((release.values.get("runners") or {}).get("config") or "")).kubernetes
    except ConfigInvalid:
        return ""
    host, separator, _ = (settings.text("helper_image") or REGISTRY).partition("/")
    return host if separator and ("." in host or ":" in host) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """The two that may run the jobs, and what both need. The stack is installed, and its images are there."""

    stack: Stack
    place: ClusterPlace
    sources: Path
    progress: ProgressSink = silent

    def choose(self, wish: Wish, why_no_helper: str) -> Chosen:
        """Return what runs the jobs. Raises RunnerNotHad."""
        real, why = None, why_no_helper
        if wish == "model":
            why = "the executor model was asked for (--runner model)"
        elif not why:
            real, why = GitLabRunner.find(self.stack.scenes, self.place, self.sources, self.progress)
        if real is not None:
            return Chosen(runner=real)
        if wish == "gitlab-runner":
            raise RunnerNotHad(why)
        stack = self.stack
        return Chosen(runner=ByModel(scenes=stack.scenes, kubectl=stack.kubectl, sources=self.sources), because=why)


def helper_lacks(wanted: Iterable[Wanted], supplied: Mapping[str, Supplied]) -> str:
    """Say why gitlab-runner can't use the helper images that there are: one that is made here has no helper in it."""
    found: Sequence[Supplied] = [supplied[one.reference] for one in wanted if one.part == HELPER]
    reasons = dict.fromkeys(one.reason for one in found if one.had is not Had.PULLED)
    return f"the helper image can't be pulled: {'; '.join(reasons)}" if reasons else ""
