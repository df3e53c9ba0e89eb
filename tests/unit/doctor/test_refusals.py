"""Refusals of a job's pod, in the words of Kubernetes' own plugins and of Kyverno and Gatekeeper.

The words: k8s.io/pod-security-admission and k8s.io/apiserver v0.36.0 (files in multiarch/doctor/refusals.py),
kubernetes plugin/pkg/admission, kyverno pkg/webhooks/utils/block.go, gatekeeper pkg/webhook/policy.go. The lab in
tests/cluster/doctor_lab/cases.py has most of them from a real API server.
"""

import pytest

from multiarch.doctor.advice import Advice
from multiarch.doctor.refusals import refusal_cause
from tests.unit.doctor.made import admission, facts

FORBIDDEN = 'pods "runner-a-project-1-concurrent-0-x" is forbidden: '
WORDS = [
    (
        (
            'admission webhook "validate.kyverno.svc-fail" denied the request: resource Pod/jobs/r was blocked due to '
            "the following policies disallow-root: run-as-non-root: 'validation error: no root'"
        ),
        "kyverno-refuses-jobs",
        "disallow-root",
    ),
    (
        (
            'admission webhook "validation.gatekeeper.sh" denied the request: [allowed-repos] container <build> has an '
            "invalid image repo"
        ),
        "gatekeeper-refuses-jobs",
        "allowed-repos",
    ),
    (
        'admission webhook "validation.gatekeeper.sh" denied the request: [denied by azurepolicy-no-privilege-0] no',
        "gatekeeper-refuses-jobs",
        "azurepolicy-no-privilege-0",
    ),
    ('admission webhook "a.example.com" denied the request: no team label', "webhook-refuses-jobs", "a.example.com"),
    (
        'admission webhook "a.example.com" denied the request without explanation',
        "webhook-refuses-jobs",
        "a.example.com",
    ),
    (
        (
            'Internal error occurred: failed calling webhook "a.example.com": failed to call webhook: Post '
            '"https://policy.default.svc:443/?timeout=10s": no endpoints available for service "policy"'
        ),
        "admission-webhook-down",
        "a.example.com",
    ),
    (
        FORBIDDEN + "ValidatingAdmissionPolicy 'no-root' with binding 'jobs' denied request: failed expression: false",
        "policy-refuses-jobs",
        "no-root",
    ),
    (
        FORBIDDEN + 'violates PodSecurity "restricted:latest": runAsNonRoot != true',
        "pod-security-refuses-jobs",
        "jobs",
    ),
    (
        FORBIDDEN + "exceeded quota: team, requested: pods=1, used: pods=2, limited: pods=2",
        "quota-exhausted",
        "ResourceQuota jobs/team",
    ),
    (
        FORBIDDEN + "failed quota: team: must specify limits.cpu for: helper; requests.cpu for: helper",
        "quota-needs-requests",
        "ResourceQuota jobs/team",
    ),
    (
        FORBIDDEN + "[minimum cpu usage per Pod is 2, but request is 1, maximum memory usage per Container is 1Gi, but "
        "limit is 2Gi]",
        "limit-range-refuses",
        "jobs",
    ),
    (
        FORBIDDEN + "memory max limit to request ratio per Container is 2, but provided ratio is 4.000000",
        "limit-range-refuses",
        "jobs",
    ),
    (
        FORBIDDEN + 'error looking up service account jobs/builder: serviceaccount "builder" not found',
        "job-object-missing",
        "ServiceAccount jobs/builder",
    ),
    (FORBIDDEN + "no PriorityClass with name builds was found", "job-object-missing", "PriorityClass /builds"),
    (FORBIDDEN + 'pod rejected: RuntimeClass "kata" not found', "job-object-missing", "RuntimeClass /kata"),
    ('namespaces "jobs" not found', "job-namespace-missing", "jobs"),
    (
        FORBIDDEN + "unable to create new content in namespace jobs because it is being terminated",
        "job-namespace-terminating",
        "jobs",
    ),
    (
        (
            'pods is forbidden: User "system:serviceaccount:manager:gitlab-runner" cannot create resource "pods" in '
            'API group "" in the namespace "jobs"'
        ),
        "manager-lacks-rights",
        "manager/gitlab-runner in jobs",
    ),
    (
        (
            'Pod "r" is invalid: spec.containers[0].resources.requests: Invalid value: "4": must be less than or equal '
            "to cpu limit of 2"
        ),
        "job-pod-invalid",
        "manager/gitlab-runner",
    ),
    (FORBIDDEN + "pod node label selector conflicts with its namespace node label selector", "pod-refused", "jobs"),
]


@pytest.mark.parametrize(("said", "kind", "subject"), WORDS, ids=[f"{kind} {subject}" for _, kind, subject in WORDS])
def test_the_servers_words_are_quoted_and_sorted(said: str, kind: str, subject: str) -> None:
    found = refusal_cause(admission(refusal=said), Advice(facts()))
    assert (found.kind, found.subject) == (kind, subject)
    assert found.evidence[0] == f"the API server: {said}"
    assert "asked by a dry run as the manager's account" in found.evidence[1]
    assert found.fixes


def test_a_webhook_that_quotes_a_plugins_words_is_still_a_webhook() -> None:
    said = (
        'admission webhook "a.example.com" denied the request: violates PodSecurity "restricted:latest", exceeded quota'
    )
    assert refusal_cause(admission(refusal=said), Advice(facts())).kind == "webhook-refuses-jobs"


def test_a_policy_that_quotes_a_webhooks_words_is_still_a_policy() -> None:
    said = FORBIDDEN + "ValidatingAdmissionPolicy 'p' denied request: failed calling webhook \"a.example.com\""
    assert refusal_cause(admission(refusal=said), Advice(facts())).kind == "policy-refuses-jobs"


def test_braces_in_the_servers_words_are_only_words() -> None:
    said = 'Pod "r" is invalid: spec.nodeSelector: Invalid value: {"{namespace}": "{x}"}'
    assert '{"{namespace}": "{x}"}' in refusal_cause(admission(refusal=said), Advice(facts())).headline


def test_only_restricted_is_to_be_lowered() -> None:
    words = 'pods "r" is forbidden: violates PodSecurity "{}:latest": privileged'
    fixes = {
        level: str(refusal_cause(admission(refusal=words.format(level)), Advice(facts())).fixes)
        for level in ("restricted", "baseline")
    }
    assert "enforce=baseline" in fixes["restricted"]
    assert "enforce=baseline" not in fixes["baseline"]
