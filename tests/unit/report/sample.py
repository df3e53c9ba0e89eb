"""A report with everything in it that a rendering has to show: success, failure, doubt, refusal, spot, many zones."""

import dataclasses

from hypothesis import strategies as st

from multiarch.core.report import Check, Report, Section
from multiarch.core.verdict import Verdict
from multiarch.model.pools import PlannedNode, PlannedPool
from multiarch.rehearse.report.model import (
    Confinement,
    JobView,
    Outcome,
    Reach,
    RehearsalReport,
    Rehearsed,
    RunsOn,
    RunView,
    StackReport,
    Try,
)

ARM_TAINT = "kubernetes.io/arch=arm64:NoSchedule"
REGEX = r"^kubernetes\.io/arch=(amd64|arm64)$"
HELPER = "registry.gitlab.com/gitlab-org/gitlab-runner/gitlab-runner-helper"
S390X_REASON = f'provided value "kubernetes.io/arch=s390x" does not match "{REGEX}"'
PRIVILEGED_REASON = (
    'pods "runner-4-privileged" is forbidden: violates PodSecurity "baseline:v1.36": privileged '
    '(container "build" must not set securityContext.privileged=true)'
)
RBAC_REASON = (
    'pods is forbidden: User "system:serviceaccount:gitlab-runner:multi-arch" cannot create resource "pods" '
    'in API group "" in the namespace "default"'
)
PLAIN_REASON = (
    "0/4 nodes are available: 2 node(s) didn't match Pod's node affinity/selector, "
    "2 node(s) had untolerated taint {kubernetes.io/arch: arm64}"
)


def pool(name: str, cloud: str, arch: str, machine_type: str, **more: object) -> PlannedPool:
    labels = {"multiarch-runner.io/pool": name, "multiarch-runner.io/arch": arch, "managed-by": "pulumi"}
    values: dict[str, object] = {
        "spot": False,
        "min_nodes": 1,
        "max_nodes": 20,
        "labels": labels,
        "taints": (ARM_TAINT,) if arch == "arm64" else (),
        **more,
    }
    return PlannedPool(name=name, cloud=cloud, arch=arch, machine_type=machine_type, **values)  # type: ignore[arg-type]  # a fixture: the dataclass's own fields, by name


def nodes_of(view: PlannedPool, count: int) -> tuple[PlannedNode, ...]:
    return tuple(
        PlannedNode(
            name=f"{view.cloud}-{view.name}-{index}",
            pool=view.name,
            arch=view.arch,
            labels={"kubernetes.io/arch": view.arch, **view.labels},
            taints=view.taints,
        )
        for index in range(count)
    )


def jobs_of(cloud: str) -> tuple[JobView, ...]:
    return (
        JobView(
            name="build-amd64",
            asked="kubernetes.io/arch=amd64",
            outcome=Outcome.SCHEDULED,
            node=f"{cloud}-ci-amd64-0",
            pod="runner-1-build-amd64",
            helper_image=f"{HELPER}:x86_64-v19.3.0",
        ),
        JobView(
            name="build-arm64",
            asked="kubernetes.io/arch=arm64",
            outcome=Outcome.SCHEDULED,
            node=f"{cloud}-ci-arm64-0",
            pod="runner-2-build-arm64",
            helper_image=f"{HELPER}:arm64-v19.3.0",
        ),
        JobView(
            name="lint",
            asked="no selector",
            outcome=Outcome.SCHEDULED,
            node=f"{cloud}-ci-amd64-1",
            pod="runner-3-lint",
            helper_image=f"{HELPER}:x86_64-v19.3.0",
        ),
        JobView(
            name="mainframe",
            asked="kubernetes.io/arch=s390x",
            outcome=Outcome.REFUSED,
            refused_by="runner",
            reason=S390X_REASON,
        ),
        JobView(
            name="privileged",
            asked="a privileged container",
            outcome=Outcome.REFUSED,
            refused_by="admission",
            reason=PRIVILEGED_REASON,
        ),
        JobView(
            name="elsewhere",
            asked="a pod in namespace default",
            outcome=Outcome.REFUSED,
            refused_by="RBAC",
            reason=RBAC_REASON,
        ),
        JobView(
            name="plain-on-arm64",
            asked="arm64 without a toleration",
            outcome=Outcome.PENDING,
            refused_by="scheduler",
            reason=PLAIN_REASON,
        ),
    )


def claims_of(cloud: str) -> tuple[Check, ...]:
    proved = Verdict.YES
    return (
        Check(
            id="runner-installed",
            title="The runner is installed, its manager admitted under 'restricted'",
            verdict=proved,
            evidence="release multi-arch revision 1; pod gitlab-runner/multi-arch-7c9d running",
            seconds=2.41,
        ),
        Check(
            id="amd64-job-on-amd64-node",
            title="An amd64 job lands on an amd64 node",
            verdict=proved,
            evidence=f"runner-1-build-amd64 on {cloud}-ci-amd64-0",
            seconds=0.31,
        ),
        Check(
            id="arm64-job-on-arm64-node",
            title="An arm64 job lands on an arm64 node",
            verdict=proved,
            evidence=f"runner-2-build-arm64 on {cloud}-ci-arm64-0",
            seconds=0.28,
        ),
        Check(
            id="no-selector-on-amd64",
            title="A job without a selector lands on amd64",
            verdict=proved,
            evidence=f"runner-3-lint on {cloud}-ci-amd64-1",
            seconds=0.22,
        ),
        Check(
            id="helper-image-right",
            title="The helper image has the job's architecture",
            verdict=proved,
            evidence="x86_64-v19.3.0 for amd64, arm64-v19.3.0 for arm64",
            seconds=0.01,
        ),
        Check(
            id="s390x-refused",
            title="A selector for s390x is refused by the regex",
            verdict=proved,
            evidence=S390X_REASON,
            seconds=0.01,
        ),
        Check(
            id="privileged-refused",
            title="A privileged pod is refused by admission",
            verdict=proved,
            evidence=PRIVILEGED_REASON,
            seconds=0.05,
        ),
        Check(
            id="other-namespace-refused",
            title="A pod in another namespace is refused by RBAC",
            verdict=proved,
            evidence=RBAC_REASON,
            seconds=0.04,
        ),
        Check(
            id="arm64-taint-holds",
            title="The arm64 taint keeps a plain pod off arm64 nodes",
            verdict=proved,
            evidence=PLAIN_REASON,
            seconds=1.02,
        ),
    )


def replaced(claims: tuple[Check, ...], claim_id: str, verdict: Verdict, evidence: str) -> tuple[Check, ...]:
    return tuple(
        Check(id=claim.id, title=claim.title, verdict=verdict, evidence=evidence, seconds=claim.seconds)
        if claim.id == claim_id
        else claim
        for claim in claims
    )


def stack_of(cloud: str, cluster: str, pools: tuple[PlannedPool, ...], **more: object) -> StackReport:
    values: dict[str, object] = {
        "nodes": tuple(node for view in pools for node in nodes_of(view, 2)),
        "jobs": jobs_of(cloud),
        "checks": claims_of(cloud),
        "resources": 19,
        "resource_counts": {
            "kubernetes:core/v1:Namespace": 2,
            "kubernetes:networking.k8s.io/v1:NetworkPolicy": 4,
            "kubernetes:helm.sh/v3:Release": 1,
        },
        "chart": "gitlab-runner 0.90.1 (embedded stand-in)",
        "timings": {"plan": 2.1, "nodes": 0.4, "install": 3.2, "jobs": 2.6, "clean": 0.7},
        **more,
    }
    stack = Section(name=cloud, place=cluster, detail=Rehearsed(pools=pools))
    return changed(stack, **values)


def changed(stack: StackReport, **values: object) -> StackReport:
    """The section with other values, those of its detail included, all by their own names."""
    own = {one.name for one in dataclasses.fields(Section)}
    detail = dataclasses.replace(stack.detail, **{key: one for key, one in values.items() if key not in own})  # type: ignore[arg-type]  # a fixture: the dataclass's own fields, by name
    return dataclasses.replace(stack, detail=detail, **{key: one for key, one in values.items() if key in own})  # type: ignore[arg-type]  # as above


def gke() -> StackReport:
    zones = ("us-central1-a", "us-central1-b", "us-central1-f")
    return stack_of(
        "gke",
        "gke ci (us-central1)",
        (
            pool("ci-amd64", "gke", "amd64", "e2-standard-8", zones=zones),
            pool("ci-arm64", "gke", "arm64", "t2a-standard-8", zones=zones),
        ),
        notes=("runnerToken is a placeholder: the stack file has a secret that a rehearsal never decrypts",),
    )


def eks() -> StackReport:
    spot = pool("ci-arm64", "eks", "arm64", "m7g.2xlarge", spot=True, taints=())
    jobs = tuple(
        JobView(
            name=job.name,
            asked=job.asked,
            outcome=Outcome.SCHEDULED,
            node="eks-ci-arm64-1",
            pod="runner-7-plain-on-arm64",
            as_expected=False,
        )
        if job.name == "plain-on-arm64"
        else job
        for job in jobs_of("eks")
    )
    evidence = "runner-7-plain-on-arm64 landed on eks-ci-arm64-1: the pool ci-arm64 carries no taint"
    return stack_of(
        "eks",
        "eks build (eu-west-1)",
        (pool("ci-amd64", "eks", "amd64", "m7i.2xlarge"), spot),
        jobs=jobs,
        checks=replaced(claims_of("eks"), "arm64-taint-holds", Verdict.NO, evidence),
    )


def aks() -> StackReport:
    evidence = "no answer: GET /api/v1/namespaces/ci-jobs/pods timed out after 30 s (connection refused)"
    return stack_of(
        "aks",
        "aks shared (westeurope)",
        (
            pool("amd64", "aks", "amd64", "Standard_D8s_v6", zones=("1", "2", "3")),
            pool("arm64", "aks", "arm64", "Standard_D8ps_v6", zones=("1", "2", "3")),
        ),
        checks=replaced(claims_of("aks"), "no-selector-on-amd64", Verdict.UNKNOWN, evidence),
        jobs=tuple(
            JobView(
                name=job.name,
                asked=job.asked,
                outcome=job.outcome,
                node=job.node.replace("-ci-", "-") if job.node else None,
                pod=job.pod,
                helper_image=job.helper_image,
                refused_by=job.refused_by,
                reason=job.reason,
            )
            for job in jobs_of("aks")
        ),
    )


def local() -> StackReport:
    return stack_of(
        "local",
        "existing kwok",
        (
            pool("ci-amd64", "local", "amd64", "", min_nodes=2, max_nodes=2),
            pool("ci-arm64", "local", "arm64", "", min_nodes=2, max_nodes=2),
        ),
    )


def crowded() -> StackReport:
    """Fifty nodes in four pools of three architectures, one of them spot."""
    pools = (
        pool("ci-amd64", "gke", "amd64", "e2-standard-8"),
        pool("ci-arm64", "gke", "arm64", "c4a-standard-8", spot=True),
        pool("big-arm64", "gke", "arm64", "n4a-standard-64"),
        pool("odd", "gke", "riscv64", "unheard-of-1"),
    )
    counts = (20, 15, 10, 5)
    nodes = tuple(node for view, count in zip(pools, counts, strict=True) for node in nodes_of(view, count))
    return stack_of("gke", "gke big (europe-west4)", pools, nodes=nodes)


def report(*stacks: StackReport) -> RehearsalReport:
    binaries = {
        "etcd": "v3.6.8, built, cached",
        "kube-apiserver": "v1.36.3, built, cached",
        "kube-controller-manager": "v1.36.3, built, cached",
        "kube-scheduler": "v1.36.3, built, cached",
        "kwok": "v0.8.0, built, cached",
        "helm": "v4.1.0, on PATH",
    }
    return Report(
        command="rehearse",
        sections=stacks or (gke(), eks(), aks(), local()),
        seconds=61.3,
        timings={"binaries": 0.4, "control plane": 7.9, "plan": 8.6},
        detail=RunsOn(control_plane="embedded v1.36.3 (cache)", binaries=binaries),
    )


IMAGE = "gcr.io/kaniko-project/executor:v1.28.6-debug"
GRANTED = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "SETFCAP", "SETGID", "SETUID")
CONFINED = Confinement(
    uid=0, gid=0, capabilities=GRANTED, no_new_privileges=True, seccomp="filter", token_mounted=False
)
REAL = {
    "nodes": "kubelet v1.36.3, containerd 2.2.1, runc 1.5.3; arm64 emulated by qemu-user-static 7.2",
    "runner": "the executor model: no gitlab-runner on PATH",
    "builder": "kaniko v1.28.6, its own image",
    "helper": "made here of Debian 12: no gitlab-runner-helper and no git",
    "registry": "the embedded one",
}
REACHED = Reach(
    policies_enforced=Verdict.NO,
    because="10.231.0.9:8080 is forbidden by the policy multi-arch-jobs, and answered",
    tries=(
        Try(what="the API server", address="10.96.0.1:443", answer="reached"),
        Try(what="a pod of another namespace", address="10.231.0.9:8080", answer="reached"),
        Try(what="the cloud's metadata", address="169.254.169.254:80", answer="no answer"),
    ),
)
BUILD_LOG = "\n".join(
    [
        f"$ /kaniko/executor --context /builds/group/app --destination registry.example.com/group/app:{'0' * 40}-arm64",
        "INFO[0000] Retrieving image manifest debian:12-slim",
        *(f"INFO[00{index:02d}] Taking snapshot of layer {index} of files that have changed" for index in range(1, 40)),
        "error building image: failed to execute command: starting command: fork/exec /bin/sh: exec format error",
    ]
)
PIPELINE = (
    ("build", "image-build: [amd64]", "amd64"),
    ("build", "image-build: [arm64]", "arm64"),
    ("merge", "image-merge", "amd64"),
    ("run", "run the image on amd64", "amd64"),
    ("run", "run the image on arm64", "arm64"),
)


def run_of(stage: str, name: str, arch: str, failing: str, log: str) -> RunView:
    """A job that ran, the one that fails, or one of a later stage than that, which did not run."""
    order = [one[0] for one in PIPELINE]
    blamed = next((one[0] for one in PIPELINE if one[1] == failing), None)
    if blamed is not None and order.index(stage) > order.index(blamed):
        return RunView(name=name, stage=stage, succeeded=False, reason=f"not started: {failing} failed")
    return RunView(
        name=name,
        stage=stage,
        node=f"real-{arch}",
        arch=arch,
        emulated=arch == "arm64",
        pod=f"runner-x7-project-1-concurrent-{stage}-{arch}",
        image=IMAGE,
        succeeded=name != failing,
        reason="exit code 1" if name == failing else "",
        seconds=21.0 if arch == "arm64" else 6.5,
        confinement=CONFINED if stage == "build" else None,
        log=log,
    )


def really_ran(failing: str = "", log: str = BUILD_LOG, stack: StackReport | None = None) -> StackReport:
    """A stack whose pipeline really ran: two builds, a merge, the image on both nodes; one job may fail."""
    runs = tuple(run_of(*one, failing, log) for one in PIPELINE)
    found = stack or local()
    claims = tuple(
        Check(
            id=f"run-{run.stage}-{run.arch or at}",
            title=f"{run.name} really ran",
            verdict=Verdict.YES if run.succeeded else Verdict.NO if run.node else Verdict.UNKNOWN,
            evidence=run.reason or f"pod {run.pod} on {run.node}",
            about=run.name,
            seconds=run.seconds,
        )
        for at, run in enumerate(runs)
    )
    return changed(found, runs=runs, real=REAL, reach=REACHED, checks=(*found.checks, *claims))


_HOSTILE = (
    "\x1b[2J\x1b[31mred", "\x1b]0;title\x07", "\x1b\x1b[0m[31m", "\x9b31m", "\x00\x08\x7f", "\r", "\r\n", "\u202eevil",
    "\ufffd\ufffd", "\ud800", "</pre></details></script><script>alert(1)</script>", '"><img src=x onerror=alert(1)>',
    "```\n/close\n```", "~~~~", "]]>", "<![CDATA[", "<!-- ", "&#10;&lt;", "[red]markup[/red]", "| a | b |",
    "\n\n# head\n",
    "section_start:1:x[collapsed=true]\r\x1b[0K", "section_end:1:x\r\x1b[0K", "{{ 7*7 }}", "\u2028", "@all #1 !2",
    "glrt-" + "A1b2C3d4E5f6G7h8J9k0", "x" * 5_000, "word " * 900, "long line\n" * 3_000, "\n" * 500,
)  # fmt: skip
hostile_logs = st.lists(st.sampled_from(_HOSTILE) | st.text(max_size=40), max_size=12).map("".join)
"""What a container may say."""
