"""The record of metrics is what the exporters' sources say."""

import json
import os
from pathlib import Path

import pytest

from tests.monitoring.extract import RECORD, MissingSourceError, read_all

SOURCES = "MULTIARCH_MONITORING_SOURCES"


def test_the_record_is_what_the_sources_say() -> None:
    given = os.environ.get(SOURCES)
    if given is None:
        pytest.skip(f"{SOURCES} names no folder with the exporters' sources: tests/monitoring/extract.py")
    try:
        found = read_all(Path(given))
    except MissingSourceError as missing:
        pytest.skip(str(missing))
    assert found == json.loads(RECORD.read_text(encoding="utf-8")), "python -m tests.monitoring.extract"
