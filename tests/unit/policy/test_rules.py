"""Every rule says yes, no, and could not tell; and no message quotes a secret."""

import pytest

from components.policy.catalogue import RESOURCE_RULES, RULES, violations
from components.policy.subject import UNKNOWN, Exemption, Level, Resource, Settings
from tests.unit.policy import stack
from tests.unit.policy.cases import BROKEN, OPEN, Case

BY_ID = {rule.id: rule for rule in RULES}


def test_a_good_stack_breaks_no_rule_and_leaves_none_open() -> None:
    assert [str(item) for item in violations(stack.good())] == []


def test_the_good_stack_has_a_resource_for_every_rule() -> None:
    silent = [rule.id for rule in RESOURCE_RULES if not any(rule.concerns(item) for item in stack.good())]
    assert silent == []


@pytest.mark.parametrize("case", BROKEN, ids=str)
def test_a_break_is_found_by_the_rule_that_names_it_and_by_no_other(case: Case) -> None:
    found = violations(stack.changed(case.resource, case.path, case.value, **case.options))
    assert {item.rule for item in found} == {case.rule, *case.also}
    named = [item for item in found if item.rule == case.rule]
    assert {item.level for item in named} == {BY_ID[case.rule].level}
    assert all(item.fix and item.message for item in named)


@pytest.mark.parametrize("case", OPEN, ids=str)
def test_what_is_not_known_is_said_to_be_unknown_and_not_passed_or_failed(case: Case) -> None:
    found = violations(stack.changed(case.resource, case.path, case.value, **case.options))
    assert {item.level for item in found if item.rule == case.rule} == {Level.COULD_NOT_TELL}
    assert {item.level for item in found} == {Level.COULD_NOT_TELL}


@pytest.mark.parametrize("cases", [BROKEN, OPEN], ids=["broken", "open"])
def test_every_rule_has_a_case(cases: list[Case]) -> None:
    assert {case.rule for case in cases} == set(BY_ID)


def test_ids_are_unique_and_every_rule_says_why_and_from_where() -> None:
    assert len(BY_ID) == len(RULES)
    assert [rule.id for rule in RULES if not (rule.title.endswith(".") and len(rule.why) > 60 and rule.source)] == []


@pytest.mark.parametrize("case", [case for case in BROKEN if case.rule.startswith(("token", "no-s"))], ids=str)
def test_no_message_quotes_a_secret(case: Case) -> None:
    for item in violations(stack.changed(case.resource, case.path, case.value, **case.options)):
        assert stack.TOKEN not in str(item)
        assert "AKIA" not in str(item)


@pytest.mark.parametrize("kind", ["gcp:serviceaccount/key:Key", "aws:iam/accessKey:AccessKey"])
def test_a_static_key_resource_is_refused_whatever_is_in_it(kind: str) -> None:
    found = violations([stack.resource(kind, "key", {})])
    assert [item.rule for item in found] == ["no-static-cloud-keys"]


def test_what_was_found_before_a_doubt_is_kept() -> None:
    pod = {"initContainers": [{"image": UNKNOWN}], "containers": [{"image": "x:latest"}]}
    resources = stack.changed("warm", ("spec", "template", "spec"), pod)
    levels = [item.level for item in violations(resources) if item.rule == "image-pinned"]
    assert levels == [Level.MANDATORY, Level.COULD_NOT_TELL]


def test_a_doubt_about_one_policy_does_not_hide_the_breach_in_the_next() -> None:
    open_rule = {"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}
    resources = stack.changed("egress", ("spec", "egress", 0), open_rule)
    resources = [
        stack.resource(item.type, "deny", {**item.properties, "spec": {**item.properties["spec"], "egress": [UNKNOWN]}})
        if item.name == "deny"
        else item
        for item in resources
    ]
    found = [item for item in violations(resources) if item.rule == "metadata-blocked"]
    assert [item.level for item in found] == [Level.MANDATORY, Level.COULD_NOT_TELL]
    assert "deny: spec.egress[0] is not known yet" in found[1].message


def test_an_exemption_silences_one_rule_for_one_resource() -> None:
    resources = stack.changed("gke", ("nodeConfig", "labels", "managed-by"), stack.DROP)
    exempt = Settings(exemptions=(Exemption(rule="pool-labels", resource="g?e", reason="made by hand"),))
    other = Settings(exemptions=(Exemption(rule="pool-labels", resource="eks", reason="made by hand"),))
    assert violations(resources, exempt) == []
    assert [item.rule for item in violations(resources, other)] == ["pool-labels"]


def test_an_organisation_may_ask_for_further_labels() -> None:
    found = violations(stack.good(), Settings(required_labels=("managed-by", "team")))
    assert sorted(item.urn.rsplit("::", 1)[-1] for item in found) == ["aks", "eks", "gke"]


@pytest.mark.parametrize(
    ("name", "protected"),
    [("prod", True), ("gke-production", True), ("live", True), ("reproduce", False), ("dev", False)],
)
def test_only_production_stacks_need_protected_pools(name: str, protected: bool) -> None:  # noqa: FBT001 - a table
    kind = "azure-native:containerservice:AgentPool"
    good = next(item for item in stack.good() if item.name == "aks")
    pool = Resource(type=kind, name="aks", urn=stack.urn(kind, "aks", name), properties=good.properties, protect=False)
    assert [item.rule for item in violations([pool])] == (["pool-protected"] if protected else [])


def test_a_local_chart_is_pinned_by_the_repository() -> None:
    resources = stack.changed("release", ("chart",), "./multiarch/rehearse/chart/gitlab-runner")
    resources = [
        item if item.name != "release" else stack.resource(item.type, "release", {**item.properties, "version": None})
        for item in resources
    ]
    assert violations(resources) == []


def test_jobs_without_a_stated_namespace_run_in_the_releases_own() -> None:
    text = stack.toml().replace('namespace = "ci-jobs"\n', "").replace("ci-jobs", "")
    resources = stack.changed("release", ("values", "runners"), {"secret": "t", "config": text})
    found = [item for item in violations(resources) if item.rule == "jobs-default-deny"]
    assert len(found) == 1
    assert "gitlab-runner" in found[0].message


@pytest.mark.parametrize("ports", [[{"port": 443}], [{"port": "http"}], [{"port": 53, "protocol": "UDP"}]])
def test_a_wide_rule_for_other_ports_does_not_reach_the_metadata_service(ports: list[object]) -> None:
    rule = {"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": ports}
    assert violations(stack.changed("egress", ("spec", "egress", 0), rule)) == []


def test_an_exact_rule_for_the_metadata_service_is_a_decision() -> None:
    rule = {"to": [{"ipBlock": {"cidr": "169.254.169.254/32"}}]}
    assert violations(stack.changed("egress", ("spec", "egress", 0), rule)) == []


@pytest.mark.parametrize(
    "regex",
    [
        r"^kubernetes\.io/arch=(amd64|arm64)$",
        r"^(kubernetes\.io/arch=(amd64|arm64)|disktype=[a-z|$]+)$",
        r"^kubernetes\.io/arch=amd64$|^kubernetes\.io/arch=arm64$",
        r"\Akubernetes\.io/arch=a(?:md|rm)64\z",
        r"(?i)^kubernetes\.io/arch=(amd64|arm64)$",
        r"^kubernetes\.io/hostname=build-[0-9]+$|^kubernetes\.io/arch=arm64$",
    ],
)
def test_an_anchored_expression_is_accepted_however_it_is_written(regex: str) -> None:
    text = stack.toml(node_selector_overwrite_allowed=regex)
    assert violations(stack.changed("release", ("values", "runners", "config"), text)) == []


@pytest.mark.parametrize(
    ("clouds", "cidr", "broken"),
    [
        (["gke"], "::/0", True),
        (["gke"], "fd00::/16", False),
        (["eks"], "fd00::/16", True),
        (["aks"], "::/0", False),
        (["aks"], "168.63.0.0/16", True),
        (["gke"], "168.63.0.0/16", False),
        ([], "fd00::/16", True),
    ],
)
def test_the_metadata_addresses_are_those_of_the_clouds_in_use(clouds: list[str], cidr: str, *, broken: bool) -> None:
    rule = {"to": [{"ipBlock": {"cidr": cidr}}]}
    resources = stack.changed("egress", ("spec", "egress", 0), rule)
    others = [item for item in resources if item.type.startswith("kubernetes:") or item.name in clouds]
    assert [item.rule for item in violations(others)] == (["metadata-blocked"] if broken else [])


@pytest.mark.parametrize("name", ["gke", "eks", "aks"])
def test_a_pool_of_exactly_one_node_has_bounds(name: str) -> None:
    key, low, high = {
        "gke": ("autoscaling", "totalMinNodeCount", "totalMaxNodeCount"),
        "eks": ("scalingConfig", "minSize", "maxSize"),
        "aks": ("", "minCount", "maxCount"),
    }[name]
    path = (key,) if key else ()
    resources = stack.changed(name, (*path, high), 1)
    assert next(item for item in resources if item.name == name).get(*path, low) == 1
    assert violations(resources) == []


def test_limits_for_each_zone_are_bounds_too() -> None:
    assert violations(stack.changed("gke", ("autoscaling",), {"minNodeCount": 0, "maxNodeCount": 5})) == []
    found = violations(stack.changed("gke", ("autoscaling",), {"minNodeCount": 6, "maxNodeCount": 5}))
    assert [item.rule for item in found] == ["pool-bounds"]


def test_a_release_that_makes_no_role_has_no_rules_to_judge() -> None:
    assert violations(stack.changed("release", ("values", "rbac"), {"create": False, "rules": []})) == []


def test_another_chart_that_makes_its_own_role_is_not_read_like_the_runners() -> None:
    kind = "kubernetes:helm.sh/v3:Release"
    values = {"rbac": {"create": True}}
    other = stack.resource(
        kind, "other", {"chart": "x", "version": "1.2.3", "atomic": True, "name": "x", "values": values}
    )
    assert violations([other]) == []


def test_a_registry_host_with_an_architecture_in_its_name_makes_no_image_of_one_architecture() -> None:
    text = stack.toml(helper_image="arm64.registry.example/helper:v${CI_RUNNER_VERSION}")
    assert violations(stack.changed("release", ("values", "runners", "config"), text)) == []


@pytest.mark.parametrize(
    ("entry", "broken"),
    [
        ({"port": 80}, True),
        ({"port": 70, "endPort": 80}, True),
        ({"port": 81, "endPort": 90}, False),
        ({"protocol": "TCP"}, True),
        ({"protocol": "UDP"}, False),
    ],
)
def test_the_metadata_service_is_reached_by_its_port_only(entry: object, *, broken: bool) -> None:
    rule = {"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": [entry]}
    found = violations(stack.changed("egress", ("spec", "egress", 0), rule))
    assert [item.rule for item in found] == (["metadata-blocked"] if broken else [])
