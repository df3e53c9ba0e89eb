"""Login programs of kubeconfigs (`exec`): run one, with a time limit, and say why there is no login when it fails.

The official Python client runs them too, but goes on without a login when one fails: what the user reads then is the
API server's 401, not that `gke-gcloud-auth-plugin` is not installed. The protocol is client-go's (kubernetes.io,
"Authentication", "client-go credential plugins"; k8s.io/client-go v0.36.3 plugin/pkg/client/auth/exec/exec.go).
"""

import atexit
import base64
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from components.kubeconfig_files import KubeconfigError
from multiarch.cluster.errors import LoginError
from multiarch.core.environment import Child, environment
from multiarch.core.printable import one_line
from multiarch.core.secrets import hide, remember

UNATTENDED_SECONDS: Final = 60.0
ATTENDED_SECONDS: Final = 300.0
"""With a terminal somebody may have to open a browser first."""
EARLY: Final = timedelta(seconds=30)
"""A token is renewed that long before it expires: it must still be good when it arrives."""
API_GROUP: Final = "client.authentication.k8s.io"
_EXTENSION: Final = f"{API_GROUP}/exec"
_HINTS: Final = {
    "gke-gcloud-auth-plugin": "Install it: gcloud components install gke-gcloud-auth-plugin.",
    "aws": "Install the AWS CLI, version 2.",
    "aws-iam-authenticator": "Install aws-iam-authenticator, or write the context again: aws eks update-kubeconfig.",
    "kubelogin": "Install it: az aks install-cli.",
}
_CLUSTER_KEYS: Final = ("server", "tls-server-name", "insecure-skip-tls-verify", "proxy-url", "disable-compression")
_REASON: Final = 300
_BOUND: Final = 1024 * 1024
_CHUNK: Final = 65536
_TICK: Final = 0.1
_running: Final[set[subprocess.Popen[bytes]]] = set()


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What a login program gave: a bearer token, or a client certificate with its key (PEM)."""

    token: str = field(default="", repr=False)
    certificate: str = ""
    key: str = field(default="", repr=False)
    expires: datetime | None = None

    def stale(self, now: datetime) -> bool:
        """Tell whether another one is needed at the time `now`."""
        return self.expires is not None and now >= self.expires - EARLY

    def user(self) -> dict[str, str]:
        """Return it as the user of a kubeconfig."""
        if self.token:
            return {"token": self.token}
        return {
            "client-certificate-data": base64.b64encode(self.certificate.encode()).decode(),
            "client-key-data": base64.b64encode(self.key.encode()).decode(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """A login program as a kubeconfig names it (`users[].user.exec`)."""

    command: str
    args: tuple[str, ...]
    env: Mapping[str, str]
    api_version: str
    mode: str
    hint: str
    cluster: Mapping[str, Any] | None
    """What it is told of the cluster, if it asks for that."""

    @classmethod
    def of(cls, given: Mapping[str, Any], cluster: Mapping[str, Any]) -> "Plugin":
        """Read it, as `kubeconfig_files.Place` has it. Raises KubeconfigError."""
        for key in ("command", "apiVersion"):
            if not isinstance(given.get(key), str) or not given[key]:
                raise KubeconfigError(f"its user's `exec` has no `{key}`", f"Add `{key}`, a text.")
        try:
            env = {str(one["name"]): str(one["value"]) for one in given.get("env") or ()}
            args = tuple(str(one) for one in given.get("args") or ())
        except (TypeError, KeyError) as error:
            found = "`args` or `env` of its user's `exec` are not lists"
            raise KubeconfigError(
                found, "Write `args` as a list of texts, `env` as a list of `name` and `value`."
            ) from error
        return cls(
            command=given["command"],
            args=args,
            env=env,
            api_version=given["apiVersion"],
            mode=str(given.get("interactiveMode") or "IfAvailable"),
            hint=one_line(str(given.get("installHint") or "")),
            cluster=_cluster_info(cluster) if given.get("provideClusterInfo") else None,
        )

    @property
    def name(self) -> str:
        """The program's own name, without its folder."""
        return Path(self.command).name

    def information(self, *, interactive: bool) -> str:
        """Return what the program finds in KUBERNETES_EXEC_INFO."""
        spec: dict[str, Any] = {"interactive": interactive}
        if self.cluster is not None:
            spec["cluster"] = dict(self.cluster)
        return json.dumps({"kind": "ExecCredential", "apiVersion": self.api_version, "spec": spec})


def log_in(plugin: Plugin, seconds: float | None = None) -> Credential:
    """Run a login program and read what it gives.

    `seconds` is its time limit (default: `UNATTENDED_SECONDS`, with a terminal `ATTENDED_SECONDS`). With a terminal it
    may ask, and what it says is shown at once. Raises LoginError; then nothing of it runs any more.
    """
    interactive = _interactive(plugin)
    limit = seconds if seconds is not None else ATTENDED_SECONDS if interactive else UNATTENDED_SECONDS
    code, out, err = _run(plugin, limit, interactive=interactive)
    if code != 0:
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        raise LoginError(f"its login program `{plugin.name}` ended with {how}{_last_words(err)}")
    return read_credential(out, plugin)


def read_credential(text: str, plugin: Plugin) -> Credential:
    """Read the ExecCredential that a login program printed. Raises LoginError."""
    try:
        document = json.loads(text)
        version, kind, status = (document.get(key) for key in ("apiVersion", "kind", "status"))
    except (ValueError, AttributeError) as error:
        raise LoginError(f"its login program `{plugin.name}` printed no ExecCredential") from error
    if kind != "ExecCredential" or version != plugin.api_version:
        raise LoginError(
            f"its login program `{plugin.name}` answered {version} {kind}, but the kubeconfig says {plugin.api_version}"
        )
    if not isinstance(status, Mapping):
        raise LoginError(f"its login program `{plugin.name}` returned no status, so there is no login")
    token, certificate, key = (
        str(status.get(name) or "") for name in ("token", "clientCertificateData", "clientKeyData")
    )
    if not token and not (certificate and key):
        raise LoginError(f"its login program `{plugin.name}` returned neither a token nor a certificate with its key")
    remember([token, key])
    return Credential(token=token, certificate=certificate, key=key, expires=_time(status.get("expirationTimestamp")))


def _time(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value)) if value else None
    except ValueError:
        return None  # of an unknown form: the token is taken as one that stays
    return moment.replace(tzinfo=moment.tzinfo or UTC) if moment else None


def _interactive(plugin: Plugin) -> bool:
    terminal = sys.stdin is not None and sys.stdin.isatty()
    if plugin.mode == "Always" and not terminal:
        raise LoginError(f"its login program `{plugin.name}` asks for input, but there is no terminal")
    return terminal and plugin.mode != "Never"


def _cluster_info(cluster: Mapping[str, Any]) -> dict[str, Any]:
    told = {key: cluster[key] for key in _CLUSTER_KEYS if cluster.get(key)}
    if cluster.get("certificate-authority-data"):
        told["certificate-authority-data"] = cluster["certificate-authority-data"]
    elif cluster.get("certificate-authority"):
        with suppress(OSError):  # told when the connection needs it
            content = Path(cluster["certificate-authority"]).read_bytes()
            told["certificate-authority-data"] = base64.b64encode(content).decode()
    extensions = cluster.get("extensions")
    for one in extensions if isinstance(extensions, list) else ():
        if isinstance(one, Mapping) and one.get("name") == _EXTENSION:
            told["config"] = one.get("extension")
    return told


def _run(plugin: Plugin, seconds: float, *, interactive: bool) -> tuple[int, str, str]:
    """Run it to its end; returns its exit code, stdout, and the end of stderr."""
    asked = plugin.information(interactive=interactive)
    try:
        process = subprocess.Popen(
            [plugin.command, *plugin.args],
            env=environment(Child.LOGIN, {**plugin.env, "KUBERNETES_EXEC_INFO": asked}),
            stdin=None if interactive else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # One that asks needs the terminal, which a session of its own has not.
            start_new_session=not interactive,
        )
    except (OSError, ValueError) as error:
        raise _not_started(plugin, error) from error
    with process:
        _running.add(process)
        try:
            out, err = _read(process, time.monotonic() + seconds, show=interactive)
            return process.wait(), out.decode(errors="replace"), err.decode(errors="replace")
        except TimeoutError as error:
            said = _last_words(error.args[0].decode(errors="replace"))
            raise LoginError(f"its login program `{plugin.name}` did not end within {seconds:.0f} s{said}") from error
        finally:
            _end(process)
            _running.discard(process)


def _read(process: subprocess.Popen[bytes], deadline: float, *, show: bool) -> tuple[bytes, bytes]:
    """Read both pipes to the program's end. Raises TimeoutError, with what stderr had, at the deadline.

    A pipe may stay open after that: `az` leaves a helper of its own behind.
    """
    held = {process.stdout: bytearray(), process.stderr: bytearray()}
    with selectors.DefaultSelector() as selector:
        for pipe in held:
            assert pipe is not None  # noqa: S101 - both were asked for
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map():
            ended = process.poll() is not None  # before the look: what it wrote until then is in the pipes
            ready = selector.select(_TICK)
            if not ready and ended:
                break
            if time.monotonic() >= deadline:
                raise TimeoutError(bytes(held[process.stderr]))
            for key, _ in ready:
                chunk = os.read(key.fd, _CHUNK)
                if not chunk:
                    selector.unregister(key.fileobj)
                    continue
                if show and key.fileobj is process.stderr:
                    sys.stderr.write(chunk.decode(errors="replace"))  # by way of a progress display, if there is one
                    sys.stderr.flush()
                buffer = held[key.fileobj]  # type: ignore[index]  # what was registered above
                buffer += chunk
                del buffer[:-_BOUND]
    return bytes(held[process.stdout]), bytes(held[process.stderr])


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let nothing of it live on: `gcloud` is a shell script that starts the real program."""
    if process.poll() is None:
        with suppress(ProcessLookupError, PermissionError):
            if os.getpgid(process.pid) == process.pid:
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()


@atexit.register
def _end_all() -> None:
    """End those that a thread still waits for: a session of its own, so no Ctrl-C and no hang-up reaches them."""
    for process in tuple(_running):
        _end(process)


def _not_started(plugin: Plugin, error: Exception) -> LoginError:
    if isinstance(error, FileNotFoundError):
        where = "does not exist" if os.sep in plugin.command else "is not on PATH"
        hint = plugin.hint or _HINTS.get(plugin.name, "Install it, or name a context with another login.")
        return LoginError(f"its login program `{plugin.command}` {where}. {hint}")
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return LoginError(f"its login program `{plugin.command}` cannot be run: {reason}")


def _last_words(err: str) -> str:
    lines = [line.strip() for line in hide(err).splitlines() if line.strip()]
    return f": {one_line(lines[-1])[:_REASON]}" if lines else ""
