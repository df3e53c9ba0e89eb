"""The runner's config is compared TOML key by TOML key; whether the manager runs with it is told with both times."""

from typing import Any

import pytest

from components.runner.values import escape_template
from multiarch.cluster.api import ApiRefused
from multiarch.core.verdict import Verdict
from multiarch.drift.live.runner_config import check_runner_config, rendered
from multiarch.drift.model import Finding
from multiarch.model.plan.model import PlannedResource
from tests.unit.drift_live.stubs import Cluster, managed, planned, scene

PLACE = "/api/v1/namespaces/ci"
CONFIG = '[[runners]]\nexecutor = "kubernetes"\n[runners.kubernetes]\nprivileged = false\ncap_drop = ["A", "B"]\n'
GLOBAL = "concurrent = 4\ncheck_interval = 3\nshutdown_timeout = 0\n"


def release(config: str = CONFIG, **values: Any) -> PlannedResource:
    inputs = {"name": "gitlab-runner", "namespace": "ci"}
    made = {"concurrent": 4, "checkInterval": 3, "runners": {"config": escape_template(config)}, **values}
    return planned("kubernetes:helm.sh/v3:Release", {**inputs, "values": made})


def cluster(template: str = CONFIG, whole: str = GLOBAL, started: str = "2026-11-25T12:00:00Z") -> Cluster:
    config = {
        "metadata": {
            "name": "gitlab-runner",
            "creationTimestamp": "2026-11-25T11:00:00Z",
            "managedFields": [
                managed("helm", {"f:data": {}}, time="2026-11-25T11:30:00Z"),
                managed("kubectl-edit", {"f:metadata": {}}, time="2026-11-25T13:00:00Z"),
            ],
        },
        "data": {"config.template.toml": template, "config.toml": whole},
    }
    template_of = {"metadata": {"annotations": {"checksum/configmap": "1"}}, "spec": {"containers": [{"image": "x"}]}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "r"}}, "template": template_of}
    pod = {"metadata": {"name": "r-1", "annotations": {"checksum/configmap": "1"}}, "status": {"startTime": started}}
    return Cluster(
        {
            f"{PLACE}/configmaps/gitlab-runner": config,
            "/apis/apps/v1/namespaces/ci/deployments/gitlab-runner": {"spec": spec, "status": {"readyReplicas": 1}},
            f"{PLACE}/pods/r-1": pod,
        }
    )


def ask(there: Cluster, *resources: PlannedResource) -> tuple[Finding, list[str]]:
    made = scene(there, resources or [release()])
    (finding,) = check_runner_config(made).findings
    return finding, made.notes


def paths(finding: Finding) -> list[str]:
    return [f"{one.change} {one.path}" for one in finding.differences]


@pytest.mark.parametrize("text", [CONFIG, 'a = "{{ x }}"', 'a = "{{ \\"{{\\" }}"'])
def test_what_helm_makes_of_the_escaped_config_is_the_config(text: str) -> None:
    assert rendered(escape_template(text)) == text


def test_order_comments_and_spelling_are_no_difference() -> None:
    other = "# mine\n[[runners]]\n  [runners.kubernetes]\n  cap_drop=['B','A']\n  privileged=false\n" + 'executor="x"\n'
    template = other.replace('executor="x"\n', "").replace("[[runners]]", '[[runners]]\nexecutor = "kubernetes"')
    finding, notes = ask(cluster(template))
    assert (finding.verdict, finding.reason, notes) == (Verdict.YES, "", [])


@pytest.mark.parametrize(
    ("template", "whole", "expected"),
    [
        (CONFIG.replace("false", "true"), GLOBAL, "changed runners[0].kubernetes.privileged"),
        (CONFIG.replace('"B"', '"B", "C"'), GLOBAL, "added runners[0].kubernetes.cap_drop[C]"),
        (CONFIG + 'bearer_token = "x"\n', GLOBAL, "added runners[0].kubernetes.bearer_token"),
        (CONFIG + "[[runners]]\n", GLOBAL, "added runners[1]"),
        ("no TOML [", GLOBAL, 'changed ["config.template.toml"]'),
        (CONFIG, GLOBAL.replace("4", "5"), "changed concurrent"),
        (CONFIG, "no TOML [", 'changed ["config.toml"]'),
    ],
)
def test_every_difference_has_its_toml_path(template: str, whole: str, expected: str) -> None:
    finding, _ = ask(cluster(template, whole))
    assert paths(finding) == [expected]


def test_a_key_that_may_be_the_charts_own_is_a_doubt_where_helms_record_is_gone() -> None:
    finding, _ = ask(cluster(whole=GLOBAL + 'sentry_dsn = "https://x"\n'))
    assert (finding.verdict, "sentry_dsn" in finding.reason) == (Verdict.UNKNOWN, True)


def test_a_manager_older_than_the_last_change_of_the_data_is_told() -> None:
    finding, notes = ask(cluster(started="2026-11-25T11:29:59Z"))
    assert finding.verdict is Verdict.YES
    assert notes == [finding.reason]
    for word in ("pod r-1", "2026-11-25T11:29:59+00:00", "2026-11-25T11:30:00+00:00", "by helm"):
        assert word in finding.reason


def test_a_pod_of_another_revision_is_told_and_one_on_its_way_out_is_not() -> None:
    there = cluster()
    pod = there.objects[f"{PLACE}/pods/r-1"]
    pod["metadata"]["annotations"] = {"checksum/configmap": "0"}
    assert "another revision" in ask(there)[0].reason
    pod["metadata"]["deletionTimestamp"] = "2026-11-25T12:00:00Z"
    assert ask(there)[0].reason == ""


def test_a_config_map_or_a_key_that_is_gone_is_drift() -> None:
    there = cluster()
    del there.objects[f"{PLACE}/configmaps/gitlab-runner"]["data"]["config.template.toml"]
    assert paths(ask(there)[0])[0].startswith('gone ["config.template.toml"]')
    del there.objects[f"{PLACE}/configmaps/gitlab-runner"]
    assert ask(there)[0].verdict is Verdict.NO


def test_without_an_answer_it_could_not_be_told() -> None:
    finding, _ = ask(Cluster(broken=ApiRefused(403, "Forbidden", "no")))
    assert (finding.verdict, "403" in finding.reason) == (Verdict.UNKNOWN, True)


def test_a_digest_that_only_a_deployment_knows_is_not_compared_and_all_else_is() -> None:
    made_up = f"sha256:{'0' * 64}"
    image = planned("multiarch:index:MultiArchImage", {"target": "h/x:1"}, "i", outputs={"publishedDigest": made_up})
    line = 'helper_image = "h/x:1@{}"\n'
    resource = release(CONFIG + line.format(made_up))
    depends = {"values": (image.urn,)}
    resource = planned(resource.type, resource.inputs, property_dependencies=depends)
    real = CONFIG + line.format(f"sha256:{'1' * 64}")
    finding, _ = ask(cluster(real), image, resource)
    assert finding.verdict is Verdict.YES
    assert finding.reason == "not compared, since only a deployment knows it: runners[0].kubernetes.helper_image"
    assert paths(ask(cluster(real.replace("false", "true")), image, resource)[0]) == [
        "changed runners[0].kubernetes.privileged"
    ]
