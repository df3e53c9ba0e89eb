"""How what was seen becomes an answer: yes, no, or could not tell."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest

from multiarch.cluster.api import Api, ApiRefused
from multiarch.cluster.errors import UnreachableError
from multiarch.core.verdict import Verdict
from multiarch.model.executor import ConfigInvalid, parse_config
from multiarch.model.executor.rights import needed
from multiarch.model.nodes import NodeGroup, nodes_for
from multiarch.model.plan.model import Plan, PlannedResource
from multiarch.model.pod_sources import sources
from multiarch.model.readback import Installed
from multiarch.model.release import InstallFailed
from multiarch.rehearse.claims import pods
from multiarch.rehearse.claims.jobs import judge_helper, served
from multiarch.rehearse.claims.pods import refused_by, violates_pod_security
from multiarch.rehearse.claims.prove import promises, prove_one
from multiarch.rehearse.claims.scene import Promise, Proof, Scene, proved
from multiarch.rehearse.claims.stack import cluster_title

REGISTRY = "registry.gitlab.com/gitlab-org/gitlab-runner/gitlab-runner-helper"
CONFIG = """
[[runners]]
  [runners.kubernetes]
    namespace = "jobs"
    image = "alpine"
    node_selector_overwrite_allowed = '{regex}'
    [runners.kubernetes.node_selector]
      "kubernetes.io/arch" = "amd64"
"""
ANCHORED = r"^kubernetes\.io/arch=(amd64|arm64)$"


class _NoApi(Api):
    """An API that must not be asked."""

    def __init__(self) -> None:
        """Connect to nothing."""

    def call(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        raise AssertionError(f"asked the API: {args} {kwargs}")


def pools(*archs: str) -> tuple[NodeGroup, ...]:
    return tuple(
        nodes_for(
            Plan(
                stack="s",
                resources=tuple(
                    PlannedResource(
                        urn=f"urn:{arch}",
                        type="multiarch-runner:index:ExistingNodes",
                        name=arch,
                        custom=False,
                        outputs={
                            "names": [arch],
                            "arch": arch,
                            "labels": {"disk": "ssd"},
                            "taints": ["kubernetes.io/arch=arm64:NoSchedule"] if arch == "arm64" else [],
                        },
                    )
                    for arch in archs
                ),
            )
        )
    )


def scene(regex: str = ANCHORED, *archs: str) -> Scene:
    groups = pools(*(archs or ("amd64", "arm64")))
    installed = Installed(
        namespace="manager",
        release="r",
        deployment="r",
        selector={},
        service_account="r",
        config=parse_config(CONFIG.format(regex=regex)),
        runner_version="19.1.1",
    )
    nodes = {node["metadata"]["name"]: node for group in groups for node in group.nodes}
    return Scene(stack="s", admin=_NoApi(), runner=_NoApi(), installed=installed, groups=groups, nodes=nodes)


def prove(identity: str, where: Scene) -> Proof:
    (promise,) = [promise for promise in promises(where) if promise.id == identity]
    return promise.prove(where)


@pytest.mark.parametrize(
    ("image", "arch", "version", "verdict"),
    [
        (f"{REGISTRY}:x86_64-v19.1.1", "amd64", "19.1.1", Verdict.YES),
        (f"{REGISTRY}:x86_64-v19.1.1", "arm64", "19.1.1", Verdict.NO),
        (f"{REGISTRY}:arm64-v19.1.1", "arm64", "19.1.1", Verdict.YES),
        (f"{REGISTRY}:ubuntu-arm64-v19.1.1", "arm64", "19.1.1", Verdict.YES),
        (f"{REGISTRY}:arm64-v19.1.0", "arm64", "19.1.1", Verdict.NO),
        (f"{REGISTRY}:alpine-latest-v19.2.0", "arm64", "19.2.0", Verdict.YES),
        (f"{REGISTRY}:alpine-latest-v19.1.1", "arm64", "19.1.1", Verdict.UNKNOWN),
        ("mirror.example/helper:v19.2.0", "arm64", "19.2.0", Verdict.UNKNOWN),
        ("mirror.example/helper:latest", "arm64", "19.2.0", Verdict.NO),
    ],
)
def test_a_helper_image_is_judged_by_version_and_architecture(
    image: str, arch: str, version: str, verdict: Verdict
) -> None:
    assert judge_helper(image, arch, version).verdict is verdict


def test_a_regex_that_says_no_is_proved_in_the_runners_words() -> None:
    proof = prove("forbidden-selector-refused", scene())
    assert proof.verdict is Verdict.YES
    assert proof.evidence.startswith('provided value "kubernetes.io/arch=s390x" does not match ')
    assert proof.jobs[0].refused_by == "runner"


def test_a_regex_that_cannot_be_compiled_is_not_a_proof_of_refusal() -> None:
    assert prove("forbidden-selector-refused", scene("(")).verdict is Verdict.NO


def test_an_empty_regex_is_told_from_a_loose_one() -> None:
    assert "ignores" in prove("forbidden-selector-refused", scene("")).evidence
    assert "lets kubernetes.io/arch=s390x through" in prove("forbidden-selector-refused", scene(".*")).evidence


@pytest.mark.parametrize(
    ("regex", "archs", "expected"),
    [
        (ANCHORED, ("amd64", "arm64"), ("amd64", "arm64")),
        (ANCHORED, ("amd64",), ("amd64", "arm64")),
        (r"^kubernetes\.io/arch=amd64$", ("amd64",), ("amd64",)),
        ("", ("arm64",), ("arm64",)),
    ],
)
def test_jobs_are_promised_what_pools_have_and_what_the_regex_admits(
    regex: str, archs: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    """A job that may select arm64 where no pool has it would wait in vain: that is a claim, too."""
    assert served(scene(regex, *archs)) == expected


def test_a_stack_without_arm64_pools_makes_no_promise_about_their_taint() -> None:
    assert "arm64-taint" not in {promise.id for promise in promises(scene(ANCHORED, "amd64"))}
    assert "arm64-taint" in {promise.id for promise in promises(scene())}


def test_a_further_selector_is_promised_only_where_the_regex_admits_a_nodes_label() -> None:
    assert "extra-selector" not in {promise.id for promise in promises(scene())}
    wider = r"^(kubernetes\.io/arch=(amd64|arm64)|disk=ssd)$"
    assert "extra-selector" in {promise.id for promise in promises(scene(wider))}


def test_ids_of_promises_are_unique() -> None:
    ids = [promise.id for promise in promises(scene())]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    "error",
    [
        UnreachableError("no answer"),
        ApiRefused(500, "InternalError", "no answer"),
        InstallFailed("no answer"),
        ConfigInvalid("no answer"),
    ],
)
def test_no_answer_is_neither_yes_nor_no(error: Exception) -> None:
    def raises(_: Scene) -> Proof:
        raise error

    proof, _ = prove_one(Promise("x", "x", raises), scene())
    assert (proof.verdict, proof.evidence) == (Verdict.UNKNOWN, "no answer")


def test_a_defect_of_ours_is_not_taken_for_an_answer() -> None:
    def raises(_: Scene) -> Proof:
        raise KeyError("defect")

    with pytest.raises(KeyError):
        prove_one(Promise("x", "x", raises), scene())
    assert prove_one(Promise("x", "x", lambda _: proved("seen")), scene())[0].evidence == "seen"


def test_refusals_are_told_apart() -> None:
    rbac = ApiRefused(403, "Forbidden", 'pods is forbidden: User "u" cannot create resource "pods" in API group ""')
    admission = ApiRefused(403, "Forbidden", 'pods "p" is forbidden: violates PodSecurity "baseline:v1.34": privileged')
    invalid = ApiRefused(422, "Invalid", "spec.containers is required")
    assert [refused_by(refusal) for refusal in (rbac, admission, invalid)] == ["RBAC", "admission", "API"]
    assert [violates_pod_security(refusal) for refusal in (rbac, admission, invalid)] == [False, True, False]


def test_rights_follow_from_what_the_config_makes_the_executor_do() -> None:
    plain = set(needed(parse_config(CONFIG.format(regex=""))))
    assert ("", "pods/attach", "create") in plain
    assert ("", "events", "list") in plain
    assert ("policy", "poddisruptionbudgets", "create") not in plain
    text = CONFIG.format(regex="").replace(
        'image = "alpine"', 'image = "a"\n    pod_disruption_budget = true\n    print_pod_warning_events = false'
    )
    changed = set(needed(parse_config(text)))
    assert ("policy", "poddisruptionbudgets", "create") in changed
    assert ("", "events", "list") not in changed


def test_every_secret_and_configmap_that_a_pod_mounts_is_found() -> None:
    spec = {
        "volumes": [
            {"name": "a", "configMap": {"name": "settings"}},
            {"name": "b", "secret": {"secretName": "certs", "optional": True}},
            {"name": "c", "emptyDir": {}},
            {
                "name": "d",
                "projected": {"sources": [{"secret": {"name": "token", "items": [{"key": "k", "path": "p"}]}}]},
            },
        ]
    }
    assert list(sources(spec)) == [
        ("configmap", "settings", [], False),
        ("secret", "certs", [], True),
        ("secret", "token", ["k"], False),
    ]


def test_what_a_containers_environment_reads_is_needed_as_much_as_what_is_mounted() -> None:
    environment = [
        {"name": "PLAIN", "value": "x"},
        {"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k", "optional": True}}},
        {"name": "C", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
    ]
    containers = [{"env": environment}, {"envFrom": [{"secretRef": {"name": "all"}}]}]
    assert list(sources({"containers": containers})) == [
        ("secret", "s", ["k"], False),
        ("configmap", "c", ["k"], True),
        ("secret", "all", [], False),
    ]


class _Says(_NoApi):
    """An API with one answer."""

    def __init__(self, answer: Exception) -> None:
        self.answer = answer

    def call(self, *_: Any, **__: Any) -> dict[str, Any]:
        raise self.answer


@pytest.mark.parametrize(
    ("status", "verdict", "expected"),
    [(422, Verdict.NO, {False}), (500, Verdict.UNKNOWN, set()), (429, Verdict.UNKNOWN, set())],
)
def test_a_pod_refused_is_told_from_a_server_in_trouble(status: int, verdict: Verdict, expected: set[bool]) -> None:
    where = dataclasses.replace(scene(), runner=_Says(ApiRefused(status, "reason", "message")))
    for identity in ("amd64-job-on-amd64-node", "other-namespace-refused"):
        (promise,) = [promise for promise in promises(where) if promise.id == identity]
        check, jobs = prove_one(promise, where)
        assert check.verdict is verdict
        assert {job.as_expected for job in jobs} == expected


def test_a_job_that_is_refused_as_promised_went_as_expected() -> None:
    assert [job.as_expected for job in prove("forbidden-selector-refused", scene()).jobs] == [True]
    assert [job.as_expected for job in prove("forbidden-selector-refused", scene(".*")).jobs] == [False]


def test_where_every_job_is_refused_nothing_is_known_of_overwrites() -> None:
    installed = scene().installed
    closed = parse_config(CONFIG.format(regex=ANCHORED).replace('image = "alpine"', 'image = ""'))
    where = dataclasses.replace(scene(), installed=dataclasses.replace(installed, config=closed))
    for identity in ("overwrites-closed", "tolerations-closed", "privileged-pod-refused", "jobs-have-no-rights"):
        assert prove(identity, where).verdict is Verdict.UNKNOWN


def test_what_the_model_does_not_render_leaves_every_claim_about_the_pods_settings_open() -> None:
    text = CONFIG.format(regex=ANCHORED).replace('image = "alpine"', 'image = "alpine"\n    new_setting = "x"')
    installed = dataclasses.replace(scene().installed, config=parse_config(text))
    where = dataclasses.replace(scene(), installed=installed)
    for identity in ("helper-image-amd64", "jobs-have-no-rights"):
        proof = prove(identity, where)
        assert (proof.verdict, "new_setting" in proof.evidence) == (Verdict.UNKNOWN, True)


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [
        ("gke/example-ci/us-central1/ci", "gke ci (us-central1)"),
        ("eks/eu-central-1/ci", "eks ci (eu-central-1)"),
        ("aks/group/ci", "aks ci (group)"),
        ("existing/rehearsal", "existing rehearsal"),
        ("", "existing"),
    ],
)
def test_the_report_names_the_cluster_as_the_program_does(identifier: str, expected: str) -> None:
    inputs = {"clusterIdentifier": identifier}
    provider = PlannedResource(urn="u", type="pulumi:providers:kubernetes", name="cluster", inputs=inputs)
    assert cluster_title(Plan(stack="s", resources=(provider,)), pools("amd64")) == expected


class _Crowded(_NoApi):
    """A pod that fits nowhere at first, and lands as soon as the pod before it has left."""

    def __init__(self, message: str, looks: int) -> None:
        self.message, self.looks = message, looks

    def get(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        del path, query
        self.looks -= 1
        if self.looks < 0:
            return {"spec": {"nodeName": "node-1"}}
        return {
            "spec": {},
            "status": {"conditions": [{"type": "PodScheduled", "status": "False", "message": self.message}]},
        }


@pytest.mark.parametrize(
    ("message", "node"),
    [
        ("0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s).", "node-1"),
        ("0/2 nodes are available: 2 node(s) had untolerated taint(s).", ""),
    ],
)
def test_a_pod_that_only_lacks_room_is_waited_for_and_one_that_is_kept_out_is_not(
    monkeypatch: pytest.MonkeyPatch, message: str, node: str
) -> None:
    monkeypatch.setattr(pods, "_POLL_SECONDS", 0.001)
    placement = pods.settle(_Crowded(message, looks=50), "jobs", "pod", patience=0.01)
    assert placement.node == node


def with_setting(line: str) -> Scene:
    text = CONFIG.format(regex=ANCHORED).replace('image = "alpine"', f'image = "alpine"\n    {line}')
    return dataclasses.replace(scene(), installed=dataclasses.replace(scene().installed, config=parse_config(text)))


@pytest.mark.parametrize(
    ("identity", "line", "verdict"),
    [
        ("tolerations-closed", "", Verdict.YES),
        ("tolerations-closed", "node_tolerations_overwrite_allowed = '.*'", Verdict.NO),
        # Neither admits the empty toleration, by which alone the claim was judged: a pool's taint is admitted by one.
        ("tolerations-closed", r"node_tolerations_overwrite_allowed = '^kubernetes\.io/arch='", Verdict.NO),
        ("tolerations-closed", "node_tolerations_overwrite_allowed = '^spot=.*$'", Verdict.UNKNOWN),
        ("tolerations-closed", "node_tolerations_overwrite_allowed = '('", Verdict.YES),
        ("overwrites-closed", "", Verdict.YES),
        ("overwrites-closed", "namespace_overwrite_allowed = '^manager$'", Verdict.NO),
        ("overwrites-closed", "namespace_overwrite_allowed = '^team-.*$'", Verdict.UNKNOWN),
        ("overwrites-closed", "service_account_overwrite_allowed = '('", Verdict.YES),
        ("overwrites-closed", "bearer_token_overwrite_allowed = true", Verdict.NO),
    ],
)
def test_an_overwrite_that_refuses_one_value_may_admit_another(identity: str, line: str, verdict: Verdict) -> None:
    assert prove(identity, with_setting(line)).verdict is verdict


def test_an_answer_of_the_executor_model_alone_says_so_and_asks_nothing_of_the_cluster() -> None:
    """`_NoApi` fails the test when it is asked."""
    modelled = [promise for promise in promises(scene()) if promise.modelled]
    assert {promise.id for promise in modelled} == {
        "helper-image-amd64",
        "helper-image-arm64",
        "forbidden-selector-refused",
        "foreign-label-refused",
        "tolerations-closed",
        "overwrites-closed",
        "runner-knows-its-settings",
    }
    for promise in modelled:
        proof, _ = prove_one(promise, scene())
        assert proof.evidence.endswith("(from the executor model only)")


@pytest.mark.parametrize(("tags", "words"), [(None, "is to get in GitLab"), (("multi-arch",), "does not have")])
def test_the_title_about_tags_promises_no_more_than_was_looked_at(tags: tuple[str, ...] | None, words: str) -> None:
    titles = {promise.id: promise.title for promise in promises(dataclasses.replace(scene(), tags=tags))}
    assert words in titles["template-tags"]
