"""How GitLab itself puts inputs into a template: into its text, before it is YAML.

gitlab-ci-local does it in the parsed document instead, so it can't see what a quote in the wrong place breaks. Source:
lib/gitlab/ci/config/interpolation/text_template.rb (a string as it is, anything else as JSON).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_BLOCK = re.compile(r"\$\[\[\s*inputs\.([\w-]+)\s*\]\]")


def halves(template: Path) -> tuple[str, str]:
    """The header and the body of a component."""
    header, body = template.read_text().split("\n---\n")
    return header, body


def specification(template: Path) -> dict[str, dict[str, Any]]:
    inputs: dict[str, dict[str, Any]] = yaml.safe_load(halves(template)[0])["spec"]["inputs"]
    return inputs


def interpolated(template: Path, given: Mapping[str, Any] | None = None) -> str:
    """The body with the given inputs, and the defaults of the others."""
    values = {name: spec.get("default", []) for name, spec in specification(template).items()} | dict(given or {})

    def text(match: re.Match[str]) -> str:
        value = values[match[1]]
        return value if isinstance(value, str) else json.dumps(value)

    return _BLOCK.sub(text, halves(template)[1])


def used(template: Path) -> set[str]:
    """The inputs that the body names."""
    return set(_BLOCK.findall(halves(template)[1]))
