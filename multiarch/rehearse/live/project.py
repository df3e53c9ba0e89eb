"""What is built: a user's Dockerfile with its folder, or a small one of ours; and a stack file that has a builder."""

import io
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import yaml

from components.problems import ConfigError, Problem
from multiarch.rehearse.live.git import checked_out

# renovate: datasource=docker depName=docker.io/library/busybox
BASE: Final = "docker.io/library/busybox:1.37.0-musl"
"""What the Dockerfile of ours begins with. Its busybox is static, and so can be brought into images that have none."""
OWN: Final = f"""# What `multiarch rehearse --run` builds unless --dockerfile names one.
FROM {BASE}
RUN uname -m >/built-on && mkdir /kept && chown 7:8 /kept && chmod 4755 /built-on
USER 1000
CMD ["cat", "/built-on"]
"""
MOST_MIB: Final = 256
"""How large a project may be: it is kept in memory, and goes to each job."""
_LEFT_OUT: Final = (".git",)
_SECRET: Final = "gitlab-runner-buildkit-token"  # noqa: S105 - a name
_RUNNER: Final = ("multiarch-runner:runner", "runner")


@dataclass(frozen=True, slots=True)
class Sources:
    """What is built."""

    folder: Path
    """The build context: the user's, or a temporary one."""
    dockerfile: str
    """Its name in the folder."""


@contextmanager
def sources(given: Path | None) -> Iterator[Sources]:
    """Yield the project: the Dockerfile that is named, or that of a folder that is; for None the one of ours.

    A file's folder is the build context, as a folder that is named is. Raises ConfigError where there is none.
    """
    if given is None:
        with TemporaryDirectory(prefix="multiarch-project-") as folder:
            Path(folder, "Dockerfile").write_text(OWN, encoding="utf-8")
            yield Sources(Path(folder), "Dockerfile")
        return
    path = given / "Dockerfile" if given.is_dir() else given
    if not path.is_file():
        fix = "Name a Dockerfile, or a folder that has one: its folder is the build context."
        raise ConfigError([Problem(path="--dockerfile", found=f"there is no file {path}", fix=fix)])
    context = path.parent.resolve()
    if not path.resolve().is_relative_to(context):
        fix = "Name the file itself: jobs get the folder of what is named, and nothing beside it."
        found = f"{path} is a link to {path.resolve()}, outside its folder"
        raise ConfigError([Problem(path="--dockerfile", found=found, fix=fix)])
    yield Sources(context, path.name)


def archive(folder: Path) -> bytes:
    """Return what a checkout of a folder would have, as an archive; without git on PATH all but its .git.

    Raises ConfigError for a file that cannot be read, and for more than `MOST_MIB`.
    """
    content = io.BytesIO()
    size = 0
    with tarfile.open(fileobj=content, mode="w") as archived:
        try:
            for name in _names(folder):
                info = archived.gettarinfo(folder / name, arcname=name)
                if (folder / name).is_socket():
                    continue  # tar has no word for one
                size += info.size if info.isreg() else 0
                if size > MOST_MIB * 1024**2:
                    raise _too_large(folder)
                _add(archived, info, folder / name)
        except OSError as error:
            fix = "A checkout of the Dockerfile's folder is copied to each job. Name what is not for it in .gitignore."
            found = f"{error.filename or folder}: {error.strerror or error}"
            raise ConfigError([Problem(path="--dockerfile", found=found, fix=fix)]) from error
    return content.getvalue()


def _names(folder: Path) -> list[str]:
    listed = checked_out(folder)
    if listed is None:
        listed = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))
    return [name for name in listed if name.partition("/")[0] not in _LEFT_OUT]


def _add(archived: tarfile.TarFile, info: tarfile.TarInfo, path: Path) -> None:
    # Owners of this machine mean nothing in the job; times would make the same sources another commit.
    info.uid = info.gid = info.mtime = 0
    info.uname = info.gname = ""
    if info.isreg():
        with path.open("rb") as file:
            archived.addfile(info, file)
    elif info.isdir() or info.issym():
        archived.addfile(info)


def _too_large(folder: Path) -> ConfigError:
    fix = "Each job gets a copy: name what is not for the build in .gitignore, or give the Dockerfile its own folder."
    found = f"{folder} has more than {MOST_MIB} MiB"
    return ConfigError([Problem(path="--dockerfile", found=found, fix=fix)])


def with_buildkit(stack_file: Path) -> str | None:
    """Return a stack file's text with a runner for BuildKit added to it; None where it has one, or no `runner`.

    None, too, for a file that can't be read: the plan tells what is wrong with it.
    """
    try:
        document: Any = yaml.safe_load(stack_file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, RecursionError, yaml.YAMLError):
        return None
    config = (document.get("config") if isinstance(document, Mapping) else None) or {}
    key = next((name for name in _RUNNER if name in config), "")
    runner = config.get(key)
    if not isinstance(runner, Mapping) or "buildkit" in runner:
        return None
    added = {**runner, "buildkit": {"token": {"existingSecret": _SECRET}}}
    return yaml.safe_dump({**document, "config": {**config, key: added}}, sort_keys=False)
