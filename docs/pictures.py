"""Make the pictures in docs/images from runs that were recorded: `make pictures`.

A picture's run is the command's own JSON report, which lies beside it; the picture is what the renderers make of that
report today. So a test makes every picture anew: a terminal's is an SVG, byte for byte the same; a page's is a PNG that
says which page it was taken of. `python -m docs.pictures --record NAME` runs a command again, on the embedded control
plane where it needs one, and replaces the report.
"""

import hashlib
import importlib
import inspect
import io
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from docs import record_drift, record_onboarding
from docs.record_onboarding import ARGUMENTS as ONBOARDING
from docs.steady import steady
from multiarch.core.environment import Child, environment
from multiarch.core.render import html
from multiarch.core.render.terminal import print_report
from multiarch.core.render.words import Words
from multiarch.core.report import Report
from tests.cluster.doctor_lab import sample

ROOT: Final = Path(__file__).resolve().parent.parent
FOLDER: Final = ROOT / "docs" / "images"
BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
BROWSER_FLAGS: Final = (
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
_RESOLVER = re.compile(r" on [0-9.]+:53\b")
"""Which name server did not know a host is this machine's own business."""
_FONTS = re.compile(r"@font-face \{\{.*?\}\}\n", re.DOTALL)
_MONOSPACE = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
_KEY = b"Page-SHA256"
"""Of the PNG's text that names the page it was taken of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One picture: a command's report as a terminal or a browser shows it."""

    name: str
    """Of its file."""
    run: str
    """Of the recorded report."""
    command: str
    """What was typed, as the picture shows it."""
    columns: int = 100
    """Of a terminal: as many as its longest line has, which a picture would cut off."""
    size: tuple[int, int] = (0, 0)
    """Of a page's picture, in pixels; a terminal's has none."""

    @property
    def file(self) -> Path:
        """Where it lies."""
        return FOLDER / f"{self.name}.{'png' if self.size[0] else 'svg'}"


PICTURES: Final = (
    Picture(name="rehearse", run="rehearse-gke", command="multiarch rehearse --stack gke"),
    Picture(
        name="rehearsal",
        run="rehearse-gke",
        command="multiarch rehearse --stack gke --html gke.html",
        size=(1400, 1280),
    ),
    Picture(name="drift", run="drift", command="multiarch drift --only cloud-against-state --only cloud-against-code"),
    Picture(name="drift-page", run="drift", command="multiarch drift --html drift.html", size=(1100, 760)),
    Picture(name="doctor", run="doctor", command="multiarch doctor --stack local"),
    Picture(name="onboard", run="onboard", command=" ".join(("multiarch onboard", *ONBOARDING)), columns=112),
)


def words_of(run: str) -> Words[Any, Any]:
    """Return how the command speaks whose run it is."""
    words: Words[Any, Any] = importlib.import_module(f"multiarch.{run.partition('-')[0]}.report.words").WORDS
    return words


def recorded(run: str) -> Report[Any, Any]:
    """Return a recorded report."""
    found: Report[Any, Any] = TypeAdapter(words_of(run).report_type).validate_json(
        (FOLDER / f"{run}.json").read_text(encoding="utf-8")
    )
    return found


def terminal(picture: Picture) -> str:
    """Return the SVG of a terminal that shows the report."""
    console = Console(
        file=io.StringIO(),
        record=True,
        width=picture.columns,
        force_terminal=True,
        color_system="truecolor",
        highlight=False,
        legacy_windows=False,
        _environ={},
    )
    console.print(Text.assemble(("$ ", "green"), (picture.command, "bold")), soft_wrap=True)
    print_report(console, recorded(picture.run), words_of(picture.run))
    longest = max(map(cell_len, console.export_text(clear=False).splitlines()))
    if longest > picture.columns:
        raise ValueError(f"{picture.name}: a line of {longest} columns would be cut off; give the picture as many")
    # No fonts from elsewhere: an SVG in a page may fetch none. Each line's length is fixed, whatever the font.
    form = _FONTS.sub("", inspect.signature(Console.export_svg).parameters["code_format"].default).replace(
        "Fira Code, monospace", _MONOSPACE
    )
    form = form.replace('<svg class="rich-terminal"', '<svg role="img" class="rich-terminal"')
    drawn = console.export_svg(title=picture.command, code_format=form, unique_id=f"t-{picture.name}")
    return "".join(f"{line.rstrip()}\n" for line in drawn.splitlines() if line.strip())


def page(picture: Picture) -> str:
    """Return the page that a page's picture shows."""
    return html.render(recorded(picture.run), words_of(picture.run))


def taken_of(png: bytes) -> str:
    """Return the SHA-256 of the page that a PNG says it was taken of; empty where it says none."""
    place = 8
    while place < len(png):
        (length,) = struct.unpack(">I", png[place : place + 4])
        kind, data = png[place + 4 : place + 8], png[place + 8 : place + 8 + length]
        if kind == b"tEXt" and data.startswith(_KEY + b"\0"):
            return data[len(_KEY) + 1 :].decode("ascii")
        place += length + 12
    return ""


def digest(text: str) -> str:
    """Return a page's SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()


def _named(png: bytes, text: str) -> bytes:
    """Put into a PNG, behind its header, which page it shows."""
    data = _KEY + b"\0" + digest(text).encode("ascii")
    chunk = struct.pack(">I", len(data)) + b"tEXt" + data + struct.pack(">I", zlib.crc32(b"tEXt" + data))
    header = 8 + 25
    return png[:header] + chunk + png[header:]


def browser() -> str | None:
    """Return the browser that is on PATH; None where there is none."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def photograph(text: str, size: tuple[int, int]) -> bytes:
    """Return a PNG of the page's upper part as a browser shows it. Raises RuntimeError where there is no browser."""
    program = browser()
    if program is None:
        raise RuntimeError("no chromium on PATH, which takes the pages' pictures (Debian: apt-get install chromium)")
    with tempfile.TemporaryDirectory(prefix="multiarch-pictures-") as folder:
        file, shot = Path(folder, "page.html"), Path(folder, "page.png")
        file.write_text(text, encoding="utf-8")
        window = (f"--user-data-dir={folder}/profile", f"--window-size={size[0]},{size[1]}", f"--screenshot={shot}")
        subprocess.run(
            [program, *BROWSER_FLAGS, *window, file.as_uri()],
            env=environment(Child.OWN, {"HOME": folder}),
            capture_output=True,
            check=True,
            timeout=300,
        )
        return shot.read_bytes()


def make(picture: Picture) -> bool:
    """Write a picture where it is not as it should be; tell whether that was so."""
    if not picture.size[0]:
        drawn = terminal(picture).encode()
        if picture.file.exists() and picture.file.read_bytes() == drawn:
            return False
        picture.file.write_bytes(drawn)
        return True
    text = page(picture)
    if picture.file.exists() and taken_of(picture.file.read_bytes()) == digest(text):
        return False
    picture.file.write_bytes(_named(photograph(text, picture.size), text))
    return True


def rehearse_gke() -> str:
    """Rehearse the stack `gke` as it is in this repository, and return the report. Raises CalledProcessError."""
    done = subprocess.run(
        [sys.executable, "-m", "multiarch.cli", "rehearse", "--stack", "gke", "--json", "-"],
        cwd=ROOT,
        env=environment(Child.PROGRAM, {"PYTHONUTF8": "1"}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,  # its progress is for whoever waits
        text=True,
        check=True,
    )
    return steady(_RESOLVER.sub("", done.stdout), {str(ROOT): "PROJECT"}, times=False)


RUNS: Final[Mapping[str, Callable[[], str]]] = {
    "rehearse-gke": rehearse_gke,
    "drift": record_drift.report,
    "doctor": sample.record,
    "onboard": record_onboarding.record,
}
"""What records each run, as it is named in docs/images."""


def main(arguments: list[str]) -> int:
    """Make every picture whose run or renderer has changed; after `--record`, record the named runs and make theirs."""
    named = arguments[1:] if arguments[:1] == ["--record"] else []
    if (arguments and not named) or not set(named) <= set(RUNS):
        sys.stderr.write(f"usage: python -m docs.pictures [--record NAME…], of: {', '.join(RUNS)}\n")
        return 2
    for name in named:
        sys.stdout.write(f"{name}: recording, on the embedded control plane where it needs one\n")
        (FOLDER / f"{name}.json").write_text(RUNS[name](), encoding="utf-8")
    for picture in (one for one in PICTURES if not named or one.run in named):
        sys.stdout.write(f"{picture.file.name} {'written' if make(picture) else 'is as it should be'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
