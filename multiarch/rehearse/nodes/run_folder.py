"""The one folder in which a rehearsal on real nodes puts all that it makes: it goes whole, also after a `kill -9`.

It is written down beside the nodes' journal before anything is put into it, and locked as long as the rehearsal lives:
so others can tell one that runs from one that was killed.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from multiarch.core.waiting import wait_while
from multiarch.rehearse.control_plane.errors import KeptPlaneError, StartError
from multiarch.rehearse.control_plane.folders import SHORT_PARENT, held, hold, short_folder
from multiarch.rehearse.nodes import journal

PREFIX: Final = "multiarch-run-"
_NAME: Final = "run.json"
_ROOM: Final = len("/multiarch-plane-12345678")
"""What the control plane's folder adds to the path, in which there are sockets."""
_SOON_SECONDS: Final = 5.0
_KILLED_SECONDS: Final = 40.0
"""A gitlab-runner that is interrupted takes up to 30 s to delete its pods, though the API server has gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A rehearsal on real nodes."""

    folder: str
    """In it is all that the rehearsal made, the nodes' own folder too."""
    process: int

    def running(self) -> bool:
        """Tell whether its process lives."""
        return held(Path(self.folder))

    def killed(self) -> bool:
        """Tell whether it is over, and nobody has cleaned up."""
        return not self.running()

    def made(self, path: str) -> bool:
        """Tell whether something at this path is its own."""
        return Path(path).is_relative_to(self.folder)


@contextmanager
def own_folder(state: Path = journal.FOLDER) -> Iterator[Path]:
    """Have this process, and its children, make all temporary files in one new folder; it is removed at the end.

    Raises KeptPlaneError while another rehearsal has one. What cannot be removed stays written down, to try again.
    """
    folder = short_folder(PREFIX, room=_ROOM)
    with hold(folder):
        try:
            run = _note(folder, state)
        except BaseException:
            shutil.rmtree(folder)
            raise
        try:
            with _temporary_files_in(folder):
                yield folder
        finally:
            wait_while(lambda: processes(run.folder), _SOON_SECONDS)
            _remove(run, state)


def read(state: Path = journal.FOLDER) -> Run | None:
    """Return the rehearsal that was written down here, or None. Raises KeptPlaneError when it cannot be understood."""
    path = state / _NAME
    try:
        return Run(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise KeptPlaneError(
            f"{path} cannot be read ({error}). Once no `multiarch rehearse --run` runs, remove by hand the folders "
            f"{PREFIX}* in {tempfile.gettempdir()}; then this file"
        ) from error


def killed_one(state: Path = journal.FOLDER) -> Run | None:
    """Return a rehearsal that was killed and left its folder, None where there is none, or it is this process's own.

    Raises KeptPlaneError while another one runs: it is not touched.
    """
    run = read(state)
    if run is None or run.killed():
        return run
    if run.process == os.getpid():
        return None
    raise KeptPlaneError(f"a rehearsal is running on this machine (process {run.process}). Wait for its end")


def undo(run: Run, state: Path = journal.FOLDER, seconds: float = _KILLED_SECONDS) -> list[str]:
    """Remove what a killed rehearsal left, once its processes have ended; return it in words.

    They are tied to the one that was killed, and so end by themselves. Raises StartError when one does not, or when
    something cannot be removed; what was written down stays then, to try again.
    """
    if left := wait_while(lambda: processes(run.folder), seconds):
        raise StartError(f"this of a killed rehearsal has not ended yet: {_words(left)}. End it, and try again")
    there = Path(run.folder).exists()
    if not _remove(run, state):
        raise StartError(f"{run.folder} cannot be removed. Remove it by hand, and try again")
    return ["removed the temporary folder of a rehearsal that was killed"] if there else []


def parents() -> set[Path]:
    """Return where runs' folders are: where temporary files are, and where they are if that path is too long."""
    return {Path(tempfile.gettempdir()), SHORT_PARENT}


def processes(folder: str = "") -> dict[str, str]:
    """Return the processes of the run of this folder, or of any run that has its folder here.

    They are known by that path in their command line or environment. What has ended, and only waits to be buried, is
    none. This process is none, nor are those that are not ours to see.
    """
    marks = [folder.encode()] if folder else [os.fsencode(parent / PREFIX) for parent in parents()]
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has just ended
            line = (path / "cmdline").read_bytes()
            told = b"\0".join([line, (path / "environ").read_bytes()])
            if path.name != str(os.getpid()) and any(mark in told for mark in marks):
                found[f"process {path.name}"] = line.decode(errors="replace").replace("\0", " ").strip()
    return found


def _note(folder: Path, state: Path) -> Run:
    run = Run(folder=str(folder), process=os.getpid())
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with (state / _NAME).open("x", encoding="utf-8") as file:
            file.write(json.dumps(asdict(run)))
    except FileExistsError:
        killed_one(state)  # says who it is, where it still runs
        raise KeptPlaneError("a rehearsal left its folder. Remove it: multiarch rehearse --run --clean") from None
    return run


def _remove(run: Run, state: Path) -> bool:
    shutil.rmtree(run.folder, ignore_errors=True)
    if Path(run.folder).exists():
        return False
    (state / _NAME).unlink(missing_ok=True)
    journal.remove_folder(state)
    return True


def _words(left: dict[str, str]) -> str:
    """Say which processes they are, without their arguments, of which some are secrets."""
    return ", ".join(f"{name} ({line.partition(' ')[0]})" for name, line in left.items())


@contextmanager
def _temporary_files_in(folder: Path) -> Iterator[None]:
    """Let this process's modules find it, and by the variable its children."""
    before, variable = tempfile.tempdir, os.environ.get("TMPDIR")
    tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before
        if variable is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = variable
