"""Which chart is installed: the one asked for, the pinned one when Helm can have it, else the embedded stand-in."""

import shutil
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import yaml

from components.versions import RUNNER_OF_CHART
from multiarch.model.release import PlannedRelease
from multiarch.rehearse.install.helm import Helm, HelmError

EMBEDDED = Path(__file__).resolve().parent.parent / "chart" / "gitlab-runner"
PULL_SECONDS = 10.0
"""Long enough for a chart of 30 KB; a blocked network shall not hold up the rehearsal."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart on this machine."""

    path: Path
    description: str
    """`gitlab-runner 0.90.1 (official)`, for the report."""
    note: str = ""
    """Why it is not the one that the plan pins; empty when it is."""
    stand_in: bool = False
    """Whether it is the embedded one, which models a part of the official chart's values."""


class Charts:
    """Chooses the chart of each release, and pulls each at most once, refusals included.

    `asked` is the command's `--chart`: a folder, an archive, or a reference for Helm (`oci://…`). Use as a context
    manager: what was pulled is deleted at its end.
    """

    def __init__(self, asked: str | None = None) -> None:
        self._asked = asked
        self._folder = Path(tempfile.mkdtemp(prefix="multiarch-charts-"))
        self._pulled: dict[tuple[str, str, str], Path | str] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Nothing to do before the first release."""
        return self

    def __exit__(self, *_: object) -> None:
        """Delete what was pulled."""
        self.close()

    def close(self) -> None:
        """Delete what was pulled."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def choose(self, release: PlannedRelease, helm: Helm) -> Chart:
        """Return the chart for a release. Raises HelmError when the one asked for can't be had."""
        if self._asked is not None:
            return self._asked_for(self._asked, release, helm)
        local = Path(release.chart).expanduser()
        if local.exists():
            return Chart(local, f"{_name_and_version(local, helm)} ({local})")
        pulled = self._pull(release.chart, release.version, release.repository, helm)
        if isinstance(pulled, Path):
            origin = release.repository or release.chart
            return Chart(pulled, f"{_name_and_version(pulled, helm)} (official: {origin})")
        path = self._stand_in(release.version)
        return Chart(
            path,
            f"{_name_and_version(path, helm)} (embedded stand-in)",
            f"the pinned chart {release.chart} {release.version} could not be pulled: {pulled}",
            stand_in=True,
        )

    def _stand_in(self, version: str) -> Path:
        """Give the embedded chart, as the planned version where the runner in that one is known.

        Which helper image is right depends on the runner's version, so the stand-in must bring the planned one.
        """
        runner = RUNNER_OF_CHART.get(version)
        if runner is None:
            return EMBEDDED
        copy = self._folder / f"stand-in-{version}"
        with self._lock:
            if not copy.exists():
                shutil.copytree(EMBEDDED, copy)
                meta = yaml.safe_load((copy / "Chart.yaml").read_text(encoding="utf-8"))
                text = yaml.safe_dump({**meta, "version": version, "appVersion": runner})
                (copy / "Chart.yaml").write_text(text, encoding="utf-8")
        return copy

    def _asked_for(self, asked: str, release: PlannedRelease, helm: Helm) -> Chart:
        path = Path(asked).expanduser()
        if path.exists():
            return Chart(path, f"{_name_and_version(path, helm)} ({asked})")
        pulled = self._pull(asked, release.version, "", helm)
        if isinstance(pulled, str):
            raise HelmError(f"--chart {asked}: no such file, and Helm can't pull it: {pulled}")
        return Chart(pulled, f"{_name_and_version(pulled, helm)} ({asked})")

    def _pull(self, chart: str, version: str, repository: str, helm: Helm) -> Path | str:
        """Return the pulled archive, or why it can't be had."""
        key = (chart, version, repository)
        with self._lock:
            if key not in self._pulled:
                self._pulled[key] = self._try_pull(chart, version, repository, helm)
            return self._pulled[key]

    def _try_pull(self, chart: str, version: str, repository: str, helm: Helm) -> Path | str:
        target = self._folder / str(len(self._pulled))
        target.mkdir(parents=True)
        arguments = ["pull", chart, "--destination", str(target)]
        arguments += ["--version", version] if version else []
        arguments += ["--repo", repository] if repository else []
        try:
            helm.run(arguments, seconds=PULL_SECONDS)
        except HelmError as error:
            return str(error)
        return next(target.glob("*.tgz"), "helm pull left no archive")


def _name_and_version(path: Path, helm: Helm) -> str:
    if path.is_dir():
        text = (path / "Chart.yaml").read_text(encoding="utf-8")
    else:
        text = helm.run(["show", "chart", str(path)])
    meta = yaml.safe_load(text)
    return f"{meta.get('name')} {meta.get('version')}"
