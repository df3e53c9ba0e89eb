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


_HARM: Final = {
    RUNNER_TOKEN: "take over the runner and its jobs' secrets",
    BUILDKIT_TOKEN: "take over the runner and its jobs' secrets",
    MIRROR_PASSWORD: "push images that every job runs",
    GITLAB_TOKEN: "act on GitLab in your name",
}
"""What whoever reads a secret could do."""


def check_namespaces(values: Mapping[str, str]) -> list[Problem]:
    """Find namespaces that are a misspelling of ours; those of providers pass."""
    strangers = sorted({key.partition(":")[0] for key in values} - {NAMESPACE})
    return [
        Problem(path=f"{stranger}:", found="unknown namespace", fix=f"Did you mean {NAMESPACE}:?")
        for stranger in strangers
        if did_you_mean(stranger, [NAMESPACE])
    ]


def check_secret_parts(keys: Collection[str]) -> list[Problem]:
    """Refuse secrets anywhere but in the keys that are for them: the rest is shown in plans and Helm values."""
    return [
        Problem(
            path=key,
            found="holds a secret",
            consequence="this key takes no secret: plans and the Helm release would show it",
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
            consequence="anyone who reads the stack file or its Git history has it",
            fix=f"Revoke it in GitLab. A runner's token is set by: {_set(RUNNER_TOKEN)}",
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
        there, found, consequence = values.get(setting.key), "", ""
        if there is None and setting.required:
            found = f"not set, while {setting.said_by} is"
            consequence = "the provider would use the place that the shell's environment names"
        elif there is not None and setting.key not in secret_keys and there.lower() != setting.wanted.lower():
            found = f"'{there}', but {setting.said_by} is '{setting.wanted}'"
            consequence = "the provider would look in the wrong place, and create resources there"
        if found:
            fix = f"pulumi config set {setting.key} {setting.wanted}"
            problems.append(Problem(path=setting.key, found=found, consequence=consequence, fix=fix))
    return problems


def check_secrets(ours: Mapping[str, str], marked: Collection[str], runner: RunnerConfig | None) -> list[Problem]:
    """Check this program's own secrets: that each is there where it is needed, marked as one, and of its shape.

    `marked` are the keys that are secrets in the stack file. `runner` is None if it could not be read: then nobody
    knows which are needed. No secret is ever shown.
    """
    problems = []
    for key in (RUNNER_TOKEN, BUILDKIT_TOKEN, MIRROR_PASSWORD):
        value = ours.get(key)
        given = value is not None
        if runner and key == MIRROR_PASSWORD:
            problems += _check_password(runner, given=given)
        elif runner:
            problems += _check_source(key, runner, given=given)
        if value is not None:
            problems += [] if key in marked else [_in_plain_text(key)]
            problems += [] if key == MIRROR_PASSWORD else check_token(value, key)
    if runner and runner.buildkit and ours.get(BUILDKIT_TOKEN) == ours.get(RUNNER_TOKEN, ""):
        problems.append(_one_for_both())
    return problems


def _check_password(runner: RunnerConfig, *, given: bool) -> list[Problem]:
    key, wanted = MIRROR_PASSWORD, bool(runner.helper_mirror and runner.helper_mirror.username)
    if given and not wanted:
        return [_for_nothing(key, "runner.helperMirror has no username", "Add helperMirror.username")]
    if wanted and not given:
        fix = f"{_set(key)} (asks for it), or remove username to use your docker config."
        return [Problem(path=key, found="not set, with runner.helperMirror.username", fix=fix)]
    return []


def _check_source(key: str, runner: RunnerConfig, *, given: bool) -> list[Problem]:
    """Find a token that is missing, or of no use."""
    if key == BUILDKIT_TOKEN and runner.buildkit is None:
        return [_for_nothing(key, "runner.buildkit is not", "Add `buildkit: {}` to runner")] if given else []
    path, source = _sources(runner)[key]
    if given == (source is None):
        return []
    if source is not None:
        other = "create" if source.create else "existingSecret"
        fix = f"Keep one: remove {path}, or run `pulumi config rm {NAMESPACE}:{key}`."
        return [Problem(path=key, found=f"set together with {path}.{other}", fix=fix)]
    return [
        Problem(
            path=key,
            found=f"not set, and {path} names no other source",
            consequence="the runner could not log in to GitLab",
            fix=f"{_set(key)} (asks for it), or name a Secret in {path}.existingSecret.",
        )
    ]


def _sources(runner: RunnerConfig) -> dict[str, tuple[str, Token | None]]:
    """Return each token's key in the runner's configuration, and the source that it names."""
    second = runner.buildkit.token if runner.buildkit else None
    return {RUNNER_TOKEN: ("runner.token", runner.token), BUILDKIT_TOKEN: ("runner.buildkit.token", second)}


def creates_runner(runner: RunnerConfig | None) -> bool:
    """Tell whether the stack itself creates a runner in GitLab."""
    return runner is not None and _creating(runner) is not None


def _creating(runner: RunnerConfig) -> str | None:
    """Return the path of the first token that is created, or None."""
    return next((f"{path}.create" for path, token in _sources(runner).values() if token and token.create), None)


def check_extras(runner: RunnerConfig) -> list[Problem]:
    """Check that the optional packages are installed that the runner needs. Looks at this Python's packages."""
    path = _creating(runner)
    if path is None or importlib.util.find_spec("pulumi_gitlab") is not None:
        return []
    fix = "Run `.venv/bin/pip install -e '.[gitlab]'` in the project's folder."
    return [Problem(path=path, found="pulumi-gitlab is not installed", fix=fix)]


def check_gitlab_token(
    values: Mapping[str, str], secret_keys: Collection[str], runner: RunnerConfig | None
) -> list[Problem]:
    """Check the token that the stack creates a runner with: that it is no plain text. Never shows it."""
    plain = GITLAB_TOKEN in values and GITLAB_TOKEN not in secret_keys
    return [_in_plain_text(GITLAB_TOKEN)] if plain and creates_runner(runner) else []


def _set(key: str) -> str:
    return f"pulumi config set --secret {key if ':' in key else f'{NAMESPACE}:{key}'}"


def _in_plain_text(key: str) -> Problem:
    return Problem(
        path=key,
        found="given in plain text",
        consequence=f"anyone who reads the stack file or its Git history could {_HARM[key]}",
        fix=f"Reset it where it is from if the file was ever shared, then: {_set(key)}",
    )


def _for_nothing(key: str, why: str, fix: str) -> Problem:
    return Problem(path=key, found=f"set, but {why}", fix=f"{fix}, or run `pulumi config rm {NAMESPACE}:{key}`.")


def _one_for_both() -> Problem:
    return Problem(
        path=BUILDKIT_TOKEN,
        found=f"the same token as {RUNNER_TOKEN}",
        consequence="GitLab would see one runner, so any job could run in the looser sandbox",
        fix=f"Create a second runner in GitLab, tag multi-arch-buildkit, then: {_set(BUILDKIT_TOKEN)}",
    )
