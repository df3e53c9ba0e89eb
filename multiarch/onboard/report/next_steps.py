"""What to run next, for the stack that was written. Secrets are asked for by Pulumi, never written or passed."""

import shutil
from collections.abc import Iterator

from components.stack_keys import NAMESPACE
from multiarch.onboard.outcome import Outcome
from multiarch.onboard.request import Onboarding
from multiarch.onboard.write.login import login_of


def next_steps(found: Onboarding) -> Iterator[str]:
    """Yield the lines; none where nothing was written."""
    answers = found.answers
    if found.outcome is not Outcome.WRITTEN or answers is None or found.file is None:
        return
    stack = answers.stack
    if answers.pools == "create" and answers.access == "cloud":
        login = login_of(answers.cluster_type)
        yield login.command
        if shutil.which(login.plugin) is None:
            yield f"{login.install}      (`{login.plugin}` is not on PATH; Pulumi's Kubernetes provider calls it)"
    yield f"pulumi stack select --create {stack}"
    if answers.own_token:
        yield f"pulumi config set --secret {NAMESPACE}:runnerToken --stack {stack}      (asks for the glrt- token)"
    else:
        # The stack file says `existingNamespaces`: whoever makes the Secret need not race the first `up`.
        for name in (answers.namespace, answers.job_namespace):
            yield f"kubectl --context {answers.context} create namespace {name}"
        yield (
            f"kubectl --context {answers.context} -n {answers.namespace} create secret generic {answers.token_secret} "
            '--from-literal=runner-token="$TOKEN" --from-literal=runner-registration-token='
        )
    if not found.rehearsed:
        yield f"multiarch rehearse --stack {stack}"
    yield f"make preview STACK={stack}"
    yield f"make up STACK={stack}"
    yield f"multiarch doctor --stack {stack}      (afterwards: is all well?)"
