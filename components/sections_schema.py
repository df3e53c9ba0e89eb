"""The components' schema for other Pulumi languages, with the stack file's sections as the types in it.

Pulumi's analyzer reads annotations and source text. A section says more than these: which of its keys must be there,
what each is called in a stack file, and what it means, also where a base class declares it (`components.keys`).
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from inspect import cleandoc
from typing import Any, Final, Literal, get_args, get_origin

from pulumi import ComponentResource, Inputs, ResourceOptions
from pulumi.errors import InputPropertiesError, InputPropertyErrorDetails
from pulumi.provider import ConstructResult
from pulumi.provider.experimental import component
from pulumi.provider.experimental.analyzer import Analyzer, ComponentDefinition, PropertyDefinition
from pulumi.provider.server import ComponentInitError

from components.clouds import CLOUDS
from components.keys import has_keys, keys, parts
from components.problems import ConfigError, Problem
from components.reading import unknown

ABOUT: Final[Mapping[str, Any]] = {
    "displayName": "Multi-architecture GitLab Runner",
    "description": (
        "Node pools for amd64 and arm64 on GKE, EKS, AKS or a cluster of your own, "
        "and one GitLab Runner whose jobs choose their architecture."
    ),
    "keywords": [
        "category/infrastructure",
        "kind/component",
        "gitlab",
        "gitlab-runner",
        "kubernetes",
        "arm64",
        *(name for name, cloud in CLOUDS.items() if not cloud.anywhere),
    ],
    "license": "Apache-2.0",
    "publisher": "multiarch-runner",
}
"""What a registry shows of the package. Home page, repository and logo are not said: they are where a copy of it is."""


class SectionAnalyzer(Analyzer):
    """Pulumi's analyzer, which is told of a section what `components.keys` knows of it."""

    def analyze_type(
        self, typ: type, *, is_component_output: bool
    ) -> tuple[dict[str, PropertyDefinition], dict[str, str]]:
        """Return the properties of a type, and their names in Python."""
        if not self._is_section(typ):
            return super().analyze_type(typ, is_component_output=is_component_output)
        self.type_definitions[typ.__name__].description = cleandoc(typ.__doc__ or "")
        properties = {
            key.name: self.analyze_property(
                _type_of(key.annotation),
                typ,
                key.field,
                can_be_plain=True,
                is_component_output=is_component_output,
                optional=not key.required,
            )
            for key in keys(typ)
        }
        return properties, {key.name: key.field for key in keys(typ)}

    def get_docstring(self, typ: type, name: str) -> str | None:
        """Return the description of a property, which may be a base class's."""
        if self._is_section(typ):
            return next(key.description for key in keys(typ) if key.field == name)
        described = (super(SectionAnalyzer, self).get_docstring(base, name) for base in typ.__mro__)
        return next((text for text in described if text), None)

    def _is_section(self, typ: type) -> bool:
        """Tell a section from a component's own arguments, which are a TypedDict too but no type of the schema."""
        return has_keys(typ) and typ.__name__ in self.type_definitions


def _type_of(annotation: Any) -> Any:
    """Return what the schema can say of a key's type: of one that is any of several classes, nothing."""
    [part, *others] = parts(annotation)
    if others:
        return Any
    origin, inner = get_origin(part), get_args(part)
    if origin is Literal:
        return type(inner[0])
    if origin is list:
        return list[_type_of(inner[0])]  # type: ignore[misc]  # made for Pulumi's analyzer, not for mypy
    if origin is dict:
        return dict[str, _type_of(inner[1])]  # type: ignore[misc]  # likewise
    return part if isinstance(part, type) else Any


class SectionProvider(component.ComponentProvider):
    """Pulumi's host of components, which leaves what is inside a section to the section's own reader."""

    def __init__(self, components: list[type[ComponentResource]], name: str, version: str) -> None:
        # The host makes its analyzer by this name and offers no other way; all else that it does would be copied.
        component.Analyzer = SectionAnalyzer  # type: ignore[attr-defined]  # imported there, and not said to be for others
        super().__init__(components, name, version=version)
        self.schema = json.dumps(_described(json.loads(self.schema or "{}"), name))

    def construct(
        self, name: str, resource_type: str, inputs: Inputs, options: ResourceOptions | None = None
    ) -> ConstructResult:
        """Make a component; a mistake in its arguments is told as one, without this program's traceback."""
        try:
            return super().construct(name, resource_type, inputs, options)
        except ComponentInitError as error:
            if not isinstance(error.inner, ConfigError):
                raise
            raise InputPropertiesError("", [_detail(problem) for problem in error.inner.problems]) from error

    def map_inputs(self, inputs: Inputs, component_def: ComponentDefinition) -> Inputs:
        """Return the arguments by their names in Python, and what they hold as it came.

        Pulumi's own (3.272.0) drops keys that it does not know, and turns each enum in a list into an empty mapping.
        """
        known = list(component_def.inputs)
        strangers = [unknown("", name, known, component_def.name) for name in inputs if name not in known]
        if strangers:
            raise InputPropertiesError("", [_detail(problem) for problem in strangers])
        whole = {name: replace(one, ref=None, items=None) for name, one in component_def.inputs.items()}
        return super().map_inputs(inputs, replace(component_def, inputs=whole))


def _described(schema: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the schema with what Pulumi's host (3.272.0), which says a package's name and version alone, leaves out.

    An SDK's name is stated, since the CLI would begin it with the group of whatever git URL the package is added from:
    a program would have another import than its neighbour, who added it from a clone.
    """
    names = {"python": f"pulumi_{name.replace('-', '_')}", "nodejs": f"@pulumi/{name}"}
    language = {
        key: {**one, **({"packageName": names[key]} if key in names else {})} for key, one in schema["language"].items()
    }
    return {**schema, **ABOUT, "language": language}


def _detail(problem: Problem) -> InputPropertyErrorDetails:
    return {"property_path": problem.path, "reason": problem.text}
