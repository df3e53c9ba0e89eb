"""The project's sources: one commit of a folder, in a bare repository that git itself serves (`git http-backend`)."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from email.parser import BytesParser
from pathlib import Path
from typing import Final

from multiarch.core.environment import Child, environment
from multiarch.rehearse.live.git import UNCONFIGURED, git
from multiarch.rehearse.live.gitlab.payload import PIPELINE_ID
from multiarch.rehearse.live.pipeline import BRANCH, PROJECT

SERVICE: Final = "git-upload-pack"
"""What clones and fetches ask for. Nothing is pushed here."""
_SECONDS: Final = 120.0
_OK: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class GitRequest:
    """A request of git's smart HTTP (gitprotocol-http), as CGI has it."""

    method: str
    path: str
    """Below the project: `/info/refs`, `/git-upload-pack`."""
    query: str = ""
    content_type: str = ""
    encoding: str = ""
    protocol: str = ""
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class GitAnswer:
    """What git answers."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """A bare repository with one commit."""

    root: Path
    """Below it is the repository, by the project's path."""
    commit: str

    def answer(self, request: GitRequest) -> GitAnswer:
        """Let git answer a clone or fetch."""
        own = {
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": f"/{PROJECT}.git{request.path}",
            "REQUEST_METHOD": request.method,
            "QUERY_STRING": request.query,
            "CONTENT_TYPE": request.content_type,
            "CONTENT_LENGTH": str(len(request.body)),
            # No REMOTE_USER: with one, git would take pushes.
        }
        if request.encoding:
            own["HTTP_CONTENT_ENCODING"] = request.encoding
        if request.protocol:
            own["GIT_PROTOCOL"] = request.protocol
        done = subprocess.run(
            ["git", "http-backend"],  # noqa: S607 - found on PATH, as everything of the machine's
            input=request.body,
            capture_output=True,
            check=False,
            timeout=_SECONDS,
            env=environment(Child.GIT, {**UNCONFIGURED, **own}),
        )
        return cgi_answer(done.stdout)


def commit_folder(folder: Path, root: Path) -> Sources:
    """Commit what a folder has, but for what its .gitignore names. Raises ClusterError where git can't."""
    repository = root / f"{PROJECT}.git"
    repository.parent.mkdir(parents=True, exist_ok=True)
    git("init", "--quiet", "--bare", "--template=", f"--initial-branch={BRANCH}", str(repository))
    inside = (f"--git-dir={repository}", f"--work-tree={folder.resolve()}")
    git(*inside, "add", "--all", ".", below=folder)
    tree = git(*inside, "write-tree")
    commit = _commit(*inside, "commit-tree", tree, "-m", "The sources of this rehearsal")
    for name in (f"refs/heads/{BRANCH}", f"refs/pipelines/{PIPELINE_ID}"):
        git(*inside, "update-ref", name, commit)
    return Sources(root=root, commit=commit)


def cgi_answer(output: bytes) -> GitAnswer:
    """Read what a CGI program wrote: headers, `Status` among them, an empty line, and the body."""
    head, separator, body = output.partition(b"\r\n\r\n")
    if not separator:
        return GitAnswer(500, {}, b"")
    headers = dict(BytesParser().parsebytes(head).items())
    status = headers.pop("Status", f"{_OK}").split()[0]
    return GitAnswer(int(status) if status.isdigit() else 500, headers, body)


def _commit(*arguments: str) -> str:
    """Let git commit as somebody fixed, at a fixed time: the same files are the same commit."""
    someone = (("NAME", "Rehearsal"), ("EMAIL", "rehearsal@multiarch.invalid"), ("DATE", "2026-01-01T00:00:00Z"))
    return git(*arguments, own={f"GIT_{role}_{what}": one for role in ("AUTHOR", "COMMITTER") for what, one in someone})
