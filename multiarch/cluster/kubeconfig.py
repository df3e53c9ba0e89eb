"""Kubeconfigs in the words of a command: the contexts that they have, and where one leads to."""

from dataclasses import dataclass

from components.kubeconfig_files import Files, Kubeconfig, KubeconfigError, Place, read_kubeconfig
from components.problems import ConfigError, Problem
from multiarch.core.secrets import remember_document


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A context of a kubeconfig and where it leads to."""

    context: str
    place: Place

    @property
    def server(self) -> str:
        """The API server's URL."""
        return str(self.place.cluster["server"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """What the caller wants of a cluster, in the words of its error messages."""

    unnamed: str
    """What would happen, were the current context taken."""
    consequence: str
    """What a file or a context that is not there means."""
    instead: str
    """How to go on without a kubeconfig; empty where there is no other way."""


def read_and_remember(files: Files) -> Kubeconfig:
    """Read and merge, and let nothing that is secret in it be shown from now on. Raises KubeconfigError."""
    kubeconfig = read_kubeconfig(files)
    remember_document([entry.value for entries in kubeconfig.entries.values() for entry in entries.values()])
    return kubeconfig


def contexts_of(files: Files, purpose: Purpose) -> tuple[str, ...]:
    """Name the contexts, in alphabetical order. Raises ConfigError when there is no file or it is no kubeconfig."""
    return _read(files, purpose).contexts


def find_context(files: Files, context: str, purpose: Purpose) -> Entry:
    """Find a context by its name. `current-context` is never used: the user names the cluster that is touched.

    Raises ConfigError when there is no file, the context is not named or not in it, or leads nowhere.
    """
    kubeconfig = _read(files, purpose)
    listed = ", ".join(kubeconfig.contexts) or "none"
    if not context:
        fix = f"Name one; {kubeconfig.name} has: {listed}."
        raise ConfigError([Problem(path="--context", found="not given", consequence=purpose.unnamed, fix=fix)])
    if context not in kubeconfig.contexts:
        found, fix = f"'{context}' is not in {kubeconfig.name}", f"Contexts that it has: {listed}."
        raise ConfigError([Problem(path="--context", found=found, consequence=purpose.consequence, fix=fix)])
    try:
        return Entry(context=context, place=kubeconfig.place(context))
    except KubeconfigError as error:
        raise _unusable(error, purpose) from error


def _read(files: Files, purpose: Purpose) -> Kubeconfig:
    try:
        return read_and_remember(files)
    except KubeconfigError as error:
        raise _unusable(error, purpose) from error


def _unusable(error: KubeconfigError, purpose: Purpose) -> ConfigError:
    fix = f"{error.fix.removesuffix('.')}; or {purpose.instead}." if purpose.instead else error.fix
    return ConfigError([Problem(path="--kubeconfig", found=error.found, consequence=purpose.consequence, fix=fix)])
