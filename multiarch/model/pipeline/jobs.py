"""Jobs of the templates: what of them decides where they run."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from multiarch.model.executor import Job
from multiarch.model.executor.variables import expand, expand_all
from multiarch.model.pipeline.document import TemplateError, documents, extended, matrix, with_inputs

__all__ = ["PipelineJob", "TemplateError", "TemplatesMissing", "classic_jobs", "component_jobs"]

TEMPLATES: Final = Path(__file__).resolve().parents[3] / "templates"
CLASSIC: Final = "multi-arch.gitlab-ci.yml"
_NO_JOBS = frozenset({"default", "image", "include", "spec", "stages", "variables", "workflow"})


class TemplatesMissing(Exception):  # noqa: N818 - a state of this installation, not a fault of a template
    """There are no templates beside this package, as in an installation from a wheel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineJob:
    """A job as its template gives it to a runner."""

    name: str
    """As GitLab shows it: `.build-arm64`, `image-build: [arm64]`."""
    file: str
    """`templates/multi-arch.gitlab-ci.yml`."""
    tags: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    image: str = ""
    entrypoint: tuple[str, ...] = ()
    user: str = ""
    script: tuple[str, ...] = ()
    artifacts: tuple[str, ...] = ()
    """Paths in the project that it keeps for the jobs after it."""

    def __str__(self) -> str:
        """Say which job it is: `.build-arm64 of templates/multi-arch.gitlab-ci.yml`."""
        return f"{self.name} of {self.file}"

    def taken_by(self, tags: Collection[str]) -> bool:
        """Tell whether a runner with these tags takes it: it has to have all of the job's.

        A job without tags is for runners that take untagged ones, which this one does not by default.
        """
        return bool(self.tags) and set(self.tags) <= set(tags)

    @property
    def selector(self) -> str:
        """What it asks of its node, for people: `kubernetes.io/arch=arm64`, or `no selector`."""
        known = dict(expand_all(self.variables.items()))
        asked = [value for name, value in known.items() if name.startswith("KUBERNETES_NODE_SELECTOR_")]
        return ", ".join(asked) or "no selector"

    def to_run(self, name: str) -> Job:
        """Return it as the executor model takes it, with a name for its pod."""
        # The runner expands `image` and `tags` by the job's variables (docs.gitlab.com, "Where variables can be used").
        known = expand_all(self.variables.items())
        return Job(
            name=name,
            variables=self.variables,
            image=expand(self.image, known),
            entrypoint=self.entrypoint,
            user=self.user,
        )


def classic_jobs(folder: Path = TEMPLATES) -> dict[str, PipelineJob]:
    """Return the hidden jobs of the classic file by name. Raises TemplateError, TemplatesMissing."""
    return _read(folder, CLASSIC, {})


def component_jobs(component: str, folder: Path = TEMPLATES, **inputs: Any) -> dict[str, PipelineJob]:
    """Return a component's jobs by name, one for each entry of a matrix, with `inputs` (`job_prefix` for `job-prefix`).

    Raises TemplateError, TemplatesMissing.
    """
    given = {name.replace("_", "-"): value for name, value in inputs.items()}
    jobs = _read(folder, f"{component}/template.yml", given)
    return {name: job for name, job in jobs.items() if not name.startswith(".")}


def _read(folder: Path, name: str, given: Mapping[str, Any]) -> dict[str, PipelineJob]:
    file = f"templates/{name}"
    parts = _parsed(folder / name, file)
    jobs = parts[-1] if len(parts) == 1 else with_inputs(parts[0], parts[-1], given, file)
    return {job.name: job for name in jobs if name not in _NO_JOBS for job in _jobs(jobs, name, file)}


@cache
def _parsed(path: Path, file: str) -> list[dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise TemplatesMissing(f"{file} is missing beside this package") from error
    except (OSError, UnicodeDecodeError) as error:
        raise TemplateError(f"{file}: can't be read: {error}") from error
    parts = documents(text, file)
    if not parts:
        raise TemplateError(f"{file}: is empty")
    return parts


def _jobs(jobs: Mapping[str, Any], name: str, file: str) -> Iterator[PipelineJob]:
    job = extended(jobs, name, file)
    image = job.get("image") or ""
    details: Mapping[str, Any] = image if isinstance(image, Mapping) else {"name": image}
    own = {str(key): _value(value) for key, value in (job.get("variables") or {}).items()}
    for chosen in matrix(job):
        yield PipelineJob(
            name=f"{name}: [{', '.join(chosen.values())}]" if chosen else name,
            file=file,
            tags=tuple(str(tag) for tag in job.get("tags") or ()),
            # A matrix's variables win; the job's own may be made of them.
            variables={**own, **chosen},
            image=str(details.get("name") or ""),
            entrypoint=tuple(str(word) for word in details.get("entrypoint") or ()),
            user=str((details.get("kubernetes") or {}).get("user") or ""),
            script=tuple(_lines(jobs, job.get("script"), file)),
            artifacts=tuple(str(path) for path in (job.get("artifacts") or {}).get("paths") or ()),
        )


def _lines(jobs: Mapping[str, Any], script: Any, file: str) -> Iterator[str]:
    """Yield a script's parts: text, or what a `!reference [job, script]` names."""
    for part in [script] if isinstance(script, str) else script or []:
        if isinstance(part, list):
            name, key = part
            yield from _lines(jobs, extended(jobs, name, file).get(key), file)
        else:
            yield str(part)


def _value(value: Any) -> str:
    """Return a variable's value: text, or the `value` of a described one. YAML's booleans are GitLab's texts."""
    if isinstance(value, Mapping):
        value = value.get("value", "")
    return str(value).lower() if isinstance(value, bool) else str(value)
