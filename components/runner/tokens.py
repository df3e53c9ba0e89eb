"""The runner's authentication token: where it comes from, and whether it can be one. Never shown in a message."""

from components.kubernetes_names import OBJECT_NAME
from components.problems import Problem
from components.runner.settings import CreatedRunner, RunnerType, Token
from components.secret_text import RUNNER_TOKEN

_NEW = "Create a runner in GitLab (Settings > CI/CD > Runners) and use the glrt- token that it shows."


def check_token(token: str, path: str = "runnerToken") -> list[Problem]:
    """Return what is wrong with a token, the secret under `path`. No part of the token is in the messages."""
    if token != token.strip() or any(char.isspace() for char in token):
        return [
            Problem(
                path=path,
                found="has white space or a newline",
                consequence="GitLab would refuse it with 403, and the manager's pod restart for ever",
                fix=f'Set it again: `printf %s "$TOKEN" | pulumi config set --secret multiarch-runner:{path}`.',
            )
        ]
    if RUNNER_TOKEN.fullmatch(token):
        return []
    if not token:
        found, consequence = "empty", "the runner could not authenticate"
    elif token.startswith("GR1348941"):
        found, consequence = "a registration token", "GitLab removes them, and refuses them by default"
    elif token.startswith("glrtr-"):
        found = "a token from registration (glrtr-)"
        consequence = "the chart takes it for a registration token, and `gitlab-runner register` fails"
    else:
        found = "no runner authentication token (they begin with glrt-)"
        consequence = "GitLab would refuse it with 403, and the manager's pod restart for ever"
    return [Problem(path=path, found=found, consequence=consequence, fix=_NEW)]


def check_token_source(token: Token | None, path: str = "runner.token", key: str = "runnerToken") -> list[Problem]:
    """Return what is wrong with `runner.token`, or another under `path` that replaces the stack's secret `key`."""
    if token is None:
        return []
    if (token.existing_secret is None) == (token.create is None):
        return [
            Problem(
                path=path,
                found="neither existingSecret nor create" if token.create is None else "both existingSecret and create",
                consequence="the manager needs its token from exactly one place",
                fix=f"Keep one of them, or drop `token` and set the stack's secret {key}.",
            )
        ]
    if token.create is not None:
        return _check_created(token.create, f"{path}.create")
    name = token.existing_secret or ""
    if OBJECT_NAME.fullmatch(name):
        return []
    return [
        Problem(
            path=f"{path}.existingSecret",
            found=f"{name!r} is no name of a Secret" if "glrt-" not in name else "a token, not the name of a Secret",
            consequence="the manager's pod could not mount it",
            fix="Give the name of a Secret in the runner's namespace, for example gitlab-runner-token.",
        )
    ]


def _check_created(create: CreatedRunner, path: str) -> list[Problem]:
    problems = []
    wanted = {RunnerType.GROUP: "groupId", RunnerType.PROJECT: "projectId"}.get(create.runner_type)
    for key, value in (("groupId", create.group_id), ("projectId", create.project_id)):
        if (key == wanted) == (value is not None):
            continue
        problems.append(
            Problem(
                path=f"{path}.{key}",
                found="not set" if value is None else f"{value}, but runnerType is {create.runner_type}",
                consequence="GitLab would not create the runner" if value is None else "GitLab would ignore it",
                fix=f"Set {key} to the numeric id." if value is None else f"Drop {key}, or change runnerType.",
            )
        )
    if not create.tags and not create.run_untagged:
        problems.append(
            Problem(
                path=f"{path}.tags",
                found="empty, and runUntagged is off",
                consequence="no job could ever match this runner",
                fix="Keep the tag multi-arch, or set runUntagged: true.",
            )
        )
    return problems
