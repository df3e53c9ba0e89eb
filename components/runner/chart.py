"""Which chart is installed, and which GitLab Runner is in it. A chart that is not pinned is a mistake."""

import re

from components.problems import Problem
from components.runner.settings import Chart
from components.versions import CHART_REPOSITORY, CHART_VERSION, RUNNER_OF_CHART

_EXACT_VERSION = re.compile(r"v?[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")


def chart_version(chart: Chart) -> str | None:
    """Return the version that Helm is told to install; None for a chart from a path, whose version is in its files."""
    if chart.path is not None:
        return None
    return chart.version or CHART_VERSION


def runner_version(chart: Chart) -> str | None:
    """Return the version of GitLab Runner inside the chart; None when that is not known."""
    if chart.runner_version is not None:
        return chart.runner_version.removeprefix("v")
    return RUNNER_OF_CHART.get((chart_version(chart) or "").removeprefix("v"))


def check_chart(chart: Chart) -> list[Problem]:
    """Return what is wrong with `chart`."""
    sources = {"repository": chart.repository, "reference": chart.reference, "path": chart.path}
    given = [key for key, value in sources.items() if value is not None]
    if len(given) > 1:
        return [
            Problem(
                path=f"runner.chart.{given[1]}",
                found=f"set beside {given[0]}",
                consequence="Helm takes a chart from one place",
                fix="Keep one of repository, reference and path.",
            )
        ]
    problem = _check_chart_source(chart) or _check_chart_version(chart, given) or _check_runner_version(chart)
    return [problem] if problem else []


def _check_chart_source(chart: Chart) -> Problem | None:
    if chart.reference is not None and not re.fullmatch(r"oci://[^\s:@]+(:[0-9]+)?/[^\s:@]+", chart.reference):
        return Problem(
            path="runner.chart.reference",
            found=f"{chart.reference!r} is no OCI reference without tag",
            consequence="Helm would not find the chart, or ignore the pinned version",
            fix="Write oci://registry.example.com/charts/gitlab-runner, and its tag as chart.version.",
        )
    if chart.repository is not None and not re.match(r"https?://[^\s@]+$", chart.repository):
        return Problem(
            path="runner.chart.repository",
            found=f"{chart.repository!r} is no URL of a Helm repository",
            consequence="Helm would not find the chart",
            fix=f"Write a URL such as {CHART_REPOSITORY}; an OCI registry belongs in chart.reference.",
        )
    return None


def _check_chart_version(chart: Chart, given: list[str]) -> Problem | None:
    path = "runner.chart.version"
    if chart.path is not None:
        if chart.version is None:
            return None
        return Problem(
            path=path,
            found=f"{chart.version!r} beside path",
            consequence="Helm installs what lies at the path, whatever its version",
            fix="Drop version; state chart.runnerVersion if something depends on it.",
        )
    if chart.version is None:
        if not given:
            return None
        return Problem(
            path=path,
            found=f"not set, with a {given[0]} of your own",
            consequence="Helm would install whatever is newest there, another one on every update",
            fix="State the exact version, for example 0.90.1.",
        )
    if _EXACT_VERSION.fullmatch(chart.version):
        return None
    return Problem(
        path=path,
        found=f"{chart.version!r} is not one exact version",
        consequence="Helm would install whatever matches on the day of the update",
        fix=f"State the exact version, for example {next(iter(RUNNER_OF_CHART))}.",
    )


def _check_runner_version(chart: Chart) -> Problem | None:
    path, stated = "runner.chart.runnerVersion", chart.runner_version
    if stated is None:
        return None
    if not re.fullmatch(r"v?[0-9]+\.[0-9]+\.[0-9]+", stated):
        return Problem(
            path=path,
            found=f"{stated!r} is no version",
            consequence="the helper image could not be checked against it",
            fix="State the chart's appVersion, for example 19.1.1.",
        )
    version = chart_version(chart) or ""
    known = RUNNER_OF_CHART.get(version.removeprefix("v"))
    if known is None or known == stated.removeprefix("v"):
        return None
    return Problem(
        path=path,
        found=f"{stated}, but chart {version} holds runner {known}",
        consequence="the helper image would be chosen for a runner that is not there",
        fix=f"Drop it, or state {known}.",
    )
