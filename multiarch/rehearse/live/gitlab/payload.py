"""What GitLab answers to a runner that asks for a job (common/spec/spec.go, Job): pure functions."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from components.secret_text import SECRET_NAME
from multiarch.rehearse.live.gitlab.pipeline import Entry, Registered
from multiarch.rehearse.live.pipeline import BRANCH, PROJECT, of_pipeline

PIPELINE_ID: Final = 501
_PROJECT_ID: Final = 11
_NAMESPACE_ID: Final = 7
_NO_COMMIT: Final = "0" * 40
_STEP_SECONDS: Final = 3600
_SHORTEST_MASKED: Final = 8
"""Characters; GitLab masks nothing shorter (docs.gitlab.com/ci/variables, "Mask a CI/CD variable")."""
FAILURE_REASONS: Final = (
    "unknown_failure", "script_failure", "api_failure", "stuck_or_timeout_failure", "runner_system_failure",
    "job_execution_timeout", "image_pull_failure", "runner_configuration_error",
)  # fmt: skip
"""Those of common/network.go that say what a job ended by; the runner maps others to one of them."""

NOT_THE_JOBS: Final = frozenset({
    "CI_API_V4_URL", "CI_BUILDS_DIR", "CI_COMMIT_SHA", "CI_COMMIT_SHORT_SHA", "CI_JOB_ID", "CI_JOB_TOKEN", "CI_JOB_URL",
    "CI_PIPELINE_URL", "CI_PROJECT_DIR", "CI_PROJECT_URL", "CI_REPOSITORY_URL", "CI_SERVER_FQDN", "CI_SERVER_HOST",
    "CI_SERVER_PORT", "CI_SERVER_PROTOCOL", "CI_SERVER_URL",
})  # fmt: skip
"""What only this server and the runner can know; a job's own values for them are placeholders of the executor model's.
CI_PROJECT_DIR and CI_BUILDS_DIR come from the runner itself (common/build.go, GetDefaultVariables)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the small GitLab is, and what it has."""

    url: str
    """`http://10.231.0.1:40123`."""
    commit: str
    runner: Registered
    """Who is told of it."""

    @property
    def project_url(self) -> str:
        """The project's page, and its repository without `.git`."""
        return f"{self.url}/{PROJECT}"

    def repository_url(self, token: str) -> str:
        """Return the repository as a job clones it."""
        return self.project_url.replace("://", f"://gitlab-ci-token:{token}@", 1) + ".git"


def payload(entry: Entry, needed: Sequence[Entry], place: Place) -> dict[str, Any]:
    """Return a job as the runner takes it. Empty lists are what GitLab sends for what a job does not have."""
    job = entry.job
    return {
        "id": entry.id,
        "token": entry.token,
        "allow_git_fetch": True,
        "job_info": _job_info(entry),
        "git_info": _git_info(entry, place),
        "runner_info": {"timeout": job.timeout, "runner_session_url": None},
        "inputs": [],
        "variables": variables(entry, place),
        "steps": [_step([job.before, *job.pipeline.script] if job.before else job.pipeline.script)],
        "hooks": [],
        "image": _image(entry),
        "services": [],
        "artifacts": _artifacts(job.pipeline.artifacts),
        "cache": [],
        "credentials": [],
        "dependencies": [_dependency(one, entry.token) for one in needed if one.archive is not None],
        "features": {"trace_sections": True, "token_mask_prefixes": [], "failure_reasons": list(FAILURE_REASONS)},
    }


def _job_info(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "name": entry.name,
        "stage": "rehearsal",
        "pipeline_id": PIPELINE_ID,
        "project_id": _PROJECT_ID,
        "project_name": PROJECT.rpartition("/")[2],
        "project_full_path": PROJECT,
        "namespace_id": _NAMESPACE_ID,
        "root_namespace_id": _NAMESPACE_ID,
        "organization_id": 1,
        "instance_id": "",
        "instance_uuid": "",
        "user_id": 1,
        "time_in_queue_seconds": 0.0,
        "project_jobs_running_on_instance_runners_count": "0",
        "queue_size": 0,
        "queue_depth": 0,
    }


def _git_info(entry: Entry, place: Place) -> dict[str, Any]:
    return {
        "repo_url": place.repository_url(entry.token),
        "repo_object_format": "sha1",
        "ref": BRANCH,
        "sha": place.commit,
        "before_sha": _NO_COMMIT,
        "ref_type": "branch",
        "refspecs": [
            f"+refs/pipelines/{PIPELINE_ID}:refs/pipelines/{PIPELINE_ID}",
            f"+refs/heads/{BRANCH}:refs/remotes/origin/{BRANCH}",
        ],
        "depth": 20,
        "protected": True,
    }


def _step(script: Sequence[str]) -> dict[str, Any]:
    """Return the one step: before_script and script are one list there, and so one shell."""
    return {
        "name": "script",
        "script": list(script),
        "timeout": _STEP_SECONDS,
        "when": "on_success",
        "allow_failure": False,
    }


def _image(entry: Entry) -> dict[str, Any] | None:
    """Return the image, with the runner's own names in it still to be expanded; None leaves it to the runner."""
    wanted = entry.job.pipeline
    if not wanted.image:
        return None
    image: dict[str, Any] = {"name": wanted.image, "entrypoint": list(wanted.entrypoint) or None}
    if wanted.user:
        image["executor_opts"] = {"kubernetes": {"user": wanted.user}}
    return image


def _artifacts(paths: Sequence[str]) -> list[dict[str, Any]]:
    if not paths:
        return []
    kept = {"name": None, "untracked": False, "paths": list(paths), "exclude": None, "expire_in": None}
    return [{**kept, "when": "on_success", "artifact_type": "archive", "artifact_format": "zip"}]


def _dependency(needed: Entry, token: str) -> dict[str, Any]:
    """Return a job whose artifacts the helper downloads: with the token of the job that runs, as GitLab has it."""
    size = len(needed.archive or b"")
    return {
        "id": needed.id,
        "name": needed.name,
        "token": token,
        "artifacts_file": {"filename": "artifacts.zip", "size": size},
    }


def variables(entry: Entry, place: Place) -> list[dict[str, Any]]:
    """Return a job's variables: GitLab's own, and over them the job's, but for those that are not its to say."""
    own = {name: value for name, value in entry.job.variables.items() if name not in NOT_THE_JOBS}
    every = {**predefined(entry, place), **own}
    return [_variable(name, value) for name, value in every.items()]


def _variable(name: str, value: str) -> dict[str, Any]:
    secret = bool(SECRET_NAME.search(name) or name == "CI_REPOSITORY_URL")
    masked = secret and len(value) >= _SHORTEST_MASKED
    return {"key": name, "value": value, "public": not secret, "file": False, "masked": masked, "raw": False}


def predefined(entry: Entry, place: Place) -> Mapping[str, str]:
    """Return what GitLab says of job, project and server (docs.gitlab.com/ci/variables/predefined_variables)."""
    return {**of_pipeline(place.commit), **_of_project(place), **_of_job(entry, place), **_of_server(place)}


def _of_project(place: Place) -> Mapping[str, str]:
    return {
        "CI_COMMIT_BEFORE_SHA": _NO_COMMIT,
        "CI_COMMIT_REF_PROTECTED": "true",
        "CI_PROJECT_ID": str(_PROJECT_ID),
        "CI_PROJECT_NAMESPACE_ID": str(_NAMESPACE_ID),
        "CI_PROJECT_PATH_SLUG": slug(PROJECT),
        "CI_PROJECT_ROOT_NAMESPACE": PROJECT.partition("/")[0],
        "CI_PROJECT_TITLE": PROJECT.rpartition("/")[2],
        "CI_PROJECT_URL": place.project_url,
        "CI_PROJECT_VISIBILITY": "private",
    }


def _of_job(entry: Entry, place: Place) -> Mapping[str, str]:
    return {
        "CI_JOB_ID": str(entry.id),
        "CI_JOB_NAME": entry.name,
        "CI_JOB_NAME_SLUG": slug(entry.name),
        "CI_JOB_STAGE": "rehearsal",
        "CI_JOB_TOKEN": entry.token,
        "CI_JOB_URL": f"{place.project_url}/-/jobs/{entry.id}",
        "CI_PIPELINE_ID": str(PIPELINE_ID),
        "CI_PIPELINE_IID": "1",
        "CI_PIPELINE_URL": f"{place.project_url}/-/pipelines/{PIPELINE_ID}",
        "CI_REPOSITORY_URL": place.repository_url(entry.token),
        "CI_RUNNER_DESCRIPTION": place.runner.name,
        "CI_RUNNER_ID": str(place.runner.id),
        "CI_RUNNER_TAGS": json.dumps(list(place.runner.tags)),
    }


def _of_server(place: Place) -> Mapping[str, str]:
    server = urlsplit(place.url)
    return {
        "CI_API_V4_URL": f"{place.url}/api/v4",
        "CI_SERVER_FQDN": server.netloc,
        "CI_SERVER_HOST": server.hostname or "",
        "CI_SERVER_NAME": "GitLab",
        "CI_SERVER_PORT": str(server.port or ""),
        "CI_SERVER_PROTOCOL": server.scheme,
        "CI_SERVER_URL": place.url,
    }


def slug(text: str) -> str:
    """Return a text as GitLab's slugs are: lower case, 63 characters at most, nothing but letters, digits and `-`.

    >>> slug("image-build: [arm64]")
    'image-build-arm64'
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower())[:63].strip("-")
