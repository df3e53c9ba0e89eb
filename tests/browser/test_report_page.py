"""The report's page in a real browser: it lays out, it shows what it should, and it fetches nothing."""

import dataclasses
import json
import os
import re
import struct
import subprocess
from html import escape, unescape
from pathlib import Path

import pytest

from docs import pictures
from docs.pictures import PICTURES, Picture
from multiarch.core.render import html as page
from multiarch.core.verdict import Verdict
from multiarch.rehearse.report.model import StackReport
from multiarch.rehearse.report.words import WORDS
from tests.unit.report import sample

CHROMIUM = pictures.browser()
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH (Debian: apt-get install chromium)"),
]
PROBE = """
<script>
// Words on several lines although the screen has room for them; the paddings around them take two fifths of a phone's.
function broken() {
  const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    for (const word of node.data.matchAll(/\\S+/g)) {
      const range = document.createRange();
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      const boxes = [...range.getClientRects()].filter(box => box.width > 0);
      const width = boxes.reduce((sum, box) => sum + box.width, 0);
      if (new Set(boxes.map(box => Math.round(box.top))).size > 1 && width < innerWidth * 0.6) found.push(word[0]);
    }
  }
  return found;
}
addEventListener("load", () => {
  const wide = [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1);
  const inside = [...document.querySelectorAll("[data-node] [data-job]")].filter(e => {
    const job = e.getBoundingClientRect(), node = e.closest("[data-node]").getBoundingClientRect();
    return job.width > 40 && job.left >= node.left && job.right <= node.right && job.bottom <= node.bottom;
  });
  const ends = [...document.querySelectorAll(".failed .said")].filter(box => {
    const shown = box.getBoundingClientRect(), log = box.firstElementChild.getBoundingClientRect();
    return log.height > shown.height && log.bottom <= shown.bottom;
  });
  parent.document.title = JSON.stringify({
    wide: wide.length, inside: inside.length, fetched: performance.getEntriesByType("resource").length,
    lanes: document.querySelectorAll("[data-lane=refused] [data-job]").length,
    broken: broken(), ends: ends.length,
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
        *pictures.BROWSER_FLAGS,
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


def framed(html: str, width: int) -> str:
    """The page in a frame: a window of the browser itself is never narrower than 500 pixels."""
    return f'<body><iframe style="border:0;width:{width}px;height:900px" srcdoc="{escape(html)}"></iframe></body>'


@pytest.mark.parametrize("failing", ["", "image-build: [arm64]"])
@pytest.mark.parametrize("width", [320, 700, 1280])
def test_what_really_ran_is_laid_out_on_any_screen_and_a_failed_log_shows_its_end(
    tmp_path: Path, width: int, failing: str
) -> None:
    stack = sample.changed(sample.local(), checks=(), pools=(), nodes=(), jobs=())  # which have tests of their own
    html = page.render(sample.report(sample.really_ran(failing, stack=stack)), WORDS)
    dom = chromium(tmp_path, framed(probed(html), width), "--dump-dom")
    told = json.loads(unescape(re.findall("<title>(.*?)</title>", dom)[0]))
    assert (told["wide"], told["broken"], told["fetched"]) == (0, [], 0)
    assert told["ends"] == (1 if failing else 0)


def test_a_script_in_a_log_is_text_to_the_browser(tmp_path: Path) -> None:
    evil = "</pre></details></script><script>document.title='owned'</script>"
    stack = sample.really_ran("image-merge", evil)
    dom = chromium(tmp_path, probed(page.render(sample.report(stack), WORDS)), "--dump-dom")
    assert "<title>owned" not in dom
    assert "&lt;script&gt;" in dom


def long_names() -> StackReport:
    """Names as clouds give them, and references as registries have them."""
    stack = sample.eks()
    nodes = [
        dataclasses.replace(node, name=f"ip-10-0-{index}-12.eu-west-1.compute.internal")
        for index, node in enumerate(stack.detail.nodes)
    ]
    names = dict(zip([node.name for node in stack.detail.nodes], [node.name for node in nodes], strict=True))
    jobs = [dataclasses.replace(job, node=names.get(job.node or "")) for job in stack.detail.jobs]
    reference = "registry.example.com/app@sha256:0123456789ab"
    claims = sample.replaced(
        sample.claims_of("eks"), "helper-image-right", Verdict.NO, f"the job got {reference} instead"
    )
    return sample.changed(stack, nodes=tuple(nodes), jobs=tuple(jobs), checks=claims)


@pytest.mark.parametrize("width", [500, 800, 1400])
def test_no_word_is_broken_that_the_screen_has_room_for(tmp_path: Path, width: int) -> None:
    dom = chromium(tmp_path, probed(page.render(sample.report(long_names()), WORDS)), "--dump-dom", width=width)
    assert '"broken":[]' in dom, re.findall(r'"broken":\[[^\]]*\]', dom)
    assert '"wide":0' in dom


@pytest.mark.parametrize("picture", [one for one in PICTURES if one.size[0]], ids=lambda picture: picture.name)
@pytest.mark.parametrize("width", [500, 1400])
def test_the_pages_of_the_docs_pictures_lay_out_and_fetch_nothing(tmp_path: Path, picture: Picture, width: int) -> None:
    dom = chromium(tmp_path, probed(pictures.page(picture)), "--dump-dom", width=width)
    assert '"wide":0' in dom
    assert '"broken":[]' in dom, re.findall(r'"broken":\[[^\]]*\]', dom)
    assert '"fetched":0' in dom


@pytest.mark.parametrize("picture", [one for one in PICTURES if not one.size[0]], ids=lambda picture: picture.name)
def test_a_terminals_picture_is_drawn_and_not_blank(picture: Picture) -> None:
    shot = pictures.photograph(f"<body style='margin:0'>{pictures.terminal(picture)}</body>", (1000, 500))
    assert struct.unpack(">II", shot[16:24]) == (1000, 500)
    assert len(shot) > 15_000, "a blank one has 3 kB"


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
