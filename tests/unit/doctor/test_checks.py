"""The check-list, on clusters that are made of data."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from multiarch.cluster.seen import Seen
from multiarch.core.verdict import Answer, Verdict, no
from multiarch.doctor.checks.admission import admission_checks
from multiarch.doctor.checks.config import config_checks
from multiarch.doctor.checks.manager import manager_checks
from multiarch.doctor.checks.network import egress, network_checks
from multiarch.doctor.checks.places import node_checks
from multiarch.doctor.checks.rights import rights_checks
from multiarch.doctor.examine import examine
from multiarch.doctor.facts import Facts, Mount, Right, Taint
from multiarch.doctor.model import Check
from multiarch.doctor.rights import grants
from tests.unit.doctor.made import admission, facts, look, node, pod, pool, runner, space, with_config

UNKNOWN = Answer(verdict=Verdict.UNKNOWN, because="nobody says")
YES = Answer(verdict=Verdict.YES, because="DaemonSet kube-system/calico-node")


def only(checks: Iterable[Check], id_: str) -> Check:
    found = [check for check in checks if check.id == id_]
    assert len(found) == 1, [check.id for check in found]
    return found[0]


def verdicts(checks: Iterable[Check]) -> dict[str, Verdict]:
    return {check.id: check.verdict for check in checks}


def causes(check: Check) -> list[str]:
    return [one.kind for one in check.causes]


class TestWhole:
    def test_a_healthy_cluster_has_no_cause_and_no_doubt(self) -> None:
        report = examine(facts(), "c")
        assert report.verdict is Verdict.YES, [check for check in report.checks if check.verdict is not Verdict.YES]

    @pytest.mark.parametrize("missing", ["nodes", "pods", "events"])
    def test_a_list_that_could_not_be_read_is_a_doubt(self, missing: str) -> None:
        report = examine(facts(**{missing: Seen((), "403 Forbidden")}), "c")
        assert report.verdict is Verdict.UNKNOWN
        assert any("403 Forbidden" in check.evidence for check in report.checks)

    def test_a_part_of_a_namespace_that_could_not_be_read_is_a_doubt(self) -> None:
        report = examine(facts(spaces=(space(policies=Seen((), "403 Forbidden")),)), "c")
        assert report.verdict is Verdict.UNKNOWN

    def test_no_runner_and_no_sight_is_a_doubt_and_not_a_cause(self) -> None:
        report = examine(facts(runners=(), runners_failure="deployments: 403"), "c")
        assert report.verdict is Verdict.UNKNOWN
        assert report.causes == ()

    def test_a_check_with_a_cause_can_carry_no_other_verdict(self) -> None:
        with pytest.raises(ValueError, match="0 causes"):
            Check(id="x", title="x", verdict=Verdict.NO)


class TestNodes:
    def arm(self, given: Facts) -> Check:
        return next(check for check in node_checks(given) if check.id == "nodes" and check.about == "arm64")

    def test_full_nodes_are_no_fault(self) -> None:
        check = self.arm(facts(nodes=(node(), node("b", "arm64", used={"cpu": "8"}))))
        assert check.verdict is Verdict.YES
        assert "full right now" in check.evidence

    def test_an_empty_pool_that_may_be_empty_is_no_fault(self) -> None:
        check = self.arm(facts(nodes=(node(),), pools=(pool(min_nodes=0),), stack="s", look=look("eks")))
        assert check.verdict is Verdict.YES

    def test_on_aks_an_empty_pool_is_a_doubt(self) -> None:
        check = self.arm(facts(nodes=(node(),), pools=(pool(min_nodes=0, cloud="aks"),), stack="s", look=look("aks")))
        assert check.verdict is Verdict.UNKNOWN
        assert "9322" in check.evidence

    def test_a_pool_that_promises_a_node_and_has_none_is_a_cause(self) -> None:
        assert causes(self.arm(facts(nodes=(node(),), pools=(pool(),), stack="s"))) == ["no-node-of-arch"]

    def test_gke_adds_the_toleration_by_itself(self) -> None:
        bare = runner(with_config(node_tolerations=""))
        assert causes(self.arm(facts(runners=(bare,)))) == ["taint-not-tolerated"]
        assert self.arm(facts(runners=(bare,), look=look("gke"))).verdict is Verdict.YES

    def test_a_taint_that_the_pool_promises_and_lost_is_told(self) -> None:
        lost = node("b", "arm64", taints=())
        check = only(node_checks(facts(nodes=(node(), lost), pools=(pool(),), stack="s")), "taint")
        assert causes(check) == ["taint-lost"]

    def test_the_taint_that_is_lost_is_named_and_not_one_that_the_nodes_have(self) -> None:
        spot = Taint(key="spot", value="true", effect="NoSchedule")
        promised = pool(taints=(str(spot), "kubernetes.io/arch=arm64:NoSchedule"))
        lost = node("b", "arm64", taints=(spot,))
        check = only(node_checks(facts(nodes=(node(), lost), pools=(promised,), stack="s")), "taint")
        assert check.causes[0].headline == "1 node of pool arm64 lack kubernetes.io/arch=arm64:NoSchedule"
        assert "spot" not in check.title

    def test_what_daemon_sets_leave_of_a_node_decides_whether_a_job_can_ever_fit(self) -> None:
        taken = node("b", "arm64", used={"cpu": "7.5"}, daemons={"cpu": "7.5"})
        check = self.arm(facts(nodes=(node(), taken)))
        assert causes(check) == ["job-too-large"]
        assert "7.5 of it for its DaemonSets" in " ".join(check.causes[0].evidence)
        full = node("b", "arm64", used={"cpu": "7.5"}, daemons={"cpu": "0.5"})
        assert self.arm(facts(nodes=(node(), full))).verdict is Verdict.YES

    def test_daemon_sets_that_could_not_be_listed_are_a_doubt(self) -> None:
        check = self.arm(facts(nodes=(node(), node("b", "arm64", used=None))))
        assert check.verdict is Verdict.UNKNOWN
        assert "DaemonSets" in check.evidence

    def test_requests_that_admission_added_count(self) -> None:
        small = node("b", "arm64", allocatable={"cpu": "2", "memory": "8Gi", "pods": "9"})
        assert self.arm(facts(nodes=(node(), small))).verdict is Verdict.YES
        added = {"name": "injected", "resources": {"requests": {"cpu": "1500m"}}}
        spec = pod(requests={"cpu": "1"})["spec"]
        admitted = {"metadata": {"name": "r"}, "spec": {**spec, "containers": [*spec["containers"], added]}}
        asked = (admission(pod=admitted),)
        assert causes(self.arm(facts(nodes=(node(), small), admissions=asked))) == ["job-too-large"]

    def test_tolerations_that_admission_added_count(self) -> None:
        bare = runner(with_config(node_tolerations=""))
        asked = (admission(pod={"metadata": {"name": "r"}, "spec": pod()["spec"]}),)
        assert self.arm(facts(runners=(bare,), admissions=asked)).verdict is Verdict.YES

    def test_a_foreign_taint_on_all_nodes_is_told_before_any_job_hangs(self) -> None:
        taken = node("b", "arm64", taints=(Taint(key="dedicated", value="x", effect="NoExecute"),))
        assert causes(self.arm(facts(nodes=(node(), taken)))) == ["taint-not-tolerated"]


class TestConfig:
    def checks(self, toml: str, **given: Any) -> list[Check]:
        return list(config_checks(facts(runners=(runner(toml),), **given)))

    @pytest.mark.parametrize(
        ("regex", "kinds"),
        [
            (r"'^kubernetes\.io/arch=(amd64|arm64)$'", []),
            (r"'kubernetes\.io/arch=.*'", ["selector-too-wide"]),
            (r"'^kubernetes.io/arch=(amd64|arm64)$'", ["selector-too-wide"]),
            (r"'^kubernetes\.io/arch=amd64$'", ["selector-refused"]),
            (r"''", ["selector-overwrite-off"]),
            (r"'('", ["config-invalid"]),
        ],
    )
    def test_the_regex_is_closed_open_or_wrong(self, regex: str, kinds: list[str]) -> None:
        assert causes(only(self.checks(with_config(node_selector_overwrite_allowed=regex)), "selector")) == kinds

    def test_no_default_selector_matters_only_where_there_are_two_architectures(self) -> None:
        toml = with_config(node_selector="")
        assert causes(only(self.checks(toml), "default-selector")) == ["no-default-selector"]
        assert only(self.checks(toml, nodes=(node(),)), "default-selector").verdict is Verdict.YES

    def test_a_helper_image_of_one_architecture_is_told_for_the_other(self) -> None:
        check = only(self.checks(with_config(helper_image='"h.io/helper:arm64-v19.1.1"')), "helper-image")
        assert [one.subject for one in check.causes] == ["manager/gitlab-runner amd64"]

    def test_a_powershell_helper_is_judged_although_the_managers_version_is_not_known(self) -> None:
        upstream = "registry.gitlab.com/gitlab-org/gitlab-runner/gitlab-runner-helper"
        one = runner(with_config(helper_image=f'"{upstream}:v19.2.0-pwsh"'))
        assert one.installed is not None
        one = replace(one, installed=replace(one.installed, runner_version=""))
        assert only(config_checks(facts(runners=(one,))), "helper-image").verdict is Verdict.UNKNOWN

    def test_a_mirrored_helper_without_an_architecture_is_a_doubt(self) -> None:
        check = only(self.checks(with_config(helper_image='"h.io/helper:v19.1.1"')), "helper-image")
        assert check.verdict is Verdict.UNKNOWN

    @pytest.mark.parametrize(
        ("seconds", "autoscaler", "verdict"),
        [
            ("", YES, Verdict.NO),
            ("599", YES, Verdict.NO),
            ("600", YES, Verdict.YES),
            ("180", Answer(verdict=Verdict.NO, because="x"), Verdict.YES),
            ("180", UNKNOWN, Verdict.UNKNOWN),
        ],
    )
    def test_a_short_poll_timeout_matters_where_nodes_come_on_demand(
        self, seconds: str, autoscaler: Answer, verdict: Verdict
    ) -> None:
        seen = look(autoscaler=autoscaler)
        assert only(self.checks(with_config(poll_timeout=seconds), look=seen), "poll-timeout").verdict is verdict

    def test_a_config_that_the_runner_would_not_load_is_a_cause(self) -> None:
        broken = runner(installed=None, broken="config.toml is not valid TOML: x")
        assert causes(only(config_checks(facts(runners=(broken,))), "config")) == ["config-invalid"]


class TestManager:
    def test_a_missing_release_is_a_cause_and_an_unseen_one_a_doubt(self) -> None:
        gone = runner(installed=None, deployment=None, missing=True)
        assert causes(only(manager_checks(facts(runners=(gone,))), "manager")) == ["manager-missing"]
        unseen = runner(installed=None, deployment=None, failure="deployments: 403")
        assert only(manager_checks(facts(runners=(unseen,))), "manager").verdict is Verdict.UNKNOWN

    def test_keys_that_can_not_be_told_are_a_doubt(self) -> None:
        doubtful = Mount(
            kind="Secret", namespace="manager", name="token", there=Seen(()), doubt="Secret token: which keys?"
        )
        check = only(manager_checks(facts(runners=(runner(mounts=(doubtful,)),))), "manager-mounts")
        assert check.verdict is Verdict.UNKNOWN

    def test_a_missing_secret_comes_with_the_command_that_makes_it(self) -> None:
        keys = ("runner-registration-token", "runner-token")
        lost = Mount(kind="Secret", namespace="manager", name="token", wanted=keys)
        check = only(manager_checks(facts(runners=(runner(mounts=(lost,)),))), "manager-mounts")
        assert causes(check) == ["manager-secret"]
        line = check.causes[0].fixes[0].lines[0]
        assert '--from-literal=runner-token="$TOKEN"' in line
        assert line.rstrip().endswith('"$TOKEN"') or "--from-literal=runner-registration-token=" in line

    def test_no_replica_ready_without_a_known_reason_is_still_a_cause(self) -> None:
        down = runner(deployment={"metadata": {"name": "m"}, "spec": {"replicas": 1}, "status": {}})
        assert causes(only(manager_checks(facts(runners=(down,))), "manager")) == ["manager-not-ready"]

    @pytest.mark.parametrize(("ready", "words"), [(1, "from before the update still runs"), (0, "there is none")])
    def test_a_refused_pod_is_a_cause_also_while_the_one_before_it_runs(self, ready: int, words: str) -> None:
        failure = {"type": "ReplicaFailure", "status": "True", "message": 'violates PodSecurity "restricted:latest"'}
        status = {"readyReplicas": ready, "conditions": [failure]}
        hung = runner(deployment={"metadata": {"name": "m"}, "spec": {"replicas": 1}, "status": status})
        check = only(manager_checks(facts(runners=(hung,))), "manager")
        assert causes(check) == ["manager-refused"]
        assert words in check.causes[0].headline


class TestRights:
    def test_a_denied_right_is_a_cause_with_its_name(self) -> None:
        less = runner(rights=Seen((Right(verb="create", resource="pods", allowed=no("no rule")),)))
        check = only(rights_checks(facts(runners=(less,))), "rights")
        assert causes(check) == ["manager-lacks-rights"]
        assert "create pods" in check.causes[0].evidence[0]

    def test_rights_are_not_asked_for_in_a_namespace_that_is_missing(self) -> None:
        less = runner(rights=Seen((Right(verb="create", resource="pods", allowed=no("no rule")),)))
        gone = facts(runners=(less,), spaces=(space(),))
        assert "rights" in verdicts(rights_checks(gone))
        gone = facts(runners=(less,), spaces=(_missing_space(),))
        assert verdicts(rights_checks(gone)) == {}

    @pytest.mark.parametrize(
        ("rule", "resource", "given"),
        [
            ({"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}, "pods", True),
            ({"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}, "pods/log", False),
            ({"apiGroups": [""], "resources": ["*/log"], "verbs": ["get"]}, "pods/log", True),
            ({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}, "pods/log", True),
            ({"apiGroups": ["apps"], "resources": ["pods"], "verbs": ["get"]}, "pods", False),
            ({"apiGroups": [""], "resources": ["pods"], "verbs": ["get"], "resourceNames": ["a"]}, "pods", False),
        ],
    )
    def test_rules_grant_what_they_say(self, rule: dict[str, Any], resource: str, given: bool) -> None:  # noqa: FBT001 - a table
        assert grants(rule, "", resource, "get") is given


def _missing_space() -> Any:
    empty = space()
    return type(empty)(name="jobs", found=Seen(None))


def test_a_namespace_for_each_job_is_a_doubt_and_not_a_missing_namespace() -> None:
    own = runner(with_config(namespace_per_job="true"), rights=Seen((), "namespace_per_job is set"))
    report = examine(facts(runners=(own,), spaces=()), "c")
    assert report.causes == ()
    assert report.verdict is Verdict.UNKNOWN


class TestAdmission:
    def test_a_pod_that_the_api_server_takes_is_fine_and_one_that_it_refuses_a_cause(self) -> None:
        assert only(admission_checks(facts()), "admission").verdict is Verdict.YES
        refused = admission(refusal='pods "x" is forbidden: exceeded quota: team, requested: pods=1')
        check = only(admission_checks(facts(admissions=(refused,))), "admission")
        assert causes(check) == ["quota-exhausted"]
        assert check.about == "manager/gitlab-runner arm64"

    def test_no_answer_is_a_doubt(self) -> None:
        silent = facts(admissions=(admission(doubt="the context's user may not try pods in jobs"),))
        check = only(admission_checks(silent), "admission")
        assert check.verdict is Verdict.UNKNOWN
        assert "may not try pods" in check.evidence

    def test_the_same_refusal_of_both_architectures_is_one_cause(self) -> None:
        both = (admission("amd64", refusal="no"), admission("arm64", refusal="no"))
        report = examine(facts(admissions=both), "c")
        assert [one.kind for one in report.causes] == ["pod-refused"]


KUBE_DNS = {
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
    "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
}
CACHE = {"ipBlock": {"cidr": "169.254.20.10/32"}}
DNS_PORTS = [{"protocol": "UDP", "port": 53}]


def policy(egress_rules: list[dict[str, Any]], **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "p"},
        "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": egress_rules, **spec},
    }


class TestNetwork:
    def check(self, *policies: dict[str, Any], enforced: Answer = YES, cache: bool = False, **given: Any) -> Check:
        cluster = facts(
            spaces=(space(policies=Seen(policies)),),
            look=look(network_policies=enforced, **given),
            local_dns=Seen(cache),
        )
        return only(network_checks(cluster), "dns")

    def test_default_deny_without_dns_is_a_cause_where_it_is_enforced(self) -> None:
        assert causes(self.check(policy([]))) == ["dns-blocked"]
        assert self.check(policy([]), enforced=UNKNOWN).verdict is Verdict.UNKNOWN
        assert self.check(policy([]), enforced=Answer(verdict=Verdict.NO, because="flannel")).verdict is Verdict.YES

    def test_a_rule_for_the_dns_opens_it(self) -> None:
        assert self.check(policy([]), policy([{"to": [KUBE_DNS], "ports": DNS_PORTS}])).verdict is Verdict.YES
        assert self.check(policy([{}])).verdict is Verdict.YES
        tcp = [{"protocol": "TCP", "port": 53}]
        assert causes(self.check(policy([{"to": [KUBE_DNS], "ports": tcp}]))) == ["dns-blocked"]

    def test_the_nodes_cache_needs_a_rule_of_its_own(self) -> None:
        plain = policy([{"to": [KUBE_DNS], "ports": DNS_PORTS}])
        assert causes(self.check(plain, cache=True)) == ["dns-blocked"]
        assert causes(self.check(plain, provider="gke")) == ["dns-blocked"]
        assert self.check(policy([{"to": [KUBE_DNS, CACHE], "ports": DNS_PORTS}]), cache=True).verdict is Verdict.YES

    def test_policies_of_other_pods_or_of_the_way_in_close_nothing(self) -> None:
        assert egress([policy([], podSelector={"matchLabels": {"app": "x"}})], {"app": "y"}) is None
        assert egress([{"spec": {"podSelector": {}, "policyTypes": ["Ingress"]}}], {}) is None
        assert egress([policy([])], {}) == []
