"""A registry on this machine for one run: Debian's `docker-registry` if installed, else a small one of ours."""

import shutil
import socket
import subprocess
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Final, Self

import yaml

from archmerge import Digest, Options, Session
from archmerge.manifests import Descriptor, Manifest
from archmerge.registry import Registry
from multiarch.core.environment import Child, environment
from multiarch.core.secrets import hide
from multiarch.core.waiting import wait_while
from multiarch.model.providers.stand_in_image import StandIn
from multiarch.rehearse.control_plane.tied import tied
from multiarch.rehearse.mirror.embedded import EmbeddedServer

PROGRAMS: Final = ("docker-registry",)
START_SECONDS: Final = 20.0
_POLL_SECONDS: Final = 0.02


def on_path() -> Path | None:
    """Return the registry's program on PATH, None where there is none."""
    return next((Path(found) for found in map(shutil.which, PROGRAMS) if found), None)


class NoRegistryError(Exception):
    """The registry did not start. The message says why."""


class LocalRegistry:
    """A registry of its own on a free port, with nothing in it; gone with its content at the end.

    It listens on one address of this machine, of which pods on a bridge can reach another than the loopback's. A
    `program` is used in place of the one on PATH.
    """

    def __init__(self, address: str = "127.0.0.1", program: Path | None = None) -> None:
        self._address = address
        self._program = program
        self._folder = TemporaryDirectory(prefix="multiarch-registry-")
        self._process: subprocess.Popen[bytes] | None = None
        self._embedded: EmbeddedServer | None = None
        self.host = ""
        self.program = ""
        """What it is, for evidence."""

    def __enter__(self) -> Self:
        """Start it. Raises NoRegistryError."""
        program = self._program or on_path()
        if program is None:
            self._embedded = EmbeddedServer(self._address)
            self.host, self.program = self._embedded.host, "the rehearsal's own small registry"
            return self
        folder, port = Path(self._folder.name), _free_port(self._address)
        config = {
            "version": 0.1,
            "log": {"level": "error", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
            "http": {"addr": f"{self._address}:{port}"},
        }
        (folder / "config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
        with (folder / "log").open("wb") as log:
            command = tied([str(program), "serve", str(folder / "config.yml")])
            # It takes any setting from the environment too: $REGISTRY_HTTP_ADDR would have it listen elsewhere.
            self._process = subprocess.Popen(
                command, env=environment(Child.OWN), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._await(port)
        self.host, self.program = f"{self._address}:{port}", f"{Path(program).name} on this machine"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End it."""
        if self._embedded is not None:
            self._embedded.stop()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process is not None and self._process.poll() is None

    def session(self, options: Options | None = None) -> Session:
        """Return connections to it, without any credentials of this machine; the caller closes them."""
        own = frozenset({self.host})
        settings = (options or Options())._replace(plain_http=own, direct=own)
        return Session(settings, environ={"HOME": self._folder.name})

    def _await(self, port: int) -> None:
        wait_while(lambda: self.alive and not _answers(self._address, port), START_SECONDS, every=_POLL_SECONDS)
        if self.alive and _answers(self._address, port):
            return
        said = Path(self._folder.name, "log").read_text(encoding="utf-8", errors="replace").strip()
        self.__exit__(None, None, None)
        raise NoRegistryError(f"docker-registry did not start: {hide(said)[-300:] or 'it said nothing'}")


def push_image(registry: Registry, repository: str, image: StandIn, tag: str) -> None:
    """Store an image under a tag."""
    for blob in image.manifest.blobs:
        _upload(registry, repository, blob, image.blobs)
    registry.put_manifest(repository, tag, image.manifest)


def push_index(registry: Registry, repository: str, images: list[StandIn], index: Manifest, tag: str) -> Digest:
    """Store an index with its images under a tag, and return its digest."""
    for image in images:
        push_image(registry, repository, image, image.manifest.digest)
    registry.put_manifest(repository, tag, index)
    return index.digest


def _upload(registry: Registry, repository: str, blob: Descriptor, contents: Mapping[str, bytes]) -> None:
    session = registry.start_upload(repository)
    registry.finish_upload(repository, session, blob, lambda: BytesIO(contents[blob.digest]))


def _free_port(address: str) -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def _answers(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=1):
            return True
    except OSError:
        return False
