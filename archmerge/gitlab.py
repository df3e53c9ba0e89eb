"""GitLab's naming rule, which more pipelines have stumbled over than any other. Pure."""

from __future__ import annotations

from collections.abc import Mapping

_LEVELS_BELOW = 2


def naming_trap(environ: Mapping[str, str], host: str, repository: str) -> str:
    """Why GitLab may refuse this repository; empty when its name is fine, or GitLab's registry isn't concerned.

    A repository must be the project's path or below it, by two levels at most (facts/merge.md section 0).
    """
    image = environ.get("CI_REGISTRY_IMAGE", "")
    own_host, _, project = image.partition("/")
    if not project or own_host != host or repository == project:
        return ""
    if repository.startswith(f"{project}/"):
        below = repository[len(project) + 1 :].count("/") + 1
        if below <= _LEVELS_BELOW:
            return ""
        return (
            f"GitLab takes image names at most {_LEVELS_BELOW} levels below the project, "
            f"and {repository} is {below} below {project}"
        )
    if repository.startswith(project):
        rest = repository[len(project) :].lstrip("-_.")
        return (
            f"$CI_REGISTRY_IMAGE{repository[len(project) :]} names another GitLab project ({repository}), not an image "
            f"of this one ({project}); write $CI_REGISTRY_IMAGE/{rest}, or $CI_REGISTRY_IMAGE:TAG-{rest}"
        )
    return (
        f"{repository} belongs to another GitLab project than this job's ({project}); a job token may push only to its "
        "own project, and reads others only where their job token allowlist names this one"
    )
