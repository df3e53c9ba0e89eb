"""Which chart is installed, and which GitLab Runner is in it. A chart that is not pinned is a mistake."""

from components.problems import Problem
from components.runner.settings import Chart
from components.versions import CHART_VERSION, RUNNER_OF_CHART


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
    """Return what is wrong with `chart` as a whole."""
    sources = {"repository": chart.repository, "reference": chart.reference, "path": chart.path}
    given = [key for key, value in sources.items() if value is not None]
    if len(given) > 1:
        return [_problem(given[1], f"set together with {given[0]}", "Keep one of repository, reference and path.")]
    problem = _check_chart_version(chart, given) or _check_runner_version(chart)
    return [problem] if problem else []


def _problem(key: str, found: str, fix: str) -> Problem:
    return Problem(path=f"runner.chart.{key}", found=found, fix=fix)


def _check_chart_version(chart: Chart, given: list[str]) -> Problem | None:
    if chart.path is not None and chart.version is not None:
        fix = "Remove version: Helm installs the chart at the path. Set chart.runnerVersion if another key needs it."
        return _problem("version", f"{chart.version!r} together with path", fix)
    if chart.path is None and given and chart.version is None:
        fix = "Set an exact version, for example 0.90.1: without one, each update installs the newest."
        return _problem("version", f"not set, with a {given[0]} of your own", fix)
    return None


def _check_runner_version(chart: Chart) -> Problem | None:
    stated, version = chart.runner_version, chart_version(chart) or ""
    known = RUNNER_OF_CHART.get(version.removeprefix("v"))
    if stated is None or known is None or known == stated.removeprefix("v"):
        return None
    return _problem(
        "runnerVersion", f"{stated}, but chart {version} holds runner {known}", f"Remove it, or set it to {known}."
    )
