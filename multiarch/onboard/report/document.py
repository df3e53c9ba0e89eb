"""What came of onboarding as JSON values: the look, the decision, the outcome. Documented in docs/onboarding.md."""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from multiarch.cluster.look.document import look_document
from multiarch.onboard.decide.model import Decision
from multiarch.onboard.request import Onboarding

FORMAT = 1
"""Raised when a key's meaning changes; further keys may come without that."""


def onboarding_document(found: Onboarding) -> dict[str, Any]:
    """Return one cluster's onboarding as JSON values."""
    return {
        "context": found.context,
        "outcome": found.outcome.name.lower().replace("_", "-"),
        "exitCode": int(found.outcome),
        "message": found.message,
        "look": None if found.look is None else look_document(found.look),
        "answers": None if found.answers is None else _camel(dataclasses.asdict(found.answers)),
        "decision": None if found.decision is None else _decision(found.decision),
        "adoptions": [dataclasses.asdict(one) for one in found.adoptions],
        "claims": _claims(found),
        "file": None if found.file is None else str(found.file),
        "stackFile": found.text or None,
    }


def render(found: Sequence[Onboarding], *, fleet: bool) -> str:
    """Return the document's text: one cluster's, or with `fleet` a list of them."""
    body = {"clusters": [onboarding_document(one) for one in found]} if fleet else onboarding_document(found[0])
    return json.dumps({"format": FORMAT, **body}, indent=2) + "\n"


def _camel(values: dict[str, Any]) -> dict[str, Any]:
    def key(name: str) -> str:
        first, *rest = name.split("_")
        return first + "".join(part.capitalize() for part in rest)

    return {key(name): value for name, value in values.items() if value != ""}


def _decision(decision: Decision) -> dict[str, Any]:
    price = decision.price
    return {
        "obstacles": [dataclasses.asdict(one) for one in decision.obstacles],
        "remarks": [{"text": one.text, "verdict": one.verdict.value} for one in decision.remarks],
        "pools": [
            {**_camel(dataclasses.asdict(pool)), "zones": list(pool.zones), "taints": list(pool.taints)}
            for pool in decision.pools
        ],
        "price": None
        if price is None
        else {
            "arm64": {"machine": decision.prices_of[0], "usdPerHour": price.arm64},
            "amd64": {"machine": decision.prices_of[1], "usdPerHour": price.amd64},
            "savesPercent": price.saves_percent,
            "region": price.region,
            "date": price.date.isoformat(),
            "source": price.source,
        },
    }


def _claims(found: Onboarding) -> list[dict[str, str]]:
    reports = [found.checked.report] if found.checked is not None else []
    if found.rehearsal is not None:
        reports = list(found.rehearsal.stacks)
    return [
        {"id": claim.id, "verdict": claim.verdict.value, "evidence": claim.evidence}
        for report in reports
        for claim in report.claims
    ]
