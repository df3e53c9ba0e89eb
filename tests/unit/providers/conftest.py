"""One way to write a rule's examples: a sound resource, one change, and where the refusal points."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from multiarch.model.providers.base import Refusal
from multiarch.model.providers.registry import provider_for

Check = Callable[[str, Mapping[str, Any], Mapping[str, Any]], list[Refusal]]


def changed(inputs: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Copy `inputs` with each dotted path set; `...` removes the key."""
    result = copy.deepcopy(dict(inputs))
    for path, value in changes.items():
        *parents, last = path.split(".")
        place = result
        for key in parents:
            place = place.setdefault(key, {})
        if value is ...:
            place.pop(last, None)
        else:
            place[last] = value
    return result


@pytest.fixture
def check() -> Check:
    """Put a changed resource to the provider of its token's package."""

    def run(token: str, inputs: Mapping[str, Any], changes: Mapping[str, Any]) -> list[Refusal]:
        provider = provider_for(token.split(":", 1)[0])
        assert provider is not None
        return provider.check(token, "resource", changed(inputs, changes))

    return run


@pytest.fixture
def differ() -> Callable[[str, Mapping[str, Any], Mapping[str, Any]], Any]:
    """Diff a resource against its changed self."""

    def run(token: str, inputs: Mapping[str, Any], changes: Mapping[str, Any]) -> Any:
        provider = provider_for(token.split(":", 1)[0])
        assert provider is not None
        return provider.diff(token, inputs, changed(inputs, changes))

    return run
