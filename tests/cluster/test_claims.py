"""Break one thing at a time: the rehearsal fails on the claim that names it, and on no other that does not follow."""

import dataclasses
import json
import os
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from components.problems import ConfigError
from multiarch.cluster.api import Api
from multiarch.cluster.connection import Connection
from multiarch.core.report import Check as Claim
from multiarch.core.verdict import Verdict
from multiarch.model.nodes import OWNER_LABEL, nodes_for
from multiarch.model.plan import plan_stack
from multiarch.model.plan.model import Plan, PlannedResource
from multiarch.model.providers.values import plain
from multiarch.model.readback import read_back
from multiarch.model.release import release_of
from multiarch.rehearse.claims import rehearse_stack
from multiarch.rehearse.claims.prove import prove_all
from multiarch.rehearse.claims.scene import Scene
from multiarch.rehearse.claims.stack import _Progress, _Run, _silent
from multiarch.rehearse.control_plane.plane import ControlPlane
from multiarch.rehearse.install import Charts, Helm
from multiarch.rehearse.install.chart import EMBEDDED
from multiarch.rehearse.report.model import Outcome, StackReport

ROOT = Path(__file__).resolve().parents[2]
Inputs = dict[str, Any]
RELEASE = "kubernetes:helm.sh/v3:Release"


@pytest.fixture(scope="session")
def charts() -> Iterator[Charts]:
    # The official chart's archive where the machine has one (as for test_chart.py), else the embedded chart.
    with Charts(os.environ.get("MULTIARCH_OFFICIAL_CHART") or str(EMBEDDED)) as chosen:
        yield chosen


@pytest.fixture(scope="session")
def local() -> Plan:
    return plan_stack(ROOT, "local")


@pytest.fixture(scope="session")
def eks() -> Plan:
    return plan_stack(ROOT, "eks")


def edited(plan: Plan, wanted: Callable[[PlannedResource], bool], change: Callable[[Inputs], None]) -> Plan:
    """Return the plan with the inputs of some resources changed; it is an error if none was."""
    resources, hits = [], 0
    for resource in plan.resources:
        if wanted(resource):
            inputs = plain(resource.inputs)
            change(inputs)
            resource = dataclasses.replace(resource, inputs=inputs)  # noqa: PLW2901 - the changed one takes its place
            hits += 1
        resources.append(resource)
    assert hits, "nothing in the plan to break"
    return dataclasses.replace(plan, resources=tuple(resources))


def of_type(type_: str, name: str = "") -> Callable[[PlannedResource], bool]:
    return lambda resource: resource.type == type_ and name in resource.name


def with_config(plan: Plan, change: Callable[[Inputs], None]) -> Plan:
    """Return the plan with the runner's `[runners.kubernetes]` changed."""

    def rewrite(inputs: Inputs) -> None:
        runners = inputs["values"]["runners"]
        runners["config"] = changed_toml(runners["config"], change)

    return edited(plan, of_type(RELEASE), rewrite)


def changed_toml(text: str, change: Callable[[Inputs], None]) -> str:
    document = tomllib.loads(text)
    change(document["runners"][0]["kubernetes"])
    return tomli_w.dumps(document)


def by_id(claims: Iterator[Claim] | tuple[Claim, ...] | list[Claim]) -> dict[str, Claim]:
    return {claim.id: claim for claim in claims}


def failures(report: StackReport) -> set[str]:
    """Return what failed; everything else must have been proved."""
    assert {claim.verdict for claim in report.checks} <= {Verdict.YES, Verdict.NO}, [
        (claim.id, claim.evidence) for claim in report.checks if claim.verdict is Verdict.UNKNOWN
    ]
    return {claim.id for claim in report.checks if claim.verdict is Verdict.NO}


def namespaces(api: Api) -> set[str]:
    return {item["metadata"]["name"] for item in api.items("/api/v1/namespaces")}


@pytest.fixture(scope="module")
def installed(local: Plan, control_plane: ControlPlane, charts: Charts) -> Iterator[Scene]:
    with ExitStack() as resources:
        connection = resources.enter_context(Connection(control_plane.kubeconfig, control_plane.context))
        helm = resources.enter_context(
            Helm(control_plane.binary("helm"), control_plane.kubeconfig, control_plane.context)
        )
        run = _Run(local, tuple(nodes_for(local)), Api.of(connection), helm, True, _Progress(), _silent)  # noqa: FBT003
        try:
            run._nodes()
            yield run._install(charts)
        finally:
            run.clean()


class TestWholeRehearsals:
    """From the plan to the report, and nothing left behind."""

    @pytest.fixture
    def rehearse(self, control_plane: ControlPlane, charts: Charts) -> Callable[[Plan], StackReport]:
        return lambda plan: rehearse_stack(plan, control_plane, chart=charts)

    @pytest.mark.parametrize("stack", ["local", "gke", "eks", "aks"])
    def test_every_claim_of_every_example_stack_is_proved_and_nothing_is_left(
        self, stack: str, rehearse: Callable[[Plan], StackReport], connection: Connection
    ) -> None:
        api = Api.of(connection)
        before = namespaces(api)  # other tests share the cluster, and theirs may still be on their way out
        report = rehearse(plan_stack(ROOT, stack))
        assert failures(report) == set()
        jobs = {job.name: job for job in report.detail.jobs}
        nodes = {node.name: node for node in report.detail.nodes}
        for arch in ("amd64", "arm64"):
            landed = jobs[f"{arch}-job"].node
            assert landed is not None
            assert nodes[landed].arch == arch
        assert {"amd64", "arm64"} == {pool.arch for pool in report.detail.pools}
        assert set(report.timings) == {"nodes", "install", "jobs", "clean"}
        assert api.items("/api/v1/nodes") == []
        assert "gitlab-runner" not in before
        assert namespaces(api) - before == set()

    def test_an_untainted_arm64_pool_fails_the_taint_claim(
        self, eks: Plan, rehearse: Callable[[Plan], StackReport]
    ) -> None:
        broken = edited(
            eks, of_type("aws:eks/nodeGroup:NodeGroup", "arm64"), lambda inputs: inputs.update({"taints": []})
        )
        report = rehearse(broken)
        assert failures(report) == {"arm64-taint"}
        assert "has no arm64 taint" in by_id(report.checks)["arm64-taint"].evidence

    def test_a_forgotten_toleration_fails_the_arm64_job(
        self, local: Plan, rehearse: Callable[[Plan], StackReport]
    ) -> None:
        report = rehearse(with_config(local, lambda kubernetes: kubernetes.pop("node_tolerations")))
        assert failures(report) == {"arm64-job-on-arm64-node"}
        assert "untolerated taint" in by_id(report.checks)["arm64-job-on-arm64-node"].evidence
        job = next(job for job in report.detail.jobs if job.name == "arm64-job")
        assert (job.outcome, job.refused_by) == (Outcome.PENDING, "scheduler")

    def test_an_unanchored_regex_fails_the_forbidden_selectors(
        self, local: Plan, rehearse: Callable[[Plan], StackReport]
    ) -> None:
        loose = {"node_selector_overwrite_allowed": "kubernetes.io/arch=.*"}
        report = rehearse(with_config(local, lambda kubernetes: kubernetes.update(loose)))
        assert failures(report) == {"forbidden-selector-refused", "foreign-label-refused"}
        assert "lets kubernetes.io/arch=s390x through" in by_id(report.checks)["forbidden-selector-refused"].evidence

    def test_a_missing_rbac_rule_fails_the_claim_about_rights(
        self, local: Plan, rehearse: Callable[[Plan], StackReport]
    ) -> None:
        def drop(inputs: Inputs) -> None:
            rbac = inputs["values"]["rbac"]
            rbac["rules"] = [rule for rule in rbac["rules"] if rule["resources"] != ["pods/attach"]]

        report = rehearse(edited(local, of_type(RELEASE), drop))
        assert failures(report) == {"runner-has-its-rights"}
        assert "may not create pods/attach" in by_id(report.checks)["runner-has-its-rights"].evidence

    def test_a_manager_that_restricted_refuses_fails_its_claim(
        self, local: Plan, rehearse: Callable[[Plan], StackReport]
    ) -> None:
        def drop(inputs: Inputs) -> None:
            inputs["values"]["podSecurityContext"]["seccompProfile"] = None

        claims = by_id(rehearse(edited(local, of_type(RELEASE), drop)).checks)
        assert claims["runner-installed"].verdict is Verdict.NO
        assert 'violates PodSecurity "restricted' in claims["runner-installed"].evidence
        assert claims["manager-on-demand"].verdict is Verdict.UNKNOWN
        assert claims["arm64-job-on-arm64-node"].verdict is Verdict.YES

    def test_a_manager_on_spot_nodes_fails_its_claim(self, eks: Plan, rehearse: Callable[[Plan], StackReport]) -> None:
        spot = {"capacityType": "SPOT"}
        report = rehearse(
            edited(eks, of_type("aws:eks/nodeGroup:NodeGroup", "amd64"), lambda inputs: inputs.update(spot))
        )
        assert failures(report) == {"manager-on-demand"}

    @pytest.mark.parametrize("free", [True, False])
    def test_a_manager_that_a_spot_node_could_take_fails_wherever_it_landed(
        self, eks: Plan, rehearse: Callable[[Plan], StackReport], *, free: bool
    ) -> None:
        """With its selector no spot node can; without, one of two pools' nodes takes it, and which one is chance."""

        def open_up(inputs: Inputs) -> None:
            inputs["values"]["tolerations"] = [{"operator": "Exists"}]
            if free:
                inputs["values"]["nodeSelector"] = {}

        spot = edited(
            eks,
            of_type("aws:eks/nodeGroup:NodeGroup", "arm64"),
            lambda inputs: inputs.update({"capacityType": "SPOT"}),
        )
        report = rehearse(edited(spot, of_type(RELEASE), open_up))
        assert failures(report) == ({"manager-on-demand"} if free else set())
        told = by_id(report.checks)["manager-on-demand"].evidence
        assert ("all running jobs would be lost" in told) is free
        assert ("with spot nodes only, the scheduler finds none" in told) is not free

    def test_an_arm64_pool_of_the_wrong_machines_fails_the_arm64_job(
        self, eks: Plan, rehearse: Callable[[Plan], StackReport]
    ) -> None:
        wrong = {"instanceTypes": ["m7i.2xlarge"]}
        report = rehearse(
            edited(eks, of_type("aws:eks/nodeGroup:NodeGroup", "arm64"), lambda inputs: inputs.update(wrong))
        )
        assert failures(report) == {"arm64-job-on-arm64-node"}
        assert "didn't match Pod's node affinity/selector" in by_id(report.checks)["arm64-job-on-arm64-node"].evidence

    def test_a_label_that_no_node_can_carry_fails_before_anything_is_installed(
        self, eks: Plan, rehearse: Callable[[Plan], StackReport]
    ) -> None:
        def spoil(inputs: Inputs) -> None:
            inputs["labels"] = {**inputs["labels"], "team": "a b"}

        report = rehearse(edited(eks, of_type("aws:eks/nodeGroup:NodeGroup", "arm64"), spoil))
        assert failures(report) == {"nodes-join"}
        assert "a b" in by_id(report.checks)["nodes-join"].evidence

    def test_what_the_api_server_refuses_fails_the_installation_in_its_words(
        self, local: Plan, rehearse: Callable[[Plan], StackReport]
    ) -> None:
        def spoil(inputs: Inputs) -> None:
            inputs["spec"]["policyTypes"] = ["Sideways"]

        report = rehearse(edited(local, of_type("kubernetes:networking.k8s.io/v1:NetworkPolicy", "dns"), spoil))
        assert failures(report) == {"runner-installed"}
        assert "Sideways" in by_id(report.checks)["runner-installed"].evidence

    def test_a_namespace_of_somebody_else_is_neither_used_nor_deleted(
        self, local: Plan, control_plane: ControlPlane, charts: Charts, connection: Connection
    ) -> None:
        api = Api.of(connection)
        path = "/api/v1/namespaces/gitlab-runner-jobs"
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "gitlab-runner-jobs"}}
        api.create("/api/v1/namespaces", body)
        try:
            with pytest.raises(ConfigError) as caught:
                rehearse_stack(local, control_plane, chart=charts)
            assert "already has the Namespace gitlab-runner-jobs" in str(caught.value)
            found = api.get(path)
            assert "deletionTimestamp" not in found["metadata"]
            assert OWNER_LABEL not in found["metadata"]["labels"]
            assert api.items("/api/v1/nodes") == []
        finally:
            api.delete(path)
            while api.find(path) is not None:
                time.sleep(0.2)

    def test_a_priority_class_that_somebody_else_makes_is_stood_in_for_and_goes_again(
        self, local: Plan, rehearse: Callable[[Plan], StackReport], connection: Connection
    ) -> None:
        report = rehearse(with_config(local, lambda kubernetes: kubernetes.update({"priority_class_name": "builds"})))
        assert failures(report) == set()
        assert any("PriorityClass builds" in note for note in report.notes)
        assert Api.of(connection).find("/apis/scheduling.k8s.io/v1/priorityclasses/builds") is None

    def test_nodes_stay_when_they_are_to_be_kept(
        self, local: Plan, control_plane: ControlPlane, charts: Charts, connection: Connection
    ) -> None:
        api = Api.of(connection)
        try:
            rehearse_stack(local, control_plane, chart=charts, keep_nodes=True)
            assert {node["metadata"]["labels"][OWNER_LABEL] for node in api.items("/api/v1/nodes")} == {"local"}
            assert api.find("/api/v1/namespaces/gitlab-runner") is None
        finally:
            api.delete("/api/v1/nodes")


class TestDrift:
    """One installed stack, changed in the cluster by hand: what is proved is what is there, not what was planned."""

    @pytest.fixture
    def prove(self, installed: Scene, local: Plan) -> Callable[[], dict[str, Claim]]:
        """Read the release back and put all claims to the proof, after whatever the test has changed."""
        pods = f"/api/v1/namespaces/{installed.installed.job_namespace}/pods"

        def again() -> dict[str, Claim]:
            installed.admin.delete(pods, {"gracePeriodSeconds": "0"})
            while installed.admin.items(pods):
                time.sleep(0.05)
            now = read_back(installed.admin, release_of(local))
            claims, _ = prove_all(dataclasses.replace(installed, installed=now))
            return by_id(claims)

        return again

    @staticmethod
    def failed(claims: Mapping[str, Claim]) -> set[str]:
        return {name for name, claim in claims.items() if claim.verdict is Verdict.NO}

    @pytest.mark.parametrize(
        ("change", "failing"),
        [
            pytest.param(
                {"node_selector_overwrite_allowed": ""},
                {
                    "arm64-job-on-arm64-node",
                    "helper-image-arm64",
                    "forbidden-selector-refused",
                    "foreign-label-refused",
                },
                id="empty regex",
            ),
            pytest.param({"node_selector": {}}, {"default-job"}, id="no static selector"),
            pytest.param(
                {"service_cpu_request": "2", "service_cpu_limit": "1"},
                {"largest-job-admitted"},
                id="request above limit",
            ),
            pytest.param({"node_tolerations_overwrite_allowed": ".*"}, {"tolerations-closed"}, id="tolerations open"),
            pytest.param({"namespace_overwrite_allowed": ".*"}, {"overwrites-closed"}, id="namespace open"),
            pytest.param({"service_account_overwrite_allowed": ".*"}, {"overwrites-closed"}, id="account open"),
            pytest.param({"bearer_token_overwrite_allowed": True}, {"overwrites-closed"}, id="token open"),
            pytest.param(
                {"helper_image": "registry.example/helper:arm64-v${CI_RUNNER_VERSION}"},
                {"helper-image-amd64"},
                id="helper of one architecture",
            ),
            pytest.param(
                {"helper_image": "registry.example/helper:x86_64-v1.2.3"},
                {"helper-image-amd64", "helper-image-arm64"},
                id="helper of another version",
            ),
            pytest.param(
                {"privileged": True},
                {
                    "amd64-job-on-amd64-node",
                    "arm64-job-on-arm64-node",
                    "default-job",
                    "merge-job",
                    "largest-job-admitted",
                },
                id="privileged",
            ),
            pytest.param({"automount_service_account_token": True}, {"jobs-have-no-rights"}, id="token mounted"),
            pytest.param(
                {"cpu_request": "64"},
                {"amd64-job-on-amd64-node", "arm64-job-on-arm64-node", "default-job", "merge-job"},
                id="job larger than any node",
            ),
        ],
    )
    def test_a_changed_config_fails_the_claims_that_follow_from_it(
        self, change: Inputs, failing: set[str], installed: Scene, prove: Callable[[], dict[str, Claim]]
    ) -> None:
        with changed_config(installed, lambda kubernetes: kubernetes.update(change)):
            claims = prove()
        assert self.failed(claims) == failing, {name: claims[name].evidence for name in self.failed(claims) ^ failing}

    def test_a_setting_that_the_model_does_not_know_leaves_job_claims_open(
        self, installed: Scene, prove: Callable[[], dict[str, Claim]]
    ) -> None:
        with changed_config(installed, lambda kubernetes: kubernetes.update({"invented": 1})):
            claims = prove()
        assert claims["arm64-job-on-arm64-node"].verdict is Verdict.UNKNOWN
        assert "runners.kubernetes.invented" in claims["arm64-job-on-arm64-node"].evidence
        assert self.failed(claims) == set()

    def test_a_mirrored_helper_image_is_no_proof(self, installed: Scene, prove: Callable[[], dict[str, Claim]]) -> None:
        own = {"helper_image": "registry.example/helper:v${CI_RUNNER_VERSION}"}
        with changed_config(installed, lambda kubernetes: kubernetes.update(own)):
            claims = prove()
        assert claims["helper-image-arm64"].verdict is Verdict.UNKNOWN

    def test_a_further_selector_is_used_where_the_regex_admits_one(
        self, installed: Scene, prove: Callable[[], dict[str, Claim]]
    ) -> None:
        wider = {"node_selector_overwrite_allowed": r"^(kubernetes\.io/arch=(amd64|arm64)|node-pool=(arm64))$"}
        with changed_config(installed, lambda kubernetes: kubernetes.update(wider)):
            claims = prove()
        assert claims["extra-selector"].verdict is Verdict.YES
        assert "pool arm64" in claims["extra-selector"].evidence

    def test_a_jobs_namespace_without_baseline_admits_the_privileged_pod(
        self, installed: Scene, prove: Callable[[], dict[str, Claim]]
    ) -> None:
        with labelled(installed, installed.installed.job_namespace, "privileged"):
            assert self.failed(prove()) == {"privileged-pod-refused"}

    def test_a_managers_namespace_without_restricted_fails_the_installation(
        self, installed: Scene, prove: Callable[[], dict[str, Claim]]
    ) -> None:
        with labelled(installed, installed.installed.namespace, "baseline"):
            assert self.failed(prove()) == {"runner-installed"}

    def test_a_wildcard_for_the_runner_is_one_right_too_many(
        self, installed: Scene, prove: Callable[[], dict[str, Claim]]
    ) -> None:
        job_namespace = installed.installed.job_namespace
        account = (installed.installed.namespace, installed.installed.service_account)
        with granted(installed, job_namespace, account, {"apiGroups": [""], "resources": ["*"], "verbs": ["*"]}):
            claims = prove()
        assert self.failed(claims) == {"runner-has-no-more"}
        assert f"* * in {job_namespace}" in claims["runner-has-no-more"].evidence

    def test_each_right_that_leads_to_more_is_named(
        self, installed: Scene, prove: Callable[[], dict[str, Claim]]
    ) -> None:
        """All at once: the API server lists them, and each must be in the evidence."""
        job_namespace = installed.installed.job_namespace
        account = (installed.installed.namespace, installed.installed.service_account)
        rbac = "rbac.authorization.k8s.io"
        rules = (
            {"apiGroups": [rbac], "resources": ["roles"], "verbs": ["escalate", "bind"]},
            {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]},
            {"apiGroups": ["apps"], "resources": ["daemonsets"], "verbs": ["create"]},
            {"apiGroups": [""], "resources": ["serviceaccounts/token"], "verbs": ["create"]},
            {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"], "resourceNames": ["ca"]},
        )
        with granted(installed, job_namespace, account, *rules):
            claims = prove()
        assert self.failed(claims) == {"runner-has-no-more"}
        named = claims["runner-has-no-more"].evidence
        for words in (
            f"escalate roles.{rbac}",
            f"bind roles.{rbac}",
            "list secrets",
            "create daemonsets.apps",
            "create serviceaccounts/token",
            "get configmaps named ca",
        ):
            assert words in named

    def test_a_runner_that_may_create_pods_beside_its_manager_is_named(
        self, installed: Scene, prove: Callable[[], dict[str, Claim]]
    ) -> None:
        account = (installed.installed.namespace, installed.installed.service_account)
        rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["create"]}
        with granted(installed, installed.installed.namespace, account, rule):
            claims = prove()
        assert self.failed(claims) == {"other-namespace-refused", "runner-has-no-more"}

    def test_a_job_that_may_read_the_managers_secrets_is_named(
        self, installed: Scene, prove: Callable[[], dict[str, Claim]]
    ) -> None:
        account = (installed.installed.job_namespace, "gitlab-runner-job")
        rule = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]}
        with granted(installed, installed.installed.namespace, account, rule):
            claims = prove()
        assert self.failed(claims) == {"jobs-have-no-rights"}
        assert "list secrets in gitlab-runner" in claims["jobs-have-no-rights"].evidence

    def test_a_secret_without_the_second_key_would_stall_the_manager(
        self, installed: Scene, prove: Callable[[], dict[str, Claim]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = f"/api/v1/namespaces/{installed.installed.namespace}/secrets/gitlab-runner-token"
        assert installed.stand_ins == {"gitlab-runner-token"}
        installed.admin.call(
            "PATCH",
            path,
            {"data": {"runner-registration-token": None}},
            None,
            "application/merge-patch+json",
        )
        # As if the stack itself had made the Secret: a stand-in is not judged.
        monkeypatch.setattr("multiarch.rehearse.claims.manager._stood_in", lambda _scene, _name: False)
        try:
            claims = prove()
        finally:
            installed.admin.call(
                "PATCH",
                path,
                {"data": {"runner-registration-token": ""}},
                None,
                "application/merge-patch+json",
            )
        assert self.failed(claims) == {"manager-mounts"}
        assert "lacks the key runner-registration-token" in claims["manager-mounts"].evidence


class changed_config:  # noqa: N801 - reads as a verb at its use
    """Change the template in the release's ConfigMap for a while, as `kubectl edit` would."""

    def __init__(self, scene: Scene, change: Callable[[Inputs], None]) -> None:
        self.api = scene.admin
        self.change = change
        self.path = f"/api/v1/namespaces/{scene.installed.namespace}/configmaps/gitlab-runner"

    def __enter__(self) -> None:
        self.before = self.api.get(self.path)["data"]["config.template.toml"]
        self.write(changed_toml(self.before, self.change))

    def __exit__(self, *_: object) -> None:
        self.write(self.before)

    def write(self, text: str) -> None:
        body = {"data": {"config.template.toml": text}}
        self.api.call("PATCH", self.path, body, None, "application/merge-patch+json")


class labelled:  # noqa: N801 - reads as a verb at its use
    """Make a namespace enforce another Pod Security level for a while."""

    def __init__(self, scene: Scene, namespace: str, level: str) -> None:
        self.api, self.path, self.level = scene.admin, f"/api/v1/namespaces/{namespace}", level
        self.key = "pod-security.kubernetes.io/enforce"

    def __enter__(self) -> None:
        self.before = self.api.get(self.path)["metadata"]["labels"][self.key]
        self.write(self.level)

    def __exit__(self, *_: object) -> None:
        self.write(self.before)

    def write(self, level: str) -> None:
        body = {"metadata": {"labels": {self.key: level}}}
        self.api.call("PATCH", self.path, body, None, "application/merge-patch+json")


class granted:  # noqa: N801 - reads as a verb at its use
    """Give a service account further rights in a namespace for a while."""

    def __init__(self, scene: Scene, namespace: str, account: tuple[str, str], *rules: Mapping[str, Any]) -> None:
        self.api, self.namespace, self.account, self.rules = scene.admin, namespace, account, rules
        self.root = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"

    def __enter__(self) -> None:
        group = "rbac.authorization.k8s.io"
        meta = {"apiVersion": f"{group}/v1", "metadata": {"name": "drift", "namespace": self.namespace}}
        self.api.create(f"{self.root}/roles", {**meta, "kind": "Role", "rules": list(self.rules)})
        place, name = self.account
        subject = {"kind": "ServiceAccount", "namespace": place, "name": name}
        reference = {"apiGroup": group, "kind": "Role", "name": "drift"}
        body = {**meta, "kind": "RoleBinding", "roleRef": reference, "subjects": [subject]}
        self.api.create(f"{self.root}/rolebindings", json.loads(json.dumps(body)))
        time.sleep(0.3)  # the authorizer hears of it by a watch

    def __exit__(self, *_: object) -> None:
        self.api.delete(f"{self.root}/rolebindings/drift")
        self.api.delete(f"{self.root}/roles/drift")
        time.sleep(0.3)
