"""GitLab CI files read as GitLab reads them, as far as it concerns which runner gets a job: pure functions over YAML.

Inputs (`$[[ inputs.x ]]`), `extends` with its deep merge, and `parallel:matrix`; docs.gitlab.com/ci/inputs and
docs.gitlab.com/ci/yaml. What else GitLab knows (rules, scripts, `!reference` in them) stays as it is written.
"""

import json
import re
from collections.abc import Hashable, Iterator, Mapping
from itertools import product
from typing import Any, Final

import yaml

_INPUT = re.compile(r"\$\[\[\s*inputs\.([A-Za-z0-9_-]+)\s*(?:\|[^\]]*)?\]\]")
_LONGEST_CHAIN: Final = 11
"""`extends` goes eleven levels deep at most (docs.gitlab.com/ci/yaml, `extends`)."""


class TemplateError(Exception):
    """A template that GitLab would refuse, or that lacks what is looked for. The message names file and job."""


class _Loader(yaml.SafeLoader):
    """YAML with GitLab's own `!reference`, which is kept as the path that it names."""


def _reference(loader: _Loader, node: yaml.SequenceNode) -> list[Hashable]:
    return list(loader.construct_sequence(node))


_Loader.add_constructor("!reference", _reference)


def documents(text: str, file: str) -> list[dict[str, Any]]:
    """Return the mappings of a file: the jobs, or a component's header and its jobs. Raises TemplateError."""
    try:
        found = list(yaml.load_all(text, Loader=_Loader))
    except yaml.YAMLError as error:
        raise TemplateError(f"{file}: not valid YAML: {' '.join(str(error).split())}") from error
    for document in found:
        if not isinstance(document, dict):
            raise TemplateError(f"{file}: a document is not a mapping")
    return found


def with_inputs(header: Mapping[str, Any], jobs: Mapping[str, Any], given: Mapping[str, Any], file: str) -> Any:
    """Return a component's jobs with its inputs put in: `given`, else each input's default.

    A required input that is not given gets some value of its type: the user's choice, which decides about no runner.
    Raises TemplateError.
    """
    spec = header.get("spec")
    declared = (spec.get("inputs") if isinstance(spec, Mapping) else None) or {}
    values = {name: _default(one or {}) for name, one in declared.items()}
    if unknown := sorted(set(given) - set(values)):
        raise TemplateError(f"{file}: has no input {', '.join(unknown)}")
    return _filled(jobs, {**values, **given}, file)


def _default(declared: Mapping[str, Any]) -> Any:
    if "default" in declared:
        return declared["default"]
    some: Mapping[str, Any] = {"array": [], "boolean": False, "number": 0}
    return some.get(declared.get("type", "string"), "given")


def _filled(value: Any, inputs: Mapping[str, Any], file: str) -> Any:
    if isinstance(value, Mapping):
        return {_filled(key, inputs, file): _filled(item, inputs, file) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, inputs, file) for item in value]
    if not isinstance(value, str):
        return value
    if whole := _INPUT.fullmatch(value):
        # Keeps its type: an array stays one. With blanks around it, it was in quotes, and is text.
        return _input(whole[1], inputs, file)
    return _INPUT.sub(lambda match: _text(_input(match[1], inputs, file)), value)


def _input(name: str, inputs: Mapping[str, Any], file: str) -> Any:
    if name not in inputs:
        raise TemplateError(f"{file}: uses the undeclared input {name}")
    return inputs[name]


def _text(value: Any) -> str:
    """Return an input as GitLab puts it into a text: a string as it is, anything else as JSON (text_template.rb)."""
    return value if isinstance(value, str) else json.dumps(value)


def extended(jobs: Mapping[str, Any], name: str, file: str, depth: int = 0) -> dict[str, Any]:
    """Return a job with all that it extends merged in: mappings key by key, the rest replaced. Raises TemplateError."""
    job = jobs.get(name)
    if not isinstance(job, Mapping):
        raise TemplateError(f"{file}: has no job {name}")
    if depth > _LONGEST_CHAIN:
        raise TemplateError(f"{file}: {name} extends in a circle, or too deeply")
    bases = job.get("extends") or []
    merged: dict[str, Any] = {}
    for base in [bases] if isinstance(bases, str) else bases:
        merged = _merged(merged, extended(jobs, base, file, depth + 1))
    return _merged(merged, {key: value for key, value in job.items() if key != "extends"})


def _merged(low: Mapping[str, Any], high: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(low)
    for key, value in high.items():
        below = result.get(key)
        both = isinstance(below, Mapping) and isinstance(value, Mapping)
        result[key] = _merged(below, value) if both and below is not None else value
    return result


def matrix(job: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Yield the variables of each job that `parallel:matrix` makes of one; one empty mapping without it."""
    parallel = job.get("parallel")
    rows = parallel.get("matrix") if isinstance(parallel, Mapping) else None
    for row in rows or [{}]:
        names = list(row)
        choices = [value if isinstance(value, list) else [value] for value in row.values()]
        for chosen in product(*choices):
            yield {name: _text(value) for name, value in zip(names, chosen, strict=True)}
