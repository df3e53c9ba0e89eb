"""Checks of a stack file that concern no single part of it: the runner's token, secrets, the providers' settings."""

import importlib.util
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from components import secret_text
from components.clouds.contract import Setting
from components.problems import Problem
from components.reading import did_you_mean, joined
from components.runner.settings import RunnerConfig, Token
from components.runner.tokens import check_token
from components.stack_keys import BUILDKIT_TOKEN, MIRROR_PASSWORD, NAMESPACE, RUNNER_TOKEN, SECRET_KEYS

GITLAB_TOKEN: Final = "gitlab:token"  # noqa: S105 - the name of a setting


def check_namespaces(values: Mapping[str, str]) -> list[Problem]:
    """Find namespaces that are a misspelling of ours; those of providers pass."""
    strangers = sorted({key.partition(":")[0] for key in values} - {NAMESPACE})
    return [
        Problem(
            path=f"{stranger}:",
            found=f"keys of the namespace '{stranger}'",
            consequence="nothing reads that namespace",
            fix=f"Did you mean {NAMESPACE}:?",
        )
        for stranger in strangers
        if did_you_mean(stranger, [NAMESPACE])
    ]


def check_secret_parts(keys: Collection[str]) -> list[Problem]:
    """Refuse secrets anywhere but in the keys that are for them: the rest is shown in plans and Helm values."""
    return [
        Problem(
            path=key,
            found="holds a secret",
            consequence="no key of it takes one: it would be shown in plans and be readable in the Helm release",
            fix=f"Set it without --secret; the runner's token goes into {NAMESPACE}:{RUNNER_TOKEN}.",
        )
        for key in sorted(set(keys) - set(SECRET_KEYS))
    ]


def check_plain_tokens(path: str, value: object) -> list[Problem]:
    """Find GitLab tokens in plain text anywhere below a key that takes none, and never show them."""
    return [
        Problem(
            path=where,
            found="a GitLab token in plain text",
            consequence="whoever reads the stack file or its git history has it",
            fix="Revoke it in GitLab. A runner's token is set by: "
            f"pulumi config set --secret {NAMESPACE}:{RUNNER_TOKEN}",
        )
        for where, text in _texts(path, value)
        if secret_text.holds(secret_text.GITLAB_TOKEN, text)
    ]


def _texts(path: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(joined(path, str(key)), inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(joined(path, index), inner)


def check_provider_settings(
    settings: Sequence[Setting], values: Mapping[str, str], secret_keys: Collection[str]
) -> list[Problem]:
    """Find cloud provider settings (`aws:region` ...) under which another place would be changed than the cluster's.

    A secret setting is not compared: a rehearsal has a placeholder for it, and a message would show it.
    """
    problems = []
    for setting in settings:
        key, there = setting.key, values.get(setting.key)
        if there is None:
            problems += [_unset(setting)] if setting.required else []
        elif key not in secret_keys and there.lower() != setting.wanted.lower():
            problems.append(_elsewhere(setting, there))
    return problems


def _elsewhere(setting: Setting, there: str) -> Problem:
    return Problem(
        path=setting.key,
        found=f"'{there}', but {setting.said_by} is '{setting.wanted}'",
        consequence="the provider would look for the cluster in the wrong place, and create there what it can",
        fix=f"pulumi config set {setting.key} {setting.wanted}",
    )


def _unset(setting: Setting) -> Problem:
    return Problem(
        path=setting.key,
        found=f"not set, while {setting.said_by} is",
        consequence="the provider would work in whichever place the shell has chosen",
        fix=f"pulumi config set {setting.key} {setting.wanted}",
    )


def check_runner_token(token: str | None, *, secret: bool, runner: RunnerConfig | None) -> list[Problem]:
    """Check the runner's token: that there is exactly one source of it, that it is a secret, and its shape.

    `runner` is None if it could not be read: then nobody knows whether a token is needed. Never shows the token.
    """
    if runner is None:
        return _check_secret(token, RUNNER_TOKEN, secret=secret)
    return _check_source(token, RUNNER_TOKEN, "runner.token", runner.token, secret=secret)


def check_buildkit_token(
    token: str | None, first: str | None, *, secret: bool, runner: RunnerConfig | None
) -> list[Problem]:
    """Check the BuildKit runner's token likewise, and that it is not the `first` runner's."""
    if runner is None:
        return _check_secret(token, BUILDKIT_TOKEN, secret=secret)
    if runner.buildkit is None:
        return [] if token is None else [_for_nothing(), *_check_secret(token, BUILDKIT_TOKEN, secret=secret)]
    problems = _check_source(token, BUILDKIT_TOKEN, "runner.buildkit.token", runner.buildkit.token, secret=secret)
    return [*problems, _one_for_both()] if token is not None and token == first else problems


def check_mirror_password(password: str | None, *, secret: bool, runner: RunnerConfig | None) -> list[Problem]:
    """Check the mirror's password: that it is there exactly where a user name is, and a secret. Never shows it."""
    problems = [] if password is None or secret else [_plain_password()]
    if runner is None:
        return problems
    username = runner.helper_mirror and runner.helper_mirror.username
    if password is None and username:
        return [_no_password()]
    if password is not None and not username:
        return [_password_for_nothing(), *problems]
    return problems


def _no_password() -> Problem:
    return Problem(
        path=MIRROR_PASSWORD,
        found="not set, with runner.helperMirror.username",
        consequence="the registry would refuse the login",
        fix=f"{_set_token(MIRROR_PASSWORD)} (asks for it), or drop username to use your docker config.",
    )


def _password_for_nothing() -> Problem:
    return Problem(
        path=MIRROR_PASSWORD,
        found="set, but runner.helperMirror has no username",
        consequence="nobody would log in with it",
        fix=f"Add helperMirror.username, or run `pulumi config rm {NAMESPACE}:{MIRROR_PASSWORD}`.",
    )


def _plain_password() -> Problem:
    return Problem(
        path=MIRROR_PASSWORD,
        found="given in plain text",
        consequence="whoever reads the stack file or its git history could push images that every job runs",
        fix=f"Change the password if the file was ever shared, then: {_set_token(MIRROR_PASSWORD)}",
    )


def _check_source(token: str | None, key: str, path: str, source: Token | None, *, secret: bool) -> list[Problem]:
    if token is None:
        return [_no_token(key, path)] if source is None else []
    problems = [] if source is None else [_two_sources(key, path, source)]
    return problems + _check_secret(token, key, secret=secret)


def _check_secret(token: str | None, key: str, *, secret: bool) -> list[Problem]:
    if token is None:
        return []
    return [*([] if secret else [_in_plain_text(key)]), *check_token(token, key)]


def creates_runner(runner: RunnerConfig | None) -> bool:
    """Tell whether the stack itself creates a runner in GitLab."""
    return runner is not None and _creating(runner) is not None


def _creating(runner: RunnerConfig) -> str | None:
    """Return the path of the first token that is created, or None."""
    sources = {"runner": runner.token, "runner.buildkit": runner.buildkit and runner.buildkit.token}
    return next((f"{path}.token.create" for path, token in sources.items() if token and token.create), None)


def check_extras(runner: RunnerConfig) -> list[Problem]:
    """Check that the optional packages are installed that the runner needs. Looks at this Python's packages."""
    path = _creating(runner)
    if path is None or importlib.util.find_spec("pulumi_gitlab") is not None:
        return []
    return [
        Problem(
            path=path,
            found="pulumi-gitlab is not installed",
            consequence="the stack could not create the runner",
            fix="Run `.venv/bin/pip install -e '.[gitlab]'` in the project's folder.",
        )
    ]


def check_gitlab_token(
    values: Mapping[str, str], secret_keys: Collection[str], runner: RunnerConfig | None
) -> list[Problem]:
    """Check the token that the stack creates a runner with: that it is no plain text. Never shows it."""
    if not creates_runner(runner) or GITLAB_TOKEN not in values or GITLAB_TOKEN in secret_keys:
        return []
    return [
        Problem(
            path=GITLAB_TOKEN,
            found="given in plain text",
            consequence="whoever reads the stack file or its git history could act on GitLab in your name",
            fix=f"Revoke it in GitLab if the file was ever shared, then: pulumi config set --secret {GITLAB_TOKEN}",
        )
    ]


def _set_token(key: str) -> str:
    return f"pulumi config set --secret {NAMESPACE}:{key}"


def _no_token(key: str, path: str) -> Problem:
    return Problem(
        path=key,
        found=f"not set, and {path} names no other source",
        consequence="the runner could not log in to GitLab",
        fix=f"{_set_token(key)} (asks for it), or name a Secret in {path}.existingSecret.",
    )


def _two_sources(key: str, path: str, source: Token) -> Problem:
    other = "create" if source.create else "existingSecret"
    return Problem(
        path=key,
        found=f"set, and so is {path}.{other}",
        consequence="a runner has one token, and nobody could tell which of the two it uses",
        fix=f"Keep one: remove {path}, or run `pulumi config rm {NAMESPACE}:{key}`.",
    )


def _in_plain_text(key: str) -> Problem:
    return Problem(
        path=key,
        found="given in plain text",
        consequence="whoever reads the stack file or its git history could take over the runner and its jobs' secrets",
        fix=f"Reset the token in GitLab if the file was ever shared, then: {_set_token(key)}",
    )


def _for_nothing() -> Problem:
    return Problem(
        path=BUILDKIT_TOKEN,
        found="set, but runner.buildkit is not",
        consequence="no runner would use it",
        fix=f"Add `buildkit: {{}}` to runner, or run `pulumi config rm {NAMESPACE}:{BUILDKIT_TOKEN}`.",
    )


def _one_for_both() -> Problem:
    return Problem(
        path=BUILDKIT_TOKEN,
        found=f"the same token as {RUNNER_TOKEN}",
        consequence="both would be one runner to GitLab, so that any job could land in the looser sandbox",
        fix=f"Create a second runner in GitLab, tag multi-arch-buildkit, then: {_set_token(BUILDKIT_TOKEN)}",
    )
