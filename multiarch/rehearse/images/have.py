"""Have the images: layers from the user's cache, else made there, once for whoever needs them."""

import subprocess
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from archmerge import Digest
from multiarch.core.environment import Child, environment
from multiarch.rehearse.control_plane.cache import Receipt, Shelf, default_root, key
from multiarch.rehearse.control_plane.platform import this_machine
from multiarch.rehearse.control_plane.progress import Progress, ProgressSink, State, silent
from multiarch.rehearse.images import archive, debian, programs, recipes
from multiarch.rehearse.images.archive import Entry
from multiarch.rehearse.images.debian import Debian
from multiarch.rehearse.images.model import ImagesError, Layer
from multiarch.rehearse.images.recipes import LAYERS, Images, Name
from multiarch.rehearse.nodes.architectures import Arch

_ASK_SECONDS: Final = 20.0
_STEP: Final = "image"


def layer_names(native: str, names: Collection[Name] = tuple(LAYERS)) -> list[str]:
    """Return the names of images' layers, in the order in which they are made.

    BuildKit's has this machine's programs in both of its images (recipes).
    """
    kinds = dict.fromkeys(kind for name in LAYERS if name in names for kind in LAYERS[name])
    return [f"{kind}-{arch}" for kind in kinds for arch in ([native] if kind == "buildkit" else Arch)]


def have_images(
    progress: ProgressSink = silent, names: Collection[Name] = tuple(LAYERS), *, cache_root: Path | None = None
) -> Images:
    """Return images, from the cache or made now: some minutes, once. Raises ImagesError and BinariesError."""
    native = this_machine().arch
    root = cache_root or default_root()
    return recipes.images_of(_have(root, layer_names(native, names), progress), native, names)


def have_registry(progress: ProgressSink = silent, *, cache_root: Path | None = None) -> Path:
    """Return Debian's docker-registry, unpacked into the cache: for machines where it is not installed."""
    name = f"registry-{this_machine().arch}"
    layer = _have(cache_root or default_root(), [name], progress)[name]
    if not isinstance(layer.content, Path):
        raise ImagesError(f"{name} is not a file")
    return layer.content


def shelf_for(root: Path) -> Shelf:
    """Return the cache's folder for layers that are made by exactly this code, of exactly these modules."""
    code = [Path(module.__file__ or "").read_bytes() for module in (archive, debian, recipes)]
    folders = dict.fromkeys(map(programs.module_of, programs.TOOLS))
    pins = [(folder / name).read_bytes() for folder in folders for name in ("go.mod", "go.sum")]
    return Shelf(root / "images" / f"layers-{key(*code, Path(__file__).read_bytes(), *pins)}")


def _have(root: Path, names: Iterable[str], progress: ProgressSink) -> dict[str, Layer]:
    shelf, names = shelf_for(root), list(names)
    found = {name: kept for name in names if (kept := shelf.find(name))}
    if missing := [name for name in names if name not in found]:
        with shelf.locked(_waiting(progress)) as scratch:
            maker = _Maker(root, shelf, scratch, progress)
            for name in missing:
                found[name] = shelf.find(name) or maker.make(name)  # another run may have been faster
    return {name: _layer(*kept) for name, kept in found.items()}


def _layer(path: Path, receipt: Receipt) -> Layer:
    digest = Digest(f"sha256:{receipt.sha256}")
    return Layer(digest=digest, size=path.stat().st_size, content=path, made_of=receipt.source)


def _waiting(progress: ProgressSink) -> Callable[[float], None]:
    def tell(waited: float) -> None:
        detail = "another run makes them"
        progress(Progress(step=_STEP, subject="layers", state=State.RUNNING, detail=detail, elapsed=waited))

    return tell


@dataclass(slots=True)
class _Maker:
    """Makes layers, each with what it needs of Debian."""

    root: Path
    shelf: Shelf
    scratch: Path
    progress: ProgressSink
    debians: dict[str, Debian] = field(default_factory=dict)

    def make(self, name: str) -> tuple[Path, Receipt]:
        """Make one layer, or the registry's program, and keep it. Raises ImagesError and BinariesError."""
        kind, _, arch = name.rpartition("-")
        began = time.monotonic()
        self._tell(name, State.RUNNING, began, "Debian's packages")
        try:
            packages = self._debian(arch).packages(recipes.PACKAGES[kind], name)
            taken = {package: debian.unpacked(package, recipes.KEPT[kind]) for package in packages}
            entries = [entry for files in taken.values() for entry in files]
            source = f"Debian {', '.join(package.named for package, files in taken.items() if files)}"
            version = next(package.version for package in packages if package.name == recipes.PACKAGES[kind][0])
            made = self.scratch / f"{name}.made"
            if kind == "registry":
                made.write_bytes(_only(entries, recipes.KEPT[kind][0]))
            else:
                more, of = self._more(kind)
                with made.open("wb") as file:
                    archive.write(recipes.without_setuid([*entries, *more]), file)
                source = ", ".join([source, *of])
        except BaseException:
            self._tell(name, State.FAILED, began, "")
            raise
        kept = self.shelf.install(name, made, version=version, source=source)
        self._tell(name, State.DONE, began, source)
        return kept

    def _debian(self, arch: str) -> Debian:
        if arch not in self.debians:
            found = Debian(arch, self.scratch / f"debian-{arch}")
            found.update()
            self.debians[arch] = found
        return self.debians[arch]

    def _more(self, kind: str) -> tuple[list[Entry], list[str]]:
        """Return what a layer has beside packages, and what that is made of."""
        if kind == "base":
            return recipes.base_files(self._applets()), []
        if kind == "python":
            return [archive.link("usr/bin/python3", "python3.11")], []
        if kind == "buildkit":
            built = programs.have_programs(self.root, self.progress)
            files = [archive.program(_named(name), path) for name, (path, _) in built.items()]
            script = programs.daemonless(self.root, self.progress)
            of = [f"{name} {receipt.version} {receipt.source}" for name, (_, receipt) in built.items()]
            return [*files, *recipes.buildkit_files(script)], of
        return [], []

    def _applets(self) -> list[str]:
        """Ask this machine's own busybox, of the same source for each architecture, what it can be called as."""
        arch = this_machine().arch
        place = self.scratch / "busybox"
        if not place.exists():
            packages = self._debian(arch).packages(recipes.PACKAGES["base"], f"base-{arch}")
            (path,) = recipes.KEPT["base"]
            place.write_bytes(_only([e for p in packages for e in debian.unpacked(p, (path,))], path))
            place.chmod(0o755)
        done = subprocess.run(
            [place, "--list-full"],
            env=environment(Child.CONTROL_PLANE),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_ASK_SECONDS,
            check=False,
        )
        applets = done.stdout.split()
        if "bin/sh" not in applets:
            raise ImagesError(f"Debian's busybox did not list its applets: exit {done.returncode}")
        return applets

    def _tell(self, name: str, state: State, began: float, detail: str) -> None:
        elapsed = time.monotonic() - began
        self.progress(Progress(step=_STEP, subject=name, state=state, detail=detail, elapsed=elapsed))


def _only(entries: Iterable[Entry], path: str) -> bytes:
    for entry in entries:
        if entry.path == path and isinstance(entry.content, bytes) and entry.content:
            return entry.content
    raise ImagesError(f"Debian's package has no file {path}")


def _named(tool: str) -> str:
    """Return a program's place: BuildKit looks for its own runc first."""
    return f"usr/bin/{'buildkit-runc' if tool == programs.RUNC.name else tool}"
