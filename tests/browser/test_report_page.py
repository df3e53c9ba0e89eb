"""The report's page in a real browser: it lays out, it shows what it should, and it fetches nothing."""

import os
import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from multiarch.core.render import html as page
from multiarch.rehearse.report.words import WORDS
from tests.unit.report import sample

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH (Debian: apt-get install chromium)"),
]
FLAGS = (
    "--headless",
    "--no-sandbox",  # a container has no user namespaces for it; the page is our own and runs no script
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--virtual-time-budget=2000",
)
PROBE = """
<script>
addEventListener("load", () => {
  const wide = [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1);
  const inside = [...document.querySelectorAll("[data-node] [data-job]")].filter(e => {
    const job = e.getBoundingClientRect(), node = e.closest("[data-node]").getBoundingClientRect();
    return job.width > 40 && job.left >= node.left && job.right <= node.right && job.bottom <= node.bottom;
  });
  document.title = JSON.stringify({
    wide: wide.length, inside: inside.length, fetched: performance.getEntriesByType("resource").length,
    lanes: document.querySelectorAll("[data-lane=refused] [data-job]").length,
  });
});
</script>
"""
"""Measures the layout in the browser. The page itself runs no script, so the test's copy drops the page's policy."""


def chromium(tmp_path: Path, html: str, *extra: str, width: int = 1400, height: int = 1500) -> str:
    file = tmp_path / "report.html"
    file.write_text(html, encoding="utf-8")
    profile = tmp_path / "profile"
    profile.mkdir(exist_ok=True)
    command = [
        str(CHROMIUM),
        *FLAGS,
        f"--user-data-dir={profile}",
        f"--window-size={width},{height}",
        *extra,
        file.as_uri(),
    ]
    environment = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def probed(html: str) -> str:
    start = html.index('<meta http-equiv="Content-Security-Policy"')
    end = html.index(">", start) + 1
    return html[:start] + html[end:].replace("</head>", PROBE + "</head>")


@pytest.mark.parametrize("width", [500, 900, 1400])
def test_every_job_lies_inside_its_node_and_nothing_runs_out_of_the_page(tmp_path: Path, width: int) -> None:
    dom = chromium(tmp_path, probed(page.render(sample.report(), WORDS)), "--dump-dom", width=width)
    assert '"wide":0' in dom
    assert '"inside":13' in dom, "three jobs on nodes in each of four stacks, and the one that should not be there"
    assert '"lanes":12' in dom
    assert '"fetched":0' in dom


def test_fifty_nodes_stay_inside_the_page(tmp_path: Path) -> None:
    dom = chromium(tmp_path, probed(page.render(sample.report(sample.crowded()), WORDS)), "--dump-dom", width=1100)
    assert '"wide":0' in dom
    assert dom.count("data-node=") == 50


def test_the_page_as_written_shows_its_verdict(tmp_path: Path) -> None:
    dom = chromium(tmp_path, page.render(sample.report(), WORDS), "--dump-dom")
    assert "1 failed, 1 could not tell, 34 proved" in dom
    assert 'data-verdict="no"' in dom


def test_a_script_in_a_pool_name_is_text_to_the_browser(tmp_path: Path) -> None:
    evil = "<script>document.title='owned'</script>"
    stack = sample.stack_of("gke", "gke", (sample.pool(evil, "gke", "arm64", "t2a-standard-8"),))
    dom = chromium(tmp_path, probed(page.render(sample.report(stack), WORDS)), "--dump-dom")
    assert "<title>owned" not in dom
    assert "&lt;script&gt;" in dom


def test_a_script_that_slipped_in_would_not_run(tmp_path: Path) -> None:
    html = page.render(sample.report(), WORDS).replace("</main>", "<script>document.title='owned'</script></main>")
    dom = chromium(tmp_path, html, "--dump-dom")
    assert "<title>Rehearsal" in dom


def test_a_screenshot_has_the_size_asked_for_and_is_not_blank(tmp_path: Path) -> None:
    shot = tmp_path / "report.png"
    chromium(tmp_path, page.render(sample.report(), WORDS), f"--screenshot={shot}")
    data = shot.read_bytes()
    assert struct.unpack(">II", data[16:24]) == (1400, 1500)
    assert len(data) > 50_000, "a blank page compresses to a few kilobytes"


def test_a_stack_prints_on_one_page(tmp_path: Path) -> None:
    pdf = tmp_path / "report.pdf"
    chromium(tmp_path, page.render(sample.report(), WORDS), "--no-pdf-header-footer", f"--print-to-pdf={pdf}")
    pages = len(re.findall(rb"/Type\s*/Page\b", pdf.read_bytes()))
    assert pages in {4, 5}, "four stacks, and the facts about the run below the last or on a page of their own"
