"""Every broken cluster: a really installed stack, broken in one way; the doctor puts the right cause first."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from ops.onboard.doctor.catalogue import BY_ID
from ops.onboard.doctor.model import EXIT_CODES, Verdict
from ops.rehearse.cluster import ControlPlane
from tests.cluster.doctor_lab.cases import CASES, Broken
from tests.cluster.doctor_lab.ward import Ward, open_ward

RIGHT: dict[str, bool] = {}
"""Case to whether its cause came first; filled by running them."""


@pytest.fixture(scope="module")
def ward(control_plane: ControlPlane) -> Iterator[Ward]:
    with open_ward(control_plane) as opened:
        yield opened


@pytest.fixture(scope="module", autouse=True)
def figure(request: pytest.FixtureRequest) -> Iterator[None]:
    """Print how many of the cases that were run were named rightly."""
    yield
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print(f"\nmultiarch doctor: right cause first in {sum(RIGHT.values())} of {len(RIGHT)} broken clusters")  # noqa: T201 - a figure is to be seen


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_right_cause_comes_first_and_no_other_is_told(case: Broken, ward: Ward) -> None:
    RIGHT[case.id] = False
    with ExitStack() as stack:
        stack.callback(ward.discharge)
        case.break_(ward, stack)
        report = ward.examine()
    told = [(one.kind, one.headline) for one in report.causes]
    doubts = [(check.id, check.evidence) for check in report.checks if check.verdict is Verdict.UNKNOWN]
    assert told, doubts
    first = report.causes[0]
    assert first.kind == case.expects, told
    RIGHT[case.id] = True
    assert {one.kind for one in report.causes[1:]} <= case.also, told
    assert report.verdict is Verdict.CAUSE
    assert EXIT_CODES[report.verdict] == 1
    assert first.fixes
    if case.pods is not None:
        assert len(first.pods) == case.pods
    assert case.says in " ".join((first.headline, *first.evidence)), first.evidence


def test_cases_name_causes_of_the_catalogue() -> None:
    assert {case.expects for case in CASES} <= set(BY_ID)
    assert len({case.id for case in CASES}) == len(CASES)
