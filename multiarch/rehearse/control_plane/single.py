"""Have one program of a Go module of its own: from the cache, else built there, once for whoever needs it."""

from pathlib import Path

from multiarch.rehearse.control_plane import build
from multiarch.rehearse.control_plane.cache import Receipt
from multiarch.rehearse.control_plane.golang import have_go
from multiarch.rehearse.control_plane.platform import this_machine
from multiarch.rehearse.control_plane.progress import Progress, ProgressSink, State
from multiarch.rehearse.control_plane.tools import Tool, pinned_versions


def have_built(
    tool: Tool, module_dir: Path, version_variable: str, root: Path, progress: ProgressSink
) -> tuple[Path, Receipt]:
    """Return the program in the version that `module_dir` pins. Raises BinariesError.

    `version_variable` is the variable of its source by which its own releases tell it the version.
    """
    versions = pinned_versions(module_dir, (tool,))
    version = versions[tool.name]
    platform, stamps = this_machine(), {version_variable: f"v{version}"}
    shelf = build.shelf_for(root, platform, stamps, module_dir, tool.variant)
    kept = shelf.find(tool.name)
    if kept is not None:
        return kept

    def waiting(waited: float) -> None:
        detail = "another run is at it"
        progress(Progress(step="build", subject=tool.name, state=State.RUNNING, detail=detail, elapsed=waited))

    with shelf.locked(waiting) as scratch:
        kept = shelf.find(tool.name)  # another run may have been faster
        if kept is None:
            toolchain = have_go(root, progress, module_dir)
            builder = build.Builder(
                toolchain=toolchain,
                versions=versions,
                stamps=stamps,
                platform=platform,
                progress=progress,
                module_dir=module_dir,
            )
            made = builder.build(tool, scratch)
            kept = shelf.install(tool.name, made, version=version, source=f"built by Go {toolchain.version}")
    return kept
