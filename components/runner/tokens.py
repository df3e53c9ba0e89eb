"""The runner's authentication token: where it comes from, and whether it can be one. Never shown in a message."""

from collections.abc import Iterator

from components.problems import Problem
from components.runner.settings import CreatedRunner, RunnerType, Token
from components.secret_text import RUNNER_TOKEN

_NEW = "Create a runner in GitLab (Settings > CI/CD > Runners) and use the glrt- token that it shows."


def check_token(token: str, path: str = "runnerToken") -> list[Problem]:
    """Return what is wrong with a token, the secret under `path`. No part of the token is in the messages."""
    if RUNNER_TOKEN.fullmatch(token):
        return []
    fix, consequence = _NEW, ""
    if any(char.isspace() for char in token):
        found, consequence = (
            "has white space or a newline",
            "GitLab would refuse it, and the manager would restart forever",
        )
        fix = f'Set it again: `printf %s "$TOKEN" | pulumi config set --secret multiarch-runner:{path}`.'
    elif not token:
        found = "empty"
    elif token.startswith("GR1348941"):
        found, consequence = "a registration token", "GitLab removes them, and refuses them by default"
    elif token.startswith("glrtr-"):
        found = "a token from registration (glrtr-)"
        consequence = "the chart treats it as a registration token, and `gitlab-runner register` fails"
    else:
        found = "not a runner authentication token (those begin with glrt-)"
    return [Problem(path=path, found=found, consequence=consequence, fix=fix)]


def check_token_source(token: Token | None, path: str = "runner.token", key: str = "runnerToken") -> list[Problem]:
    """Return what is wrong with `runner.token`, or another under `path` that replaces the stack's secret `key`."""
    if token is None:
        return []
    if (token.existing_secret is None) == (token.create is None):
        found = "neither existingSecret nor create" if token.create is None else "both existingSecret and create"
        fix = f"Keep one of them, or remove `token` and set the stack's secret {key}."
        return [Problem(path=path, found=found, fix=fix)]
    return [] if token.create is None else list(_check_created(token.create, f"{path}.create"))


def _check_created(create: CreatedRunner, path: str) -> Iterator[Problem]:
    wanted = {RunnerType.GROUP: "groupId", RunnerType.PROJECT: "projectId"}.get(create.runner_type)
    for key, value in (("groupId", create.group_id), ("projectId", create.project_id)):
        if key == wanted and value is None:
            yield Problem(path=f"{path}.{key}", found="not set", fix=f"Set {key} to the numeric id.")
        elif key != wanted and value is not None:
            found = f"{value}, but runnerType is {create.runner_type}"
            yield Problem(path=f"{path}.{key}", found=found, fix=f"Remove {key}, or change runnerType.")
    if not create.tags and not create.run_untagged:
        fix = "Keep the tag multi-arch, or set runUntagged: true: no job could match this runner otherwise."
        yield Problem(path=f"{path}.tags", found="empty, and runUntagged is off", fix=fix)
