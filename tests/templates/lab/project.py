"""A GitLab project in a folder: a repository with a remote, a pipeline, and gitlab-ci-local to run it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from tests.registry.lab.tokens import PASSWORD, USER

if TYPE_CHECKING:
    from tests.registry.lab.workbench import Workbench

ROOT = Path(__file__).resolve().parents[3]
PIPELINES = ROOT / "tests/templates/pipelines"
SERVER = "gitlab.example.com"
TEMPLATES = "my-group/multiarch-runner"
"""Where the documents' examples, and the pipelines here, include from: a GitLab project that holds this repository."""
REF = "main"
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_GIT = [
    "git",
    "-c",
    "user.name=lab",
    "-c",
    "user.email=lab@example.com",
    "-c",
    "init.defaultBranch=main",
    "-c",
    "commit.gpgsign=false",
]


class Ran(NamedTuple):
    """How a pipeline ended: its exit code, and everything it said."""

    code: int
    out: str


class Project:
    """A project on gitlab.example.com, whose registry is the lab's; image names are fresh for each project."""

    def __init__(  # noqa: PLR0913, PLR0917 - each a part of the lab
        self, folder: Path, program: Path, tools: Path, catalog: Path, bench: Workbench, path: str = "team/app"
    ) -> None:
        self.folder, self._program, self.bench, self.path = folder, program, bench, path
        self._path = f"{tools}:{os.environ['PATH']}"
        self.repository = bench.name("app")
        self.image = f"{bench.host}/{self.repository}"
        self.log = folder.parent / "log.jsonl"
        self.environ: dict[str, str] = {}
        folder.mkdir()
        self._home = folder.parent / f"{folder.name}-home"
        self._home.mkdir()
        # What the pipeline includes from gitlab.example.com comes from a repository in a folder instead.
        (self._home / ".gitconfig").write_text(f'[url "file://{catalog}/"]\n  insteadOf = https://{SERVER}:443/\n')
        # And is there already: gitlab-ci-local fetches two includes of a repository into one folder at once, and trips.
        if (catalog / f"{TEMPLATES}.git").exists():
            fetched = folder / ".gitlab-ci-local/includes" / SERVER / TEMPLATES / REF
            shutil.copytree(ROOT / "templates", fetched / "templates")
        self.write("Dockerfile", "ARG BASE_IMAGE_NAME=alpine\nFROM $BASE_IMAGE_NAME\nCOPY hello.txt /app/hello.txt\n")
        self.write("hello.txt", "hello\n")
        self.variables = {
            "CI_REGISTRY": bench.host,
            "CI_REGISTRY_IMAGE": self.image,
            "CI_REGISTRY_USER": USER,
            "CI_REGISTRY_PASSWORD": PASSWORD,
            # gitlab-ci-local says /builds/team/app of a job with an image, even where the shell runs it elsewhere.
            "CI_PROJECT_DIR": ".",
            # Where archmerge would ask GitLab for a token, before it asks the registry who gives them.
            "CI_SERVER_URL": f"http://{bench.host}",
            "CI_PROJECT_URL": f"https://{SERVER}/{path}",
            # gitlab-ci-local says the present time.
            "CI_COMMIT_TIMESTAMP": "2026-11-23T12:00:00Z",
        }

    def copy_of_this_repository(self) -> None:
        """Be this repository: what git knows of it, and what is not committed yet."""
        names = git(ROOT, "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
        for name in names:
            if (ROOT / name).is_file():
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, self.folder / name)

    def write(self, path: str, text: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def add_tools(self, folder: Path) -> None:
        """Put a folder of programs before the others on the jobs' PATH."""
        self._path = f"{folder}:{self._path}"

    def use(self, name: str) -> None:
        """Take one of tests/templates/pipelines as the project's pipeline."""
        self.pipeline((PIPELINES / f"{name}.yml").read_text())

    def pipeline(self, text: str) -> None:
        self.write(".gitlab-ci.yml", text)

    def commit(self) -> None:
        """Commit all."""
        if not (self.folder / ".git").exists():
            self._git("init", "--quiet")
            self._git("remote", "add", "origin", f"https://{SERVER}/{self.path}.git")
        self._git("add", "--all", "--", ".", ":!.gitlab-ci-local*")
        self._git("commit", "--quiet", "--allow-empty", "-m", "lab")
        self._git("update-ref", "refs/remotes/origin/main", "HEAD")
        self._git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")

    @property
    def commit_hash(self) -> str:
        """CI_COMMIT_SHORT_SHA."""
        return self._git("rev-parse", "--short=8", "HEAD")

    def run(self, *arguments: str) -> Ran:
        """Commit, and run the pipeline (or what the arguments say)."""
        self.commit()
        return self.run_again(*arguments)

    def run_again(self, *arguments: str) -> Ran:
        """Run the pipeline of the same commit."""
        shell = ["--force-shell-executor", "--shell-isolation", "--concurrency", "4"]
        # The schema is checked once per pipeline, by the previews' tests.
        return self._local(*shell, "--no-json-schema-validation", *arguments)

    def preview(self) -> str:
        """The merged pipeline, as YAML."""
        self.commit()
        ran = self._local("--preview")
        assert ran.code == 0, ran.out
        return ran.out

    def records(self, tool: str) -> list[dict[str, Any]]:
        """What the stand-ins wrote down."""
        if not self.log.exists():
            return []
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [line for line in lines if line["tool"] == tool]

    def tags(self, repository: str | None = None) -> list[str]:
        status, _, body = self.bench.pusher(repository or self.repository).call(
            "GET", f"/v2/{repository or self.repository}/tags/list"
        )
        return sorted(json.loads(body)["tags"]) if status == 200 else []

    def artifact(self, name: str) -> Path:
        """The one file of this name among all jobs' artifacts."""
        (found,) = (self.folder / ".gitlab-ci-local" / "artifacts").rglob(name)
        return found

    def _local(self, *arguments: str) -> Ran:
        # A file, as project variables are: in argv the password would be seen by every test of argv.
        (self.folder / ".gitlab-ci-local-variables.yml").write_text(yaml.safe_dump(self.variables))
        environ = {
            "HOME": str(self._home),
            "PATH": self._path,
            "PYTHONPATH": str(ROOT),
            "LANG": "C.UTF-8",
            "LAB_LOG": str(self.log),
            "NO_COLOR": "1",
            "GCL_IGNORE_PREDEFINED_VARS": ",".join(self.variables),
            **self.environ,
        }
        ran = subprocess.run(
            ["node", str(self._program), "--home", str(self._home), *arguments],
            cwd=self.folder,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if "--preview" not in arguments else subprocess.PIPE,
            text=True,
            timeout=600,
            check=False,
        )
        return Ran(ran.returncode, _COLOURS.sub("", ran.stdout if ran.stdout or not ran.stderr else ran.stderr))

    def _git(self, *arguments: str) -> str:
        return git(self.folder, *arguments)


def git(folder: Path, *arguments: str) -> str:
    """Run git there, as nobody in particular."""
    command = [*_GIT, "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
