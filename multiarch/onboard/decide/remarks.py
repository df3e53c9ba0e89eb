"""What to mind about a stack that works: scaling from zero, walls that nobody enforces, rights, quotas, neighbours."""

from collections.abc import Iterator

from components.clouds.machines import Arch
from multiarch.cluster.look.model import Look
from multiarch.core.verdict import Verdict
from multiarch.model.clouds import KNOWN
from multiarch.onboard.answers.model import Answers
from multiarch.onboard.decide.model import Remark
from multiarch.onboard.decide.pools import JOB_MIB, JOB_MILLIS, chosen, usable

_MOST_NAMED = 6


def remarks(look: Look, answers: Answers) -> tuple[Remark, ...]:
    """Return what to mind, the more important first."""
    return (
        *_rights(look),
        *_network(look),
        *_scaling(look, answers),
        *_pools(look, answers),
        *_neighbours(look),
        *_limits(look, answers),
        *_pod_security(look),
    )


def _rights(look: Look) -> Iterator[Remark]:
    denied = [right for right in look.rights if right.allowed.verdict is Verdict.NO]
    doubtful = [right for right in look.rights if right.allowed.verdict is Verdict.UNKNOWN]
    if denied:
        named = ", ".join(
            f"{right.verb} {right.resource}{f' in {right.namespace}' if right.namespace else ''}"
            for right in denied[:_MOST_NAMED]
        )
        more = f", and {len(denied) - _MOST_NAMED} more" if len(denied) > _MOST_NAMED else ""
        yield Remark(text=f"You may not {named}{more}: `up` under this identity would fail. Another one may run it.")
    if doubtful:
        text = f"Could not tell whether you may do {len(doubtful)} of the things that `up` does"
        yield Remark(text=f"{text}: {doubtful[0].allowed.because}.", verdict=Verdict.UNKNOWN)


def _network(look: Look) -> Iterator[Remark]:
    told = look.network_policies
    if told.verdict is Verdict.NO:
        yield Remark(
            text=f"Nothing enforces network policies ({told.because}): the stack's default-deny policies would "
            "have no effect, and jobs could reach the metadata server and every service."
        )
    if told.verdict is Verdict.UNKNOWN:
        text = f"Could not tell whether network policies are enforced ({told.because})."
        yield Remark(text=text, verdict=Verdict.UNKNOWN)


def _scaling(look: Look, answers: Answers) -> Iterator[Remark]:
    if answers.pools != "create":
        return
    cloud = KNOWN[answers.cluster_type]
    if cloud.from_zero and Arch.ARM64 in answers.archs:
        yield Remark(text=f"{cloud.from_zero}. The arm64 pool keeps one node.")
    for told in cloud.scaling(look, answers.min_nodes):
        yield Remark(text=told.because, verdict=told.verdict)


def _pools(look: Look, answers: Answers) -> Iterator[Remark]:
    strange = sorted({pool.arch for pool in look.pools} - set(Arch))
    if strange:
        yield Remark(text=f"Nodes of {', '.join(strange)} are not served and were left out.")
    if answers.pools == "use":
        yield from _used(look, answers)
    else:
        if any(pool.arch == "arm64" for pool in usable(look.pools)):
            text = "The cluster has arm64 nodes already; --pools create adds another pool."
            yield Remark(text=text)
        yield from _open_pools(look)
    if answers.architectures != "both":
        text = (
            f"Jobs may select {answers.architectures} only; once there are nodes of both, change runner.architectures."
        )
        yield Remark(text=text)
    if look.flavour == "openshift":
        yield Remark(
            text="OpenShift's security context constraints apply in addition to Pod Security: the jobs' service "
            "account needs one that allows root in the container (anyuid), or kaniko is refused."
        )


def _open_pools(look: Look) -> Iterator[Remark]:
    """Say that a job's selector is its architecture alone: nodes that nobody closed are as good as the stack's own."""
    shared = [pool.name for pool in usable(look.pools) if not pool.taints and not pool.ours]
    if shared:
        names = ", ".join(shared[:_MOST_NAMED]) + (" …" if len(shared) > _MOST_NAMED else "")
        text = f"Jobs may also land on nodes that no taint closes ({names}): they select an architecture, not a pool."
        yield Remark(text=text, verdict=Verdict.YES)


def _used(look: Look, answers: Answers) -> Iterator[Remark]:
    for arch in answers.archs:
        pool = chosen(look.pools, arch)
        if pool is None:
            continue
        if pool.spot is Verdict.YES:
            yield Remark(text=f"The {arch} nodes ({pool.name}) are spot: a running build can lose its machine.")
        if arch is Arch.ARM64 and "kubernetes.io/arch=arm64:NoSchedule" not in pool.taints:
            yield Remark(
                text=f"The arm64 nodes ({pool.name}) have no architecture taint: pods without an arm64 image may land "
                "there and crash (kubectl taint nodes -l kubernetes.io/arch=arm64 kubernetes.io/arch=arm64:NoSchedule)."
            )
        if 0 < pool.cpu_millis < JOB_MILLIS or 0 < pool.memory_mib < JOB_MIB:
            yield Remark(
                text=f"The {arch} nodes ({pool.name}) have {pool.cpu_millis / 1000:.1f} CPUs and "
                f"{pool.memory_mib / 1024:.1f} GiB; a job asks for {JOB_MILLIS / 1000} and {JOB_MIB / 1024:.1f} by "
                "default and would wait forever. Lower runner.resources."
            )
        if pool.ready < pool.nodes:
            yield Remark(text=f"{pool.nodes - pool.ready} of {pool.nodes} nodes of {pool.name} are not ready.")


def _neighbours(look: Look) -> Iterator[Remark]:
    for release in look.runners:
        if release.ours:
            yield Remark(
                text=f"This package has installed a runner already: {release.namespace}/{release.name}. For that one, "
                "`multiarch doctor` and `multiarch drift` are the right commands."
            )
        else:
            yield Remark(
                text=f"A gitlab-runner already exists: {release.namespace}/{release.name}"
                f"{f' ({release.chart})' if release.chart else ''}. It is left as it is; the two share nothing.",
                verdict=Verdict.YES,
            )
    if look.runners_known.verdict is Verdict.UNKNOWN:
        text = f"Could not tell whether other runners exist ({look.runners_known.because})."
        yield Remark(text=text, verdict=Verdict.UNKNOWN)


def _limits(look: Look, answers: Answers) -> Iterator[Remark]:
    for seen in look.namespaces:
        if seen.name not in (answers.namespace, answers.job_namespace):
            continue
        if seen.exists is Verdict.UNKNOWN:
            yield Remark(text=f"Could not tell whether the namespace {seen.name} exists.", verdict=Verdict.UNKNOWN)
        for line in (*seen.quotas, *seen.limits):
            yield Remark(text=f"{seen.name}: {line}.")


def _pod_security(look: Look) -> Iterator[Remark]:
    if look.pod_security.verdict is Verdict.UNKNOWN:
        text = f"Could not tell whether Pod Security is enforced ({look.pod_security.because})."
        yield Remark(text=text, verdict=Verdict.UNKNOWN)
