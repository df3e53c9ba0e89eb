"""Write the tables of docs/monitoring.md: `python -m docs.monitoring_page`. A test fails when the page is stale."""

import re
from pathlib import Path
from typing import Final

from components.runner.monitoring import dashboard, rules
from components.runner.monitoring.series import MonitoredRunner
from components.runner.settings import RunnerConfig

PAGE: Final = Path(__file__).resolve().parent / "monitoring.md"


def page(text: str) -> str:
    """Return the page with its tables made anew, for a runner with default settings."""
    seen = MonitoredRunner.of(RunnerConfig(gitlab_url="https://gitlab.com"))
    for name, table in (("alerts", _alerts(seen)), ("panels", _panels(seen))):
        begin, end = f"<!-- {name}: python -m docs.monitoring_page -->\n", f"<!-- /{name} -->"
        new = (begin + table + end).replace("\\", r"\\")
        text, count = re.subn(f"{re.escape(begin)}.*?{re.escape(end)}", new, text, flags=re.DOTALL)
        if count != 1:
            raise ValueError(f"{PAGE.name} has {count} places for {name}, not one")
    return text


def _alerts(seen: MonitoredRunner) -> str:
    rows = [
        f"| `{alert.name}` | {alert.severity.value} | {_words(alert.summary)} | {alert.after // 60} min |\n"
        if alert.after % 60 == 0
        else f"| `{alert.name}` | {alert.severity.value} | {_words(alert.summary)} | {alert.after} s |\n"
        for alert in rules.alerts(seen)
    ]
    return "| alert | severity | what it says | after |\n| --- | --- | --- | --- |\n" + "".join(rows)


def _panels(seen: MonitoredRunner) -> str:
    rows = [f"| {panel.title} | {panel.says} | {panel.needs.value} |\n" for panel in dashboard.panels(seen)]
    return "| panel | what it shows | needs |\n| --- | --- | --- |\n" + "".join(rows)


def _words(template: str) -> str:
    """Return a summary for people: what Prometheus fills in, by its name alone."""
    return re.sub(r"\{\{ \$(?:labels\.)?(\w+)[^}]*\}\}", lambda found: f"*{found[1]}*", template)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
