"""A report as a JSON document, for programs, and back; and the document's JSON Schema.

Both come from the dataclasses. Within one `schemaVersion` keys are only added: a reader that ignores what it does not
know keeps working. A key that changes its meaning or goes away raises the version.
"""

import json
from typing import Any

from pydantic import TypeAdapter

from multiarch.core.render.words import Words
from multiarch.core.report import Report, RunDetail, SectionDetail


def to_document(report: Report[RunDetail, SectionDetail], words: Words[RunDetail, SectionDetail]) -> dict[str, Any]:
    """Return the report as plain JSON values, in the shape of `schema`."""
    document: dict[str, Any] = TypeAdapter(words.report_type).dump_python(report, mode="json", by_alias=True)
    return document


def render(report: Report[RunDetail, SectionDetail], words: Words[RunDetail, SectionDetail]) -> str:
    """Return the document as text. Non-ASCII is escaped: a pipe's encoding is not ours to know."""
    return json.dumps(to_document(report, words), indent=2) + "\n"


def schema(words: Words[RunDetail, SectionDetail]) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the document."""
    made: dict[str, Any] = TypeAdapter(words.report_type).json_schema(mode="serialization", by_alias=True)
    for node in (made, *made["$defs"].values()):
        if "properties" in node:  # every key is written, whatever it holds
            node["required"] = list(node["properties"])
    title = f"multiarch {words.command} --json"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": title}
