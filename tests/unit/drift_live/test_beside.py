"""What is added beside a stack is told exactly where it lets jobs or runner do more."""

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from multiarch.cluster.api import ApiRefused
from multiarch.core.verdict import Verdict
from multiarch.drift.ignore import Rule, apply_rules
from multiarch.drift.live.beside.bindings import CLUSTER_ROLE_BINDING, ROLE_BINDING, widening_bindings
from multiarch.drift.live.beside.identities import POD, WORKLOADS, widening_tokens, widening_workloads
from multiarch.drift.live.beside.look import check_widened
from multiarch.drift.live.beside.other_policies import OTHER_KINDS, widening_others
from multiarch.drift.live.beside.ours import Account, Ours, Pods, ours
from multiarch.drift.live.beside.policies import widening_policies
from multiarch.drift.live.beside.widening import Unclear, Widening
from multiarch.drift.live.program import program_of
from multiarch.drift.model import CheckResult, ComparedStack
from multiarch.model.plan.model import Plan
from tests.unit.drift_live.stubs import Cluster, planned, scene

OWN: Mapping[str, Any] = {
    "podSelector": {},
    "policyTypes": ["Ingress", "Egress"],
    "egress": [
        {
            "to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]}}],
            "ports": [{"port": 443, "protocol": "TCP"}],
        },
        {"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}], "ports": [{"port": 8000, "endPort": 8010, "protocol": "TCP"}]},
    ],
}
JOBS = Pods(account=Account("jobs", "job"), jobs=True, labels={"team": "ci"})
MANAGER = Pods(account=Account("runner", "manager"), labels={"app": "r"}, varying=frozenset({"pod-template-hash"}))
OURS = Ours(
    pods=(JOBS, MANAGER),
    names=frozenset(
        {("NetworkPolicy", "jobs", "own"), ("RoleBinding", "jobs", "own"), ("Deployment", "runner", "own")}
    ),
    policies={"jobs": (OWN,)},
)
ALL = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]


def item(name: str = "theirs", namespace: str = "", **fields: Any) -> dict[str, Any]:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **fields.pop("metadata", {})}
    return {"metadata": metadata, **fields}


def binding(subject: Mapping[str, str], namespace: str = "", **fields: Any) -> dict[str, Any]:
    role = {"kind": "ClusterRole", "name": fields.pop("role", "admin")}
    return item(namespace=namespace, subjects=[subject], roleRef=role, **fields)


def bound(given: Mapping[str, Any], rules: Sequence[Any] | str = ALL) -> list[Widening | Unclear]:
    kind = ROLE_BINDING if given["metadata"].get("namespace") else CLUSTER_ROLE_BINDING
    return list(widening_bindings(kind, [given], OURS, lambda *_: rules))


def account(namespace: str, name: str) -> dict[str, str]:
    return {"kind": "ServiceAccount", "namespace": namespace, "name": name}


def group(name: str) -> dict[str, str]:
    return {"kind": "Group", "name": name}


class TestBindings:
    @pytest.mark.parametrize(
        "subject",
        [
            account("jobs", "job"),
            account("runner", "manager"),
            {"kind": "User", "name": "system:serviceaccount:jobs:job"},
            {"kind": "User", "name": "system:anonymous"},
            group("system:serviceaccounts"),
            group("system:serviceaccounts:jobs"),
            group("system:authenticated"),
            group("system:unauthenticated"),
        ],
        ids=lambda subject: subject["name"],
    )
    @pytest.mark.parametrize("namespace", ["", "jobs", "kube-system"])
    def test_whoever_is_or_holds_an_account_of_the_stacks_is_told(
        self, subject: Mapping[str, str], namespace: str
    ) -> None:
        (told,) = bound(binding(subject, namespace))
        assert isinstance(told, Widening)
        assert "everything" in told.lets
        assert (f"in namespace {namespace}" if namespace else "in the whole cluster") in told.lets

    @pytest.mark.parametrize(
        "subject",
        [
            account("default", "job"),
            account("jobs", "default"),
            {"kind": "User", "name": "job"},
            {"kind": "User", "name": "system:serviceaccounts:jobs"},
            group("system:serviceaccount:jobs:job"),
            group("system:serviceaccounts:kube-system"),
            group("system:nodes"),
            {"kind": "User", "name": "system:authenticated"},
        ],
        ids=lambda subject: f"{subject['kind']} {subject['name']}",
    )
    def test_others_and_names_that_are_only_alike_are_not_told(self, subject: Mapping[str, str]) -> None:
        assert bound(binding(subject, "jobs")) == []

    @pytest.mark.parametrize(
        "rules",
        [
            [],
            [{"resources": ["selfsubjectreviews", "selfsubjectrulesreviews"], "verbs": ["create"]}],
            [{"nonResourceURLs": ["/api", "/api/*", "/version/", "/openid/v1/jwks"], "verbs": ["get", "head"]}],
            [{"resources": ["configmaps"], "resourceNames": ["cluster-info"], "verbs": ["get"]}],
        ],
    )
    def test_a_role_that_gives_nothing_is_not_told(self, rules: list[Any]) -> None:
        assert bound(binding(group("system:authenticated")), rules) == []

    @pytest.mark.parametrize(
        "rule",
        [
            {"resources": ["selfsubjectreviews", "subjectaccessreviews"], "verbs": ["create"]},
            {"nonResourceURLs": ["/metrics"], "verbs": ["get"]},
            {"nonResourceURLs": ["*"], "verbs": ["get"]},
            {"nonResourceURLs": ["/version"], "verbs": ["*"]},
            {"resources": ["configmaps"], "verbs": ["get"]},
            {"resources": ["configmaps"], "resourceNames": ["cluster-info"], "verbs": ["get", "update"]},
        ],
    )
    def test_one_rule_more_than_nothing_is_told_even_of_kubernetes_own_bindings(self, rule: Any) -> None:
        own = {"labels": {"kubernetes.io/bootstrapping": "rbac-defaults"},
               "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"}}  # fmt: skip
        assert len(bound(binding(group("system:authenticated"), metadata=own), [rule])) == 1

    def test_what_openshift_makes_by_itself_is_not_told_and_the_same_for_a_single_account_is(self) -> None:
        kept = {"annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"}}
        rules = [{"resources": ["projects"], "verbs": ["list"]}]
        assert bound(binding(group("system:authenticated"), role="basic-user", metadata=kept), rules) == []
        assert bound(binding(account("jobs", "job"), role="basic-user", metadata=kept), rules) != []
        assert bound(binding(group("system:authenticated"), role="cluster-admin", metadata=kept), rules) != []
        puller = binding(group("system:serviceaccounts:jobs"), "jobs", role="system:image-puller")
        assert bound(puller) != []
        puller["metadata"]["name"] = "system:image-pullers"
        assert bound(puller) == []

    def test_the_stacks_own_binding_is_told_elsewhere(self) -> None:
        given = binding(account("jobs", "job"), "jobs")
        given["metadata"]["name"] = "own"
        assert bound(given) == []

    def test_a_role_that_may_not_be_read_is_a_doubt_about_groups_and_certain_about_accounts(self) -> None:
        (told,) = bound(binding(account("jobs", "job")), "this login may not look (403)")
        assert isinstance(told, Widening)
        assert "whatever ClusterRole admin allows" in told.lets
        (doubt,) = bound(binding(group("system:authenticated")), "this login may not look (403)")
        assert isinstance(doubt, Unclear)

    def test_only_a_binding_that_names_nobody_else_is_to_be_deleted(self) -> None:
        given = binding(account("jobs", "job"), "jobs")
        (told,) = bound(given)
        assert isinstance(told, Widening)
        assert told.undo == "kubectl -n jobs delete rolebinding.v1.rbac.authorization.k8s.io/theirs"
        given["subjects"].append(account("default", "somebody"))
        (told,) = bound(given)
        assert isinstance(told, Widening)
        assert told.undo.startswith("kubectl -n jobs edit ")


def egress(*rules: Any, selector: Mapping[str, Any] | None = None, types: Sequence[str] = ("Egress",)) -> Any:
    spec = {"podSelector": selector or {}, "policyTypes": list(types), "egress": list(rules)}
    return item(namespace="jobs", spec=spec)


def block(cidr: str, *cut: str) -> dict[str, Any]:
    return {"ipBlock": {"cidr": cidr, **({"except": list(cut)} if cut else {})}}


def opened(given: Any, namespace: str = "jobs", mine: Ours = OURS) -> list[Any]:
    return list(widening_policies([given], namespace, mine))


class TestNetworkPolicies:
    @pytest.mark.parametrize(
        "rule",
        [
            {},
            {"to": [block("0.0.0.0/0")]},
            {"to": [block("0.0.0.0/0")], "ports": [{"port": 443, "protocol": "TCP"}]},
            {"to": [block("169.254.169.254/32")], "ports": [{"port": 443, "protocol": "TCP"}]},
            {"to": [block("169.0.0.0/8", "169.254.0.0/17")], "ports": [{"port": 443, "protocol": "TCP"}]},
            {"to": [block("192.0.2.0/24")], "ports": [{"port": 443, "protocol": "UDP"}]},
            {"to": [block("192.0.2.0/24")], "ports": [{"protocol": "TCP"}]},
            {"to": [block("192.0.2.0/24")], "ports": [{"port": "https", "protocol": "TCP"}]},
            {"to": [block("10.1.0.0/16")], "ports": [{"port": 8000, "endPort": 8011, "protocol": "TCP"}]},
            {"to": [block("2001:db8::/32")], "ports": [{"port": 443, "protocol": "TCP"}]},
            {"to": [{"podSelector": {}}], "ports": [{"port": 443, "protocol": "TCP"}]},
            {"ports": [{"port": 443, "protocol": "TCP"}]},
        ],
        ids=repr,
    )
    def test_a_rule_that_reaches_further_than_the_stacks_own_is_told(self, rule: Any) -> None:
        (told,) = opened(egress(rule))
        assert "the jobs may also reach" in told.lets

    @pytest.mark.parametrize(
        "rule",
        [
            OWN["egress"][0],
            {"to": [block("192.0.2.0/24")], "ports": [{"port": 443}]},
            {"to": [block("192.0.2.7/24")], "ports": [{"port": 443}]},
            {"to": [block("169.0.0.0/8", "169.254.0.0/15")], "ports": [{"port": 443, "protocol": "TCP"}]},
            {"to": [block("10.1.0.0/16")], "ports": [{"port": 443}, {"port": 8003, "endPort": 8010}]},
        ],
        ids=repr,
    )
    def test_a_rule_within_the_stacks_own_is_not_told(self, rule: Any) -> None:
        assert opened(egress(rule)) == []

    def test_a_policy_without_rules_and_rules_of_a_direction_that_is_not_its_type_open_nothing(self) -> None:
        assert opened(egress()) == []
        assert opened(egress({}, types=["Ingress"])) == []

    @pytest.mark.parametrize(
        ("selector", "told"),
        [
            ({"matchLabels": {"team": "ci"}}, True),
            ({"matchLabels": {"team": "web"}}, False),
            ({"matchLabels": {"app": "theirs"}}, False),
            ({"matchLabels": {"pod": "anything"}}, True),
            ({"matchLabels": {"project.runner.gitlab.com/id": "7"}}, True),
            ({"matchExpressions": [{"key": "team", "operator": "In", "values": ["web", "ci"]}]}, True),
            ({"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["ci"]}]}, False),
            ({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, True),
            ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, False),
        ],
        ids=repr,
    )
    def test_only_a_policy_that_may_select_the_stacks_pods_is_told(self, selector: Any, *, told: bool) -> None:
        assert bool(opened(egress({}, selector=selector))) is told

    def test_a_policy_of_the_stacks_own_that_was_opened_is_told_elsewhere(self) -> None:
        given = egress({})
        given["metadata"]["name"] = "own"
        assert opened(given) == []

    def test_where_the_stack_closes_nothing_another_policy_can_only_close(self) -> None:
        given = egress({})
        assert opened(given, mine=Ours(pods=(JOBS,))) == []
        only_in = {"podSelector": {}, "policyTypes": ["Ingress"]}
        assert opened(given, mine=Ours(pods=(JOBS,), policies={"jobs": (only_in,)})) == []
        assert opened(given, mine=Ours(pods=(JOBS,), policies={"jobs": (only_in, OWN)})) != []


def of_kind(name: str, group_name: str, spec: Any, namespace: str = "", labels: Any = None) -> list[Any]:
    other = next(one for one in OTHER_KINDS if (one.kind, one.group) == (name, group_name))
    spaces = labels or {"jobs": {"kubernetes.io/metadata.name": "jobs", "class": "ci"}}
    mine = Ours(pods=(JOBS,), policies={"jobs": (OWN,)})
    return list(widening_others(other.of("v1"), other.dialect, [item(namespace=namespace, spec=spec)], mine, spaces))


class TestOtherPolicies:
    @pytest.mark.parametrize(
        ("subject", "tier", "action", "told"),
        [
            ({"namespaces": {}}, None, "Allow", True),
            ({"namespaces": {"matchLabels": {"class": "ci"}}}, "Admin", "Accept", True),
            ({"namespaces": {"matchLabels": {"class": "web"}}}, None, "Allow", False),
            ({"pods": {"namespaceSelector": {}, "podSelector": {"matchLabels": {"team": "ci"}}}}, None, "Allow", True),
            ({"pods": {"namespaceSelector": {}, "podSelector": {"matchLabels": {"x": "y"}}}}, None, "Allow", False),
            ({"namespaces": {}}, "Baseline", "Accept", False),
            ({"namespaces": {}}, None, "Deny", False),
            ({"namespaces": {}}, None, "Pass", False),
        ],
    )
    def test_an_administrators_policy_is_told_where_it_allows(
        self, subject: Any, tier: str | None, action: str, *, told: bool
    ) -> None:
        spec = {"subject": subject, "egress": [{"action": action}], **({"tier": tier} if tier else {})}
        assert bool(of_kind("AdminNetworkPolicy", "policy.networking.k8s.io", spec)) is told

    @pytest.mark.parametrize(
        ("spec", "told"),
        [
            ({"endpointSelector": {}, "egress": [{"toEntities": ["world"]}]}, True),
            ({"endpointSelector": {"matchLabels": {"k8s:team": "ci"}}, "egress": [{"toEntities": ["all"]}]}, True),
            ({"endpointSelector": {"matchLabels": {"any:team": "web"}}, "egress": [{"toEntities": ["all"]}]}, False),
            (
                {
                    "endpointSelector": {"matchLabels": {"k8s:io.kubernetes.pod.namespace": "default"}},
                    "egress": [{"toEntities": ["all"]}],
                },
                False,
            ),
            ({"endpointSelector": {}, "egress": [{}], "ingress": [{}]}, False),
            ({"endpointSelector": {}, "egressDeny": [{"toEntities": ["world"]}]}, False),
            ({"nodeSelector": {}, "egress": [{"toEntities": ["world"]}]}, False),
        ],
    )
    def test_a_policy_of_ciliums_is_told_where_it_allows(self, spec: Any, *, told: bool) -> None:
        assert bool(of_kind("CiliumClusterwideNetworkPolicy", "cilium.io", spec)) is told

    @pytest.mark.parametrize(
        ("selector", "told"),
        [
            ("", True),
            ("all()", True),
            ("team == 'ci'", True),
            ('team != "ci"', False),
            ("has(team) && !has(app)", True),
            ("team in { 'web', 'ci' } && projectcalico.org/namespace == 'jobs'", True),
            ("team not in {'ci'}", False),
            ("projectcalico.org/namespace == 'default'", False),
            ("app == 'x' && (a == 'b' || c == 'd')", False),
        ],
    )
    def test_a_policy_of_calicos_is_told_where_it_allows(self, selector: str, *, told: bool) -> None:
        spec = {"selector": selector, "egress": [{"action": "Allow"}]}
        assert bool(of_kind("GlobalNetworkPolicy", "projectcalico.org", spec)) is told
        denying = {"selector": selector, "egress": [{"action": "Deny"}]}
        assert of_kind("GlobalNetworkPolicy", "projectcalico.org", denying) == []

    def test_a_selector_that_is_not_understood_is_a_doubt(self) -> None:
        spec = {"selector": "team == 'ci' || app == 'x'", "egress": [{"action": "Allow"}]}
        (told,) = of_kind("GlobalNetworkPolicy", "projectcalico.org", spec)
        assert isinstance(told, Unclear)

    def test_a_policy_of_another_namespace_is_not_told(self) -> None:
        spec = {"podSelector": {}, "egress": [{"matches": [{"name": "example.org"}]}]}
        assert of_kind("FQDNNetworkPolicy", "networking.gke.io", spec, "jobs") != []
        assert of_kind("FQDNNetworkPolicy", "networking.gke.io", spec, "default") == []

    def test_every_kind_and_the_right_to_list_it_is_documented(self) -> None:
        page = (Path(__file__).resolve().parents[3] / "docs" / "drift-cluster.md").read_text()
        assert [one.kind for one in OTHER_KINDS if f"`{one.kind}`" not in page] == []
        rights = [line for line in page.splitlines() if "apiGroups: [" in line and "verbs: [list]" in line]
        missing = [
            one for one in OTHER_KINDS if not any(f"[{one.group}]" in line and one.plural in line for line in rights)
        ]
        assert missing == []


def secret(name: str, *managers: str) -> dict[str, Any]:
    annotations = {"kubernetes.io/service-account.name": name}
    return {"name": "theirs", "annotations": annotations, "managedFields": [{"manager": one} for one in managers]}


def pod(name: str, *, owner: str = "", labels: Mapping[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    owners = [{"kind": owner, "controller": True}] if owner else []
    metadata = {"ownerReferences": owners, "labels": dict(labels or {})}
    return item(metadata=metadata, spec={"serviceAccountName": name, **spec})


class TestIdentities:
    @pytest.mark.parametrize(
        ("given", "told"),
        [
            (secret("job", "kubectl-create", "kube-controller-manager"), True),
            (secret("job"), True),
            (secret("job", "kube-controller-manager"), False),
            (secret("default", "kubectl-create"), False),
            (secret("manager", "kubectl-create"), False),
        ],
    )
    def test_a_token_that_somebody_made_for_an_account_of_the_stacks_is_told(self, given: Any, *, told: bool) -> None:
        assert bool(list(widening_tokens([given], "jobs", OURS))) is told

    @pytest.mark.parametrize(
        ("given", "namespace", "told"),
        [
            (pod("job"), "jobs", True),
            (pod("manager"), "runner", True),
            (pod("manager", labels={"job.runner.gitlab.com/pod": "x"}), "runner", True),
            (pod("job", labels={"job.runner.gitlab.com/pod": "x"}), "jobs", False),
            (pod("job", owner="ReplicaSet"), "jobs", False),
            (pod("job", owner="Workflow"), "jobs", True),
            (pod("default"), "jobs", False),
            (pod("manager"), "jobs", False),
            (item(spec={}), "jobs", False),
            (pod("job", owner="ReplicaSet", ephemeralContainers=[{"name": "debugger"}]), "jobs", True),
        ],
    )
    def test_a_pod_that_acts_as_the_stacks_account_and_is_nobodys_we_know_is_told(
        self, given: Any, namespace: str, *, told: bool
    ) -> None:
        assert bool(list(widening_workloads(POD, [given], namespace, OURS))) is told

    @pytest.mark.parametrize("kind", [kind for kind in WORKLOADS if kind is not POD], ids=lambda kind: kind.kind)
    def test_every_kind_that_runs_pods_is_told_by_its_template(self, kind: Any) -> None:
        spec: Any = {"serviceAccountName": "manager"}
        for key in reversed(WORKLOADS[kind]):
            spec = {key: spec}
        (told,) = widening_workloads(kind, [item(**spec)], "runner", OURS)
        assert told.undo.startswith(f"kubectl -n runner delete {kind.kind.lower()}")
        own = list(widening_workloads(kind, [item("own", **spec)], "runner", OURS))
        assert (own == []) is (kind.kind == "Deployment")


RELEASE = planned(
    "kubernetes:helm.sh/v3:Release",
    {
        "name": "gitlab-runner",
        "namespace": "runner",
        "values": {
            "serviceAccount": {"name": "manager"},
            "runners": {
                "jobNamespace": "jobs",
                "config": '[[runners]]\n[runners.kubernetes]\npod_labels = {a = "b"}\n',
            },
        },
    },
)
ACCOUNT = planned(
    "kubernetes:core/v1:ServiceAccount",
    {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "job", "namespace": "jobs"}},
    "job",
)


class TestOurs:
    def test_accounts_labels_and_own_names_are_those_of_the_program(self) -> None:
        mine = ours(program_of(Plan(stack="s", resources=(ACCOUNT, RELEASE))))
        assert mine.accounts == {
            Account("jobs", "job"): "the jobs",
            Account("runner", "manager"): "the runner's manager",
        }
        assert mine.pods[0].labels == {"a": "b"}
        assert mine.has("RoleBinding", item("gitlab-runner", "jobs"))
        assert not mine.has("RoleBinding", item("gitlab-runner", "default"))
        assert not mine.has("ClusterRoleBinding", item("gitlab-runner"))

    def test_jobs_whose_config_is_not_known_may_have_any_label(self) -> None:
        mine = ours(program_of(Plan(stack="s", resources=(ACCOUNT,))))
        assert mine.pods[0].varies("app")


def check(cluster: Cluster) -> CheckResult:
    return check_widened(scene(cluster, [ACCOUNT, RELEASE]))


class TestTheCheck:
    """From lists to findings."""

    def test_a_stack_without_accounts_has_nothing_that_could_be_widened(self) -> None:
        assert check_widened(scene()).skipped

    def test_a_cluster_with_nothing_beside_is_clean_in_every_part(self) -> None:
        assert {finding.verdict for finding in check(Cluster()).findings} == {Verdict.YES}

    def test_a_login_that_may_list_nothing_doubts_every_part_and_is_never_clean(self) -> None:
        result = check(Cluster(broken=ApiRefused(403, "Forbidden", "you may not")))
        assert {finding.verdict for finding in result.findings} == {Verdict.UNKNOWN}

    def test_a_finding_says_what_it_lets_whom_do_and_how_to_take_it_away_and_a_rule_can_accept_it(self) -> None:
        given = pod("manager")
        result = check(Cluster({"/api/v1/namespaces/runner/pods/theirs": given}))
        (finding,) = [one for one in result.findings if one.verdict is not Verdict.YES]
        assert finding.verdict is Verdict.NO
        assert finding.resource == "v1 Pod runner/theirs"
        assert "acts as the runner's manager" in finding.reason
        assert "`kubectl -n runner delete pod/theirs`" in finding.reason
        rule = Rule(id="r", resource=finding.resource, path="spec.serviceAccountName", reason="ours")
        report = apply_rules(ComparedStack(stack="s", checks=(result,)), [rule], dt.date(2026, 11, 29))
        assert report.verdict is Verdict.YES
