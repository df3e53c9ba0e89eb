"""Every broken cluster: a really installed stack, broken in one way; the doctor puts the right cause first."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from multiarch.cluster.connection import Connection
from multiarch.core.verdict import EXIT_CODES, Verdict
from multiarch.doctor.catalogue import BY_ID
from multiarch.doctor.model import Examination
from multiarch.rehearse.control_plane.plane import ControlPlane
from tests.cluster.doctor_lab.cases import CASES, Broken
from tests.cluster.doctor_lab.identities import identity
from tests.cluster.doctor_lab.ward import Ward, open_ward

RIGHT: dict[str, bool] = {}
"""Case to whether its cause came first; filled by running them."""
BY_WORDS: dict[str, bool] = {}
"""Likewise for somebody who may see neither nodes nor Secrets nor webhooks."""
OUT_OF_SIGHT = frozenset(
    {
        "admission-webhook-down",
        "gatekeeper-refuses-jobs",
        "job-object-missing",
        "job-pod-invalid",
        "kyverno-refuses-jobs",
        "limit-range-refuses",
        "manager-lacks-rights",
        "manager-secret",
        "pod-security-refuses-jobs",
        "policy-refuses-jobs",
        "quota-exhausted",
        "quota-needs-requests",
        "webhook-refuses-jobs",
    }
)
"""Causes that such a person can't see; then the doctor must not say that all is well."""


@pytest.fixture(scope="module")
def ward(control_plane: ControlPlane) -> Iterator[Ward]:
    with open_ward(control_plane) as opened:
        yield opened


@pytest.fixture(scope="module")
def viewer(ward: Ward, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """Somebody with Kubernetes' own ClusterRole `view`, and no more."""
    with identity(ward, tmp_path_factory.mktemp("viewer"), "view") as connection:
        yield connection


@pytest.fixture(scope="module", autouse=True)
def figure(request: pytest.FixtureRequest) -> Iterator[None]:
    """Print how many of the cases that were run were named rightly."""
    yield
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        right = f"right cause first in {sum(RIGHT.values())} of {len(RIGHT)} broken clusters"
        print(f"\nmultiarch doctor: {right}; by ClusterRole view: {sum(BY_WORDS.values())} of {len(BY_WORDS)}")  # noqa: T201 - a figure is to be seen


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_right_cause_comes_first_and_no_other_is_told(case: Broken, ward: Ward, viewer: Connection) -> None:
    RIGHT[case.id] = BY_WORDS[case.id] = False
    with ExitStack() as stack:
        stack.callback(ward.discharge)
        case.break_(ward, stack)
        report = ward.examine(later=case.later)
        seen_by_viewer = ward.examine(connection=viewer, later=case.later)
    told = [(one.kind, one.headline) for one in report.causes]
    doubts = [(check.id, check.evidence) for check in report.checks if check.verdict is Verdict.UNKNOWN]
    assert told, doubts
    first = report.causes[0]
    assert first.kind == case.expects, told
    RIGHT[case.id] = True
    assert {one.kind for one in report.causes[1:]} <= case.also, told
    assert report.verdict is Verdict.NO
    assert EXIT_CODES[report.verdict] == 1
    assert first.fixes
    if case.pods is not None:
        assert len(first.pods) == case.pods
    assert case.says in " ".join((first.headline, *first.evidence)), first.evidence
    BY_WORDS[case.id] = _judge_viewer(case, seen_by_viewer)


def _judge_viewer(case: Broken, report: Examination) -> bool:
    """Assert that less sight makes a coarser cause or a doubt, never good health; tell whether the cause was named."""
    assert report.verdict is not Verdict.YES
    if not report.causes:
        assert case.expects in OUT_OF_SIGHT
        return False
    kinds = [one.kind for one in report.causes]
    assert kinds[0] == (case.by_words or case.expects), kinds
    assert set(kinds[1:]) <= case.also, kinds
    return kinds[0] == case.expects


def test_cases_name_causes_of_the_catalogue() -> None:
    assert {case.expects for case in CASES} <= set(BY_ID)
    assert len({case.id for case in CASES}) == len(CASES)
