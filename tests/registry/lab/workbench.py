"""Everything together: a registry with token authentication behind the proxy, and the command run against it."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from archmerge.cli import main
from tests.registry.lab import daemon
from tests.registry.lab.images import Image, image
from tests.registry.lab.proxy import Proxy
from tests.registry.lab.push import Pusher
from tests.registry.lab.tokens import PASSWORD, USER, TokenServer

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

_numbers = itertools.count()
OURS = ("ARCHMERGE_", "CI_", "DOCKER_", "REGISTRY_AUTH", "XDG_RUNTIME", "XDG_CONFIG", "XDG_CACHE")


class Ran(NamedTuple):
    """How a run of the command ended."""

    code: int
    out: str
    err: str

    @property
    def digest(self) -> str:
        return self.out.strip()

    def json(self) -> Any:
        return json.loads(self.out)


class Workbench:
    """One registry and its proxy; every test takes fresh repository names."""

    def __init__(self, program: str, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.tokens = TokenServer(folder)
        self.proxy = Proxy("", token_upstream=self.tokens.url.split("/")[2])
        self.daemon = daemon.start(program, folder, tokens=self.tokens, realm=f"{self.proxy.base}/token")
        self.proxy.upstream = self.daemon.host
        self.host = self.proxy.host
        self.program = program

    def name(self, stem: str = "app") -> str:
        """A repository that no other test knows."""
        return f"t{next(_numbers)}/{stem}"

    def pusher(self, *repositories: str) -> Pusher:
        """Pushes and reads past the proxy."""
        return Pusher(self.daemon.base, self.tokens.everything(*repositories))

    def push(self, repository: str, what: Image, *versions: str) -> str:
        return self.pusher(repository).push(repository, what, *versions)

    def digest_of(self, repository: str, version: str) -> str | None:
        return self.pusher(repository).digest_of(repository, version)

    def pair(self, repository: str, *, apart: bool, layers: int = 4) -> str:
        """An amd64 and an arm64 image, in `repository` (tags 1-ARCH) or apart (REPOSITORY-ARCH:1); the template."""
        for arch in ("amd64", "arm64"):
            where, tag = (f"{repository}-{arch}", "1") if apart else (repository, f"1-{arch}")
            self.push(where, image(arch, seed=repository.replace("/", "-"), layers=layers), tag)
        return f"{self.host}/{repository}-ARCH:1" if apart else f"{self.host}/{repository}:1-ARCH"

    def run(self, *argv: str) -> Ran:
        """The command, in this process, with plain HTTP for the proxy."""
        return run(f"--plain-http={self.host}", *argv)

    def merge(self, template: str, target: str, *more: str) -> Ran:
        both = "linux/amd64,linux/arm64"
        return self.run("push", "--template", template, "--platforms", both, "--target", f"{self.host}/{target}", *more)

    def reset(self) -> None:
        self.proxy.reset()
        self.proxy.delay = 0.0
        self.tokens.asked.clear()
        self.tokens.lifetime, self.tokens.refuse_together, self.tokens.post_allowed = 300, False, True
        self.tokens.allow = lambda user, _repository, _action: bool(user)
        self.tokens.spoil = 0

    def close(self) -> None:
        self.daemon.stop()
        self.proxy.close()
        self.tokens.close()


def run(*argv: str) -> Ran:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(argv)
        except SystemExit as stop:  # argparse's way to say 2
            code = int(stop.code or 0)
    return Ran(int(code), out.getvalue(), err.getvalue())


def clean_environment(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """No credentials but the lab's, no proxies, no waiting between attempts."""
    import os  # noqa: PLC0415 - only here

    for name in [name for name in os.environ if name.startswith(OURS) or name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("ARCHMERGE_USERNAME", USER)
    monkeypatch.setenv("ARCHMERGE_PASSWORD", PASSWORD)
    monkeypatch.setattr("archmerge.transport.client.delay_after", lambda _n, _base, asked: asked or 0.001)
