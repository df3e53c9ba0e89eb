"""The kubeconfig that a stack file names: which files those are, and where its context leads. No network."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from components.clouds.sections import Access
from components.kubeconfig_files import (
    Files,
    KubeconfigError,
    Place,
    content_of,
    default_files,
    read_kubeconfig,
)
from components.problems import ConfigError, Problem


def files_of(access: Access, root: Path, environment: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """Return the kubeconfigs, as absolute paths: as stated (`~` expanded, relative to `root`), else kubectl's own."""
    if access.kubeconfig is not None:
        return (root / Path(access.kubeconfig).expanduser(),)
    return default_files(environment)


def check_access(access: Access, files: Files) -> Place:
    """Find what the access's context leads to. Raises ConfigError for whatever is wrong with it; asks no cluster."""
    try:
        kubeconfig = read_kubeconfig(files)
        if access.context in kubeconfig.contexts:
            return kubeconfig.place(access.context)
    except KubeconfigError as error:
        raise _unusable(error.found, error.fix) from error
    listed = ", ".join(kubeconfig.contexts)
    problem = Problem(
        path="cluster.access.context",
        found=f"'{access.context}' is not in {kubeconfig.name}",
        consequence="no cluster could be reached, and no other context is used instead",
        fix=f"Contexts there: {listed}." if listed else "That file has no contexts.",
    )
    raise ConfigError([problem])


def for_provider(access: Access, files: Files) -> str:
    """Return what the Kubernetes provider is given: a path; the content where context, cluster and user are spread.

    The provider merges no files: it reads one, or a content, which lands in the stack's state. So a content with a
    credential in it is refused. Raises ConfigError as `check_access` does.
    """
    place = check_access(access, files)
    if len(place.files) == 1:
        return str(next(iter(place.files)))
    try:
        return json.dumps(content_of(place, access.context), indent=2)
    except ValueError as error:
        spread = ", ".join(str(path) for path in sorted(place.files))
        found = (
            f"context '{access.context}' is spread over {spread}, with `{error}`, which must not be stored in the state"
        )
        fix = f"Name one file: `kubectl config view --flatten --minify --context {access.context}` writes it."
        raise _unusable(found, fix) from error


def _unusable(found: str, fix: str) -> ConfigError:
    keep = "The stack `local` gets its own from `multiarch rehearse --stack local --keep`."
    problem = Problem(
        path="cluster.access.kubeconfig",
        found=found,
        consequence="the cluster could not be reached",
        fix=f"{fix} {keep}",
    )
    return ConfigError([problem])
