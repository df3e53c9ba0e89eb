"""Sorts the API server's refusals of a job's pod into causes: by the words of the plugin that refused.

Sources of the words: k8s.io/pod-security-admission admission/admission.go; k8s.io/apiserver pkg/admission/plugin
(resourcequota/controller.go, namespace/lifecycle/admission.go, policy/validating/dispatcher.go,
webhook/errors/statuserror.go) and pkg/util/webhook/error.go; kubernetes plugin/pkg/admission (limitranger,
serviceaccount, priority, runtimeclass); the API's validation. Kyverno pkg/webhooks/utils/block.go, Gatekeeper
pkg/webhook/policy.go. What no pattern knows is a cause of its own, never good health.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from multiarch.doctor.advice import Advice, cause
from multiarch.doctor.catalogue import BY_ID
from multiarch.doctor.facts import Admission
from multiarch.doctor.model import Cause, Fix

_HEAD = re.compile(r'^(Internal error occurred: )?(pods( "[^"]*")? is forbidden: )?')
"""What the API server puts before a plugin's own words (apimachinery pkg/api/errors)."""


@dataclass(frozen=True, slots=True)
class _Words:
    """How one plugin refuses. The texts may name the pattern's groups, and `namespace`, `runner`."""

    pattern: str
    kind: str
    subject: str
    headline: str
    look: str = ""
    """Arguments of the kubectl command that shows what refuses."""


_KNOWN = (
    # A webhook's own words may hold anything, so that webhooks come first.
    _Words(
        r'admission webhook "[^"]*kyverno[^"]*" denied the request: .*following policies:? (?P<name>[\w.-]+):',
        "kyverno-refuses-jobs",
        "{name}",
        "Kyverno's policy {name} refuses the jobs' pods",
        "get clusterpolicies,policies -A",
    ),
    _Words(
        r'admission webhook "[^"]*gatekeeper[^"]*" denied the request: \["?(denied by )?(?P<name>[^\]]+?)"?\]',
        "gatekeeper-refuses-jobs",
        "{name}",
        "Gatekeeper's constraint {name} refuses the jobs' pods",
        "get constraints",
    ),
    _Words(
        r'admission webhook "(?P<name>[^"]*)" denied the request',
        "webhook-refuses-jobs",
        "{name}",
        "the admission webhook {name} refuses the jobs' pods",
        "get validatingwebhookconfigurations,mutatingwebhookconfigurations",
    ),
    _Words(
        r'failed calling webhook "(?P<name>[^"]*)"',
        "admission-webhook-down",
        "{name}",
        "the admission webhook {name} must approve the jobs' pods, and does not answer",
        "get validatingwebhookconfigurations,mutatingwebhookconfigurations",
    ),
    _Words(
        r"ValidatingAdmissionPolicy '(?P<name>[^']*)'",
        "policy-refuses-jobs",
        "{name}",
        "the ValidatingAdmissionPolicy {name} refuses the jobs' pods",
        "get validatingadmissionpolicy {name} -o yaml",
    ),
    _Words(
        r'violates PodSecurity "(?P<level>[^":]*)',
        "pod-security-refuses-jobs",
        "{namespace}",
        "the namespace {namespace} enforces {level}, which refuses the jobs' pods",
    ),
    _Words(
        r"exceeded quota: (?P<name>[^,]+), ",
        "quota-exhausted",
        "ResourceQuota {namespace}/{name}",
        "quota {name} has no room for another job",
        "-n {namespace} describe quota {name}",
    ),
    _Words(
        r"failed quota: (?P<name>[^:]+): (?P<what>.*)",
        "quota-needs-requests",
        "ResourceQuota {namespace}/{name}",
        "quota {name} requires of every container what the jobs' pods do not set: {what}",
        "-n {namespace} describe quota {name}",
    ),
    _Words(
        r"\[?((max|min)imum \S+ usage per |\S+ max limit to request ratio per )(Container|Pod) is ",
        "limit-range-refuses",
        "{namespace}",
        "a LimitRange of {namespace} refuses the jobs' pods",
        "-n {namespace} describe limitranges",
    ),
    _Words(
        r'error looking up service account \S+/(?P<name>[^\s:]+): serviceaccounts? "[^"]*" not found',
        "job-object-missing",
        "ServiceAccount {namespace}/{name}",
        "the jobs' pods name ServiceAccount {name} in {namespace}, which does not exist",
    ),
    _Words(
        r"no PriorityClass with name (?P<name>\S+) was found",
        "job-object-missing",
        "PriorityClass /{name}",
        "the jobs' pods name PriorityClass {name}, which does not exist",
    ),
    _Words(
        r'pod rejected: RuntimeClass "(?P<name>[^"]*)" not found',
        "job-object-missing",
        "RuntimeClass /{name}",
        "the jobs' pods name RuntimeClass {name}, which does not exist",
    ),
    _Words(
        r'namespaces "[^"]*" not found',
        "job-namespace-missing",
        "{namespace}",
        "there is no namespace {namespace}",
    ),
    _Words(
        r"unable to create new content in namespace \S+ because it is being terminated",
        "job-namespace-terminating",
        "{namespace}",
        "the namespace {namespace} is being deleted: no job can start in it",
        "get namespace {namespace} -o yaml",
    ),
    _Words(
        r'User "system:serviceaccount:(?P<where>[^":]*):(?P<name>[^"]*)" cannot create resource "pods"',
        "manager-lacks-rights",
        "{where}/{name} in {namespace}",
        "the manager's account {where}/{name} may not do what jobs need in {namespace}",
    ),
    _Words(
        r'Pod "[^"]*" is invalid: (?P<what>.*)',
        "job-pod-invalid",
        "{runner}",
        "the runner's config creates an invalid pod: {what}",
    ),
)
_ANY = _Words("", "pod-refused", "{namespace}", "the API server refuses the jobs' pods in {namespace}")


def refusal_cause(admission: Admission, advice: Advice) -> Cause:
    """Return the cause that a refusal is, with the API server's own words."""
    said = _HEAD.sub("", admission.refusal)
    for words in _KNOWN:
        if match := re.match(words.pattern, said, re.IGNORECASE):
            return _cause(words, match.groupdict(), admission, advice)
    return _cause(_ANY, {}, admission, advice)


def _cause(words: _Words, groups: dict[str, str], admission: Admission, advice: Advice) -> Cause:
    named = {"namespace": admission.namespace, "runner": admission.runner, **groups}
    evidence = [
        f"the API server: {admission.refusal}",
        f"asked by a dry run as {admission.asker}, for a job with image {admission.image}",
    ]
    subject, headline = words.subject.format(**named), words.headline.format(**named)
    fixes = list(_fixes(words.kind, named, advice))
    if words.look:
        fixes.append(Fix(text="See what refuses:", lines=(advice.kubectl(words.look.format(**named)),)))
    return cause(words.kind, subject, headline, evidence, fixes)


def _fixes(kind: str, named: Mapping[str, str], advice: Advice) -> Iterator[Fix]:
    if kind != "pod-security-refuses-jobs":
        yield Fix(text=BY_ID[kind].fix)
    elif named["level"] != "restricted":
        yield Fix(text="Change the runner's config: jobs need none of this.")
    else:
        if advice.stack:
            yield advice.deploy("The stack enforces baseline there. Deploy it again:")
        line = f"label namespace {named['namespace']} pod-security.kubernetes.io/enforce=baseline --overwrite"
        yield Fix(text="Enforce the level that the jobs need:", lines=(advice.kubectl(line),))
