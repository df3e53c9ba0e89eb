"""Take out of a recorded JSON report the folders of the machine that ran it, and at will the times, which differ."""

import json
from collections.abc import Mapping
from typing import Any, Final

SECONDS: Final = 0.3
"""Stands for every duration."""
STARTED: Final = "2026-11-23T06:00:00Z"
"""Stands for every instant of a start."""


def steady(text: str, folders: Mapping[str, str], *, times: bool = True) -> str:
    """Return the report with a name for each folder; with `times`, those are the same in every run, for a test."""
    for folder, name in folders.items():
        text = text.replace(folder, name)
    document = json.loads(text)
    return json.dumps(_steady(document) if times else document, indent=1, ensure_ascii=False) + "\n"


def _steady(value: Any) -> Any:
    if isinstance(value, list):
        return [_steady(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {key: _time(key, one) for key, one in value.items()}


def _time(key: str, value: Any) -> Any:
    if key == "seconds" and value:
        return SECONDS
    if key == "timings" and value:
        return dict.fromkeys(value, SECONDS)
    return STARTED if key == "started" and value else _steady(value)
