"""Real registries, each in a process and a folder of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

if TYPE_CHECKING:
    from tests.registry.lab.tokens import TokenServer

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "archmerge-lab/bin"
# renovate: datasource=go depName=github.com/distribution/distribution/v3
DISTRIBUTION_3 = "github.com/distribution/distribution/v3/cmd/registry@v3.1.2"


class Daemon(NamedTuple):
    """A running registry."""

    process: subprocess.Popen[bytes]
    host: str

    @property
    def base(self) -> str:
        return f"http://{self.host}"

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=10)


def debian_registry() -> str | None:
    """Debian's docker-registry (2.8.2), or None."""
    return shutil.which("docker-registry")


def go_tool(module: str, name: str) -> tuple[str | None, str]:
    """A pinned Go program, built once into the user's cache; (path, why not)."""
    folder = CACHE / module.rpartition("@")[2]
    program = folder / name
    if program.exists():
        return str(program), ""
    if not shutil.which("go"):
        return None, "Go is not installed"
    ran = subprocess.run(
        ["nice", "-n", "15", "go", "install", module],
        env={**os.environ, "GOBIN": str(folder), "GOFLAGS": "-buildvcs=false"},
        capture_output=True,
        timeout=900,
        check=False,
    )
    return (str(program), "") if ran.returncode == 0 else (None, f"go install {module}: {ran.stderr.decode()[-300:]}")


def start(  # noqa: PLR0913 - each a way in which registries differ
    program: str,
    folder: Path,
    *,
    tokens: TokenServer | None = None,
    realm: str = "",
    htpasswd: Path | None = None,
    tls: tuple[Path, Path] | None = None,
    relative_urls: bool = False,
) -> Daemon:
    """Start `program` (registry 2.8 or 3) on a free port and wait until it answers."""
    port = free_port()
    config: dict[str, Any] = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}, "delete": {"enabled": True}},
        "http": {"addr": f"127.0.0.1:{port}", "secret": "lab", "relativeurls": relative_urls},
    }
    if tls:
        config["http"]["tls"] = {"certificate": str(tls[0]), "key": str(tls[1])}
    if tokens:
        auth = {"realm": realm or tokens.url, "service": "lab-registry", "issuer": "lab-issuer"}
        config["auth"] = {"token": {**auth, "rootcertbundle": str(tokens.bundle)}}
    if htpasswd:
        config["auth"] = {"htpasswd": {"realm": "lab", "path": str(htpasswd)}}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.yml"
    path.write_text(yaml.safe_dump(config))
    with (folder / "log").open("wb") as log:
        environ = {**os.environ, "OTEL_TRACES_EXPORTER": "none"}
        process = subprocess.Popen([program, "serve", str(path)], stdout=log, stderr=log, env=environ)
    _await(port, process, folder)
    return Daemon(process, f"127.0.0.1:{port}")


def _await(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    for _ in range(200):
        if process.poll() is not None:
            raise RuntimeError((folder / "log").read_text()[-2000:])
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the registry did not start")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
