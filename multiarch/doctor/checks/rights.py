"""Whether the manager's account may do what its executor does, and whether what jobs' pods name is there."""

from collections.abc import Iterator

from multiarch.core.verdict import Verdict
from multiarch.doctor.advice import Advice, cause
from multiarch.doctor.checks.manager import judge_mounts
from multiarch.doctor.facts import Facts, Mount, Runner
from multiarch.doctor.model import Asked, Cause, Check, Fix


def rights_checks(facts: Facts) -> Iterator[Check]:
    """Ask of every runner whose config could be read."""
    for runner in facts.runners:
        if runner.installed is None:
            continue
        if not runner.namespace_per_job and facts.space(runner.job_namespace).found.missing:
            continue  # its own check tells; without it nothing in it can be
        yield _rights(facts, runner)
        if not runner.namespace_per_job:
            yield _objects(facts, runner)


def _rights(facts: Facts, runner: Runner) -> Check:
    place = runner.job_namespace or "each job's namespace"
    title = f"the manager's account may do all that its executor needs in {place}"
    asked = Asked("rights", title, runner.title)
    if not runner.rights.known:
        return asked.unknown(runner.rights.failure)
    denied = [f"{right.verb} {right.resource}" for right in runner.rights.value if right.allowed.verdict is Verdict.NO]
    doubts = {right.allowed.because for right in runner.rights.value if right.allowed.verdict is Verdict.UNKNOWN}
    if not denied:
        return asked.judged((), f"all {len(runner.rights.value)} rights", "; ".join(sorted(doubts)))
    account = f"{runner.namespace}/{runner.installed.service_account if runner.installed else ''}"
    advice = Advice(facts)
    user = f"system:serviceaccount:{account.replace('/', ':')}"
    look = advice.kubectl(f"-n {runner.job_namespace} auth can-i --list --as={user}")
    fixes = [Fix(text="See what it may do:", lines=(look,))]
    again = "Bind the role again:"
    fixes.insert(0, advice.deploy(again) if facts.stack else Fix(text=f"{again} Helm values rbac.create, rbac.rules."))
    found = cause(
        "manager-lacks-rights",
        f"{account} in {runner.job_namespace}",
        f"the manager's account {account} may not do what jobs need in {runner.job_namespace}",
        [f"denied: {', '.join(denied)}"],
        fixes,
    )
    return asked.judged([found])


def _objects(facts: Facts, runner: Runner) -> Check:
    asked = Asked("job-objects", "all that the jobs' pods name is there", runner.title)
    return judge_mounts(asked, runner.job_objects, lambda mount: _missing(facts, mount))


def _missing(facts: Facts, mount: Mount) -> Cause:
    place = f" in {mount.namespace}" if mount.namespace else ""
    keys = ", ".join(mount.lacking)
    what = f"lacks the key {keys}" if keys else "does not exist"
    advice = Advice(facts)
    fixes = [advice.deploy("If the stack creates it, deploy it again:")] if facts.stack else []
    if mount.kind == "ServiceAccount":
        line = advice.kubectl(f"-n {mount.namespace} create serviceaccount {mount.name}")
        fixes.append(Fix(text="Make it:", lines=(line,)))
    return cause(
        "job-object-missing",
        f"{mount.kind} {mount.namespace}/{mount.name}",
        f"the jobs' pods name {mount.kind} {mount.name}{place}, which {what}",
        [],
        fixes,
    )
