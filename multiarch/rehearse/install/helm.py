"""Real Helm, as a child process with folders of its own and nothing secret in its arguments."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import yaml

from multiarch.core.environment import Child, Environment, environment
from multiarch.core.secrets import hide

HELM_SECONDS = 90.0


class HelmError(Exception):
    """Helm said no. The message is its last words."""


class HelmSilentError(HelmError):
    """Helm gave no answer: it can't be run, was killed, took too long, or did not reach the cluster."""


class ChartRefusalError(HelmError):
    """The chart itself does not take the values: its schema, or one of its templates."""


_UNREACHED = (
    "cluster unreachable",
    "connection refused",
    "connection reset",
    "context deadline exceeded",
    "i/o timeout",
)
_TOO_OLD = "unknown flag: --labels"
_OF_THE_CHART = ("specifications of the schema", "execution error at (", "error: template: ", "parse error at (")


class Helm:
    """Helm against one cluster. Use as a context manager: its folders are deleted at the end.

    Its cache, config and data live in a temporary folder, so that the user's repositories and plugins neither matter
    nor change; no variable of the user's chooses the cluster.
    """

    def __init__(self, program: Path, kubeconfig: Path, context: str) -> None:
        self._program = program
        self._kubeconfig = kubeconfig
        self._cluster = ["--kubeconfig", str(kubeconfig), "--kube-context", context]
        self._folder = Path(tempfile.mkdtemp(prefix="multiarch-helm-"))

    def __enter__(self) -> Self:
        """Nothing to start."""
        return self

    def __exit__(self, *_: object) -> None:
        """Delete the folders."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def install(
        self,
        release: str,
        namespace: str,
        chart: Path,
        values: Mapping[str, Any],
        labels: Mapping[str, str] | None = None,
    ) -> None:
        """Run `helm install`, which refuses a name that is in use. It does not wait: the claims see to the pods.

        `labels` are put on Helm's own record of the release (its Secret). Raises HelmError.
        """
        path = self._folder / f"{release}.yaml"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            yaml.safe_dump(dict(values), file)
        try:
            arguments = ["install", release, str(chart), "--namespace", namespace, "--values", str(path)]
            arguments += ["--labels", ",".join(f"{key}={value}" for key, value in labels.items())] if labels else []
            self.run([*arguments, *self._cluster])
        finally:
            path.unlink(missing_ok=True)

    def uninstall(self, release: str, namespace: str) -> None:
        """Remove a release with everything its chart made; one that is not there is no error."""
        self.run(["uninstall", release, "--namespace", namespace, "--ignore-not-found", "--no-hooks", *self._cluster])

    def run(self, arguments: Sequence[str], seconds: float = HELM_SECONDS) -> str:
        """Run Helm and return what it printed. Raises HelmError; HelmSilentError also after `seconds`."""
        try:
            done = subprocess.run(
                [str(self._program), *arguments],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
                # Of its own: a terminal's Ctrl-C goes to the whole group, and would end the Helm that cleans up.
                start_new_session=True,
            )
        except OSError as error:
            raise HelmSilentError(f"{self._program} can't be run: {error.strerror}") from error
        except subprocess.TimeoutExpired as error:
            raise HelmSilentError(f"no answer in {seconds:.0f} s") from error
        if done.returncode != 0:
            raise _refusal(done.returncode, done.stderr)
        return done.stdout

    def _environment(self) -> Environment:
        return environment(
            Child.HELM,
            {
                "HELM_CACHE_HOME": str(self._folder / "cache"),
                "HELM_CONFIG_HOME": str(self._folder / "config"),
                "HELM_DATA_HOME": str(self._folder / "data"),
                "KUBECONFIG": str(self._kubeconfig),  # for login programs that look into it: gke-gcloud-auth-plugin
            },
        )


def _refusal(code: int, said: str) -> HelmError:
    if code < 0:
        return HelmSilentError(f"helm was ended by signal {-code}")
    words = _last_words(said) or f"helm ended with {code} and no message"
    if _TOO_OLD in said:
        return HelmSilentError(f"{words}: this Helm is too old, 3.13 or later is needed")
    if any(mark in said.lower() for mark in _UNREACHED):
        return HelmSilentError(words)
    return (ChartRefusalError if any(mark in said.lower() for mark in _OF_THE_CHART) else HelmError)(words)


def _last_words(text: str) -> str:
    lines = [line.strip() for line in hide(text).splitlines() if line.strip() and not line.startswith("WARNING:")]
    return " ".join(lines[-3:]).removeprefix("Error: ")
