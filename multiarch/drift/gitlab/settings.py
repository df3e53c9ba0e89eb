"""Where the issue is kept and by whose right: what GitLab gives its jobs, and a token."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self
from urllib.parse import urlsplit

from components.problems import ConfigError, Problem

DEFAULT_LABEL: Final = "multiarch-drift"
_LONGEST_LABEL: Final = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueSettings:
    """Which project's issue, under which label, and by whose right."""

    api: str
    """CI_API_V4_URL."""
    project: str
    """CI_PROJECT_ID, or a path."""
    token: str = field(repr=False)
    label: str = DEFAULT_LABEL
    pipeline: str = ""
    """CI_PIPELINE_URL, which the issue links to."""
    ca_file: str = ""
    """CI_SERVER_TLS_CA_FILE: the authority that the runner was told to trust."""
    confidential: bool = True
    """A new issue is for the project's members only: what a cluster runs is not for all readers of a public project."""
    pause: float = 1.0
    """Seconds before the second try; it doubles."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], label: str | None = None) -> Self:
        """Read what GitLab gives its jobs, and the token. Raises ConfigError, which never tells the token."""
        api, project = environ.get("CI_API_V4_URL", "").strip(), environ.get("CI_PROJECT_ID", "").strip()
        name = next((name for name in ("DRIFT_TOKEN", "GITLAB_TOKEN") if environ.get(name, "").strip()), "")
        token = environ.get(name, "").strip()
        label = DEFAULT_LABEL if label is None else label.strip()
        problems = [*_place_problems(api, project), *_token_problems(name, token), *_label_problems(label)]
        if problems:
            raise ConfigError(problems)
        pipeline = environ.get("CI_PIPELINE_URL", "")
        return cls(
            api=api,
            project=project,
            token=token,
            label=label,
            # It goes into a link: whatever could end the link is no address of GitLab's.
            pipeline=pipeline if re.fullmatch(r"https?://[\w.:/~%-]+", pipeline) else "",
            ca_file=environ.get("CI_SERVER_TLS_CA_FILE", ""),
            confidential=environ.get("CI_PROJECT_VISIBILITY") != "private",
        )


def _place_problems(api: str, project: str) -> list[Problem]:
    fix = "Run it in a GitLab job, which sets it; elsewhere, set it yourself."
    missing = [name for name, value in (("CI_API_V4_URL", api), ("CI_PROJECT_ID", project)) if not value]
    problems = [
        Problem(path=name, found="not set", consequence="there is no project to keep the issue in", fix=fix)
        for name in missing
    ]
    parts = urlsplit(api)
    if api and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query):
        problems.append(
            Problem(
                path="CI_API_V4_URL",
                found="no address of an API",
                consequence="GitLab could not be asked",
                fix="It reads https://HOST/api/v4.",
            )
        )
    return problems


def _token_problems(name: str, token: str) -> list[Problem]:
    if not token:
        return [
            Problem(
                path="DRIFT_TOKEN",
                found="neither it nor GITLAB_TOKEN is set",
                consequence="the issue could not be opened; a job's own CI_JOB_TOKEN has no right to issues",
                fix="Make a project access token with the scope `api` and the role Planner or Reporter, and set it as "
                "a masked variable.",
            )
        ]
    if not re.fullmatch(r"[\x21-\x7e]+", token):
        return [
            Problem(
                path=name,
                found="it has blanks or characters that no token has",
                consequence="GitLab would refuse it",
                fix="Copy only the token into the variable.",
            )
        ]
    return []


def _label_problems(label: str) -> list[Problem]:
    wrong = ""
    if not label or len(label) > _LONGEST_LABEL:
        wrong = f"{len(label)} characters, and a label has 1 to {_LONGEST_LABEL}"
    elif "," in label or not label.isprintable():
        wrong = "it has a comma or a control character"
    elif label.casefold() in {"none", "any"}:
        wrong = f"to GitLab, {label!r} means issues of other labels"
    if not wrong:
        return []
    return [
        Problem(
            path="--issue-label",
            found=wrong,
            consequence="the issue could not be found again",
            fix=f"Take a label that nothing else uses; the default is {DEFAULT_LABEL}.",
        )
    ]
