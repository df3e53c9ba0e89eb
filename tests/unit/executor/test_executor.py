"""What the two-architecture runner leans on, beyond upstream's own cases."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multiarch.model.executor import (
    ConfigInvalid,
    Job,
    JobRefusal,
    Pod,
    Service,
    build_pod,
    effective_config,
    parse_config,
)
from multiarch.model.executor.images import matches
from multiarch.model.executor.variables import expand

ANCHORED = r"^kubernetes\.io/arch=(amd64|arm64)$"
TWO_ARCH = rf"""
[[runners]]
  name = "two"
  executor = "kubernetes"
  [runners.kubernetes]
    namespace = "jobs"
    image = "alpine:3.22"
    service_account = "job"
    automount_service_account_token = false
    privileged = false
    allow_privilege_escalation = false
    cap_add = ["CHOWN"]
    cap_drop = ["ALL"]
    node_selector_overwrite_allowed = '{ANCHORED}'
    [runners.kubernetes.node_selector]
      "kubernetes.io/arch" = "amd64"
    [runners.kubernetes.node_tolerations]
      "kubernetes.io/arch=arm64" = "NoSchedule"
"""


def outcome(text: str, **variables: str) -> Pod | JobRefusal:
    return build_pod(parse_config(text), Job(name="j", variables=variables), "19.1.1")


def pod(text: str, **variables: str) -> dict[str, Any]:
    built = outcome(text, **variables)
    assert isinstance(built, Pod), built
    return dict(built.manifest["spec"])


def test_a_job_chooses_its_architecture_and_gets_the_helper_of_it() -> None:
    built = outcome(TWO_ARCH, KUBERNETES_NODE_SELECTOR_ARCH="kubernetes.io/arch=arm64")
    assert isinstance(built, Pod)
    assert built.manifest["spec"]["nodeSelector"] == {"kubernetes.io/arch": "arm64"}
    assert built.helper_image.endswith(":arm64-v19.1.1")
    assert built.namespace == "jobs"


def test_a_job_without_selector_gets_the_static_one_and_its_helper() -> None:
    built = outcome(TWO_ARCH)
    assert isinstance(built, Pod)
    assert built.manifest["spec"]["nodeSelector"] == {"kubernetes.io/arch": "amd64"}
    assert built.helper_image.endswith(":x86_64-v19.1.1")


@pytest.mark.parametrize(
    "value", ["kubernetes.io/arch=s390x", "x.kubernetes.io/arch=arm64", "kubernetes.io/arch=arm64\n", "", "arm64"]
)
def test_the_anchored_regex_refuses_all_else_in_upstreams_words(value: str) -> None:
    refusal = outcome(TWO_ARCH, KUBERNETES_NODE_SELECTOR_ARCH=value)
    assert isinstance(refusal, JobRefusal)
    assert refusal.reason.startswith("provided value ")
    assert refusal.reason.endswith(r' does not match "^kubernetes\\.io/arch=(amd64|arm64)$"')


@pytest.mark.parametrize("value", ["x.kubernetes.io/arch=arm64", "kubernetes.io/arch=s390x"])
def test_an_unanchored_regex_lets_strangers_in(value: str) -> None:
    """Upstream's documented example; the reason why ours is anchored."""
    loose = TWO_ARCH.replace(ANCHORED, "kubernetes.io/arch=.*")
    assert isinstance(outcome(loose, KUBERNETES_NODE_SELECTOR_ARCH=value), Pod)


def test_an_empty_regex_ignores_the_selector_without_a_word() -> None:
    silent = TWO_ARCH.replace(ANCHORED, "")
    assert pod(silent, KUBERNETES_NODE_SELECTOR_ARCH="kubernetes.io/arch=arm64")["nodeSelector"] == {
        "kubernetes.io/arch": "amd64"
    }


def test_a_regex_that_is_no_re2_fails_the_job_and_not_the_rehearsal() -> None:
    refusal = outcome(TWO_ARCH.replace(ANCHORED, "(?=x)"), KUBERNETES_NODE_SELECTOR_ARCH="kubernetes.io/arch=arm64")
    assert isinstance(refusal, JobRefusal)
    assert refusal.reason.startswith("error parsing regexp: ")


def test_a_toleration_overwrite_is_ignored_where_none_is_allowed() -> None:
    assert pod(TWO_ARCH, KUBERNETES_NODE_TOLERATIONS_ALL="")["tolerations"] == [
        {"key": "kubernetes.io/arch", "operator": "Equal", "value": "arm64", "effect": "NoSchedule"}
    ]


def test_an_overwrite_that_the_job_does_not_ask_for_is_not_checked_and_changes_nothing() -> None:
    text = TWO_ARCH.replace('namespace = "jobs"', 'namespace = "jobs"\n    namespace_overwrite_allowed = "^team-"')
    built = outcome(text)
    assert isinstance(built, Pod)
    assert built.namespace == "jobs"
    assert isinstance(outcome(text, KUBERNETES_NAMESPACE_OVERWRITE="default"), JobRefusal)


def test_the_runners_environment_reaches_the_overwrites_and_the_job_outranks_it() -> None:
    text = TWO_ARCH.replace(
        'name = "two"', 'name = "two"\n  environment = ["KUBERNETES_NODE_SELECTOR_X=kubernetes.io/arch=arm64"]'
    )
    assert pod(text)["nodeSelector"] == {"kubernetes.io/arch": "arm64"}
    assert pod(text, KUBERNETES_NODE_SELECTOR_Y="kubernetes.io/arch=amd64")["nodeSelector"] == {
        "kubernetes.io/arch": "amd64"
    }


def test_a_job_cannot_choose_the_helper_version() -> None:
    text = TWO_ARCH.replace('image = "alpine:3.22"', 'image = "a"\n    helper_image = "h:v${CI_RUNNER_VERSION}"')
    built = outcome(text, CI_RUNNER_VERSION="6.6.6")
    assert isinstance(built, Pod)
    assert built.helper_image == "h:v19.1.1"


def test_every_container_is_unprivileged_and_drops_what_the_config_drops() -> None:
    spec = pod(TWO_ARCH)
    for container in (*spec["initContainers"], *spec["containers"]):
        context = container["securityContext"]
        assert (context["privileged"], context["allowPrivilegeEscalation"]) == (False, False)
        assert context["capabilities"] == {"add": ["CHOWN"], "drop": ["NET_RAW", "ALL"]}
    assert spec["automountServiceAccountToken"] is False


def test_the_deadline_is_the_timeout_and_one_second() -> None:
    assert pod(TWO_ARCH)["activeDeadlineSeconds"] == 3601
    assert "activeDeadlineSeconds" not in pod(TWO_ARCH, FF_USE_POD_ACTIVE_DEADLINE_SECONDS="false")


def test_affinity_is_rendered_with_kubernetes_names() -> None:
    text = (
        TWO_ARCH
        + """
    [runners.kubernetes.affinity.pod_affinity]
      [[runners.kubernetes.affinity.pod_affinity.required_during_scheduling_ignored_during_execution]]
        topology_key = "zone"
        [runners.kubernetes.affinity.pod_affinity.required_during_scheduling_ignored_during_execution.label_selector.match_labels]
          a_b = "c"
"""
    )
    assert pod(text)["affinity"] == {
        "podAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": [
                {"topologyKey": "zone", "labelSelector": {"matchLabels": {"a_b": "c"}}}
            ]
        }
    }


def test_a_mount_at_the_builds_dir_takes_the_place_of_the_runners_own() -> None:
    text = (
        TWO_ARCH
        + """
    [[runners.kubernetes.volumes.empty_dir]]
      name = "fast"
      mount_path = "/builds"
      medium = "Memory"
"""
    )
    spec = pod(text)
    assert [volume["name"] for volume in spec["volumes"]] == ["fast", "scripts", "logs"]
    assert {"name": "fast", "mountPath": "/builds"} in spec["containers"][0]["volumeMounts"]


def test_services_are_named_by_alias_or_number() -> None:
    text = (
        TWO_ARCH
        + """
    [[runners.kubernetes.services]]
      name = "redis:7"
      alias = "cache"
    [[runners.kubernetes.services]]
      name = "postgres:17"
"""
    )
    assert [container["name"] for container in pod(text)["containers"]] == ["build", "helper", "cache", "svc-0"]


def aliases(*services: Service, extra: str = "") -> Any:
    built = build_pod(parse_config(TWO_ARCH + extra), Job(name="j", services=services), "19.1.1")
    return built.reason if isinstance(built, JobRefusal) else built.manifest["spec"].get("hostAliases")


@pytest.mark.parametrize(
    ("services", "names"),
    [
        # host_aliases_test.go, "supports services as host aliases"
        (
            (Service(name="test-service", alias="svc-alias svc-alias-alt"), Service(name="docker:dind")),
            ["test-service", "svc-alias", "svc-alias-alt", "docker"],
        ),
        # services_test.go: no port and no tag, and a name for each spelling; `__` is no DNS name and is left out
        ((Service(name="r.example:5000/ns/db:1"),), ["r.example-ns-db"]),
        ((Service(name=f"redis@sha256:{'a' * 64}"),), ["redis"]),
        ((Service(name="Not an image", alias="a,b"),), ["a", "b"]),
    ],
)
def test_the_build_finds_its_services_by_their_names_on_its_own_host(
    services: tuple[Service, ...], names: list[str]
) -> None:
    assert aliases(*services) == [{"ip": "127.0.0.1", "hostnames": names}]


def test_services_come_before_the_configs_own_aliases() -> None:
    extra = """
    [[runners.kubernetes.host_aliases]]
      ip = "8.8.8.8"
      hostnames = ["dns1"]
"""
    own = {"ip": "8.8.8.8", "hostnames": ["dns1"]}
    assert aliases(Service(name="redis:7"), extra=extra) == [{"ip": "127.0.0.1", "hostnames": ["redis"]}, own]
    assert aliases(extra=extra) == [own]
    assert aliases() is None


def test_an_alias_that_is_no_host_name_is_refused_as_the_runner_refuses_it() -> None:
    assert aliases(Service(name="redis", alias="no_dns")).startswith(
        "provided host alias no_dns for service redis is invalid DNS."
    )


def test_allowed_images_refuse_what_matches_none() -> None:
    text = TWO_ARCH.replace('image = "alpine:3.22"', 'image = "a/b:1"\n    allowed_images = ["reg.example/**"]')
    built = build_pod(parse_config(text), Job(name="j", image="evil/x"), "19.1.1")
    assert built == JobRefusal("disallowed image: 'evil/x' matches none of reg.example/**")
    assert isinstance(build_pod(parse_config(text), Job(name="j", image="reg.example/a/b:1"), "19.1.1"), Pod)
    assert isinstance(build_pod(parse_config(text), Job(name="j"), "19.1.1"), Pod)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("ruby:*", "ruby:3.4", True),
        ("ruby:*", "ruby:3/4", False),
        ("reg.example/**", "reg.example/a/b", True),
        ("reg.example/**/b:1", "reg.example/b:1", True),
        ("reg.example/*/b", "reg.example/a/c/b", False),
        ("{ruby,python}:?", "python:3", True),
        ("ruby:[0-9]", "ruby:x", False),
        ("a.b", "axb", False),
        ("{a", "a", False),
    ],
)
def test_image_patterns_match_as_doublestar(pattern: str, text: str, expected: bool) -> None:  # noqa: FBT001 - a table
    assert matches(pattern, text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$a", "1"),
        ("${a}b", "1b"),
        ("$ab", ""),
        ("$", "$"),
        ("a$ b", "a$ b"),
        ("${", ""),
        ("${}x", "x"),
        ("$$", "$"),
        ("$1x", "x"),
    ],
)
def test_variables_expand_as_in_go(text: str, expected: str) -> None:
    assert expand(text, [("a", "0"), ("a", "1")]) == expected


@given(st.text())
def test_expansion_without_a_dollar_changes_nothing(text: str) -> None:
    clean = text.replace("$", "")
    assert expand(clean, [("a", "b")]) == clean


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_no_selector_value_but_the_two_passes_the_anchored_regex(value: str) -> None:
    built = outcome(TWO_ARCH, KUBERNETES_NODE_SELECTOR_ARCH=value.replace("$", ""))
    assert isinstance(built, JobRefusal) or value in ("kubernetes.io/arch=amd64", "kubernetes.io/arch=arm64")


def test_a_setting_that_the_model_does_not_know_is_named() -> None:
    text = TWO_ARCH.replace('image = "alpine:3.22"', 'image = "a"\n    invented = "x"')
    assert parse_config(text).unmodelled == ("runners.kubernetes.invented",)
    assert parse_config(TWO_ARCH).unmodelled == ()


def test_pod_spec_patches_count_as_unknown_only_where_upstream_applies_them() -> None:
    patch = TWO_ARCH + '    [[runners.kubernetes.pod_spec]]\n      patch = "hostNetwork: true"\n'
    assert parse_config(patch).unmodelled == ()
    on = patch + "  [runners.feature_flags]\n    FF_USE_ADVANCED_POD_SPEC_CONFIGURATION = true\n"
    assert parse_config(on).unmodelled == ("feature_flags.FF_USE_ADVANCED_POD_SPEC_CONFIGURATION",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[runners", "is not valid TOML"),
        ("concurrent = 1", "exactly one [[runners]] entry (this one has 0)"),
        ("[[runners]]\n[[runners]]", "exactly one [[runners]] entry (this one has 2)"),
        ('[[runners]]\nexecutor = "docker"', "only the Kubernetes executor"),
        ("[[runners]]\n[runners.kubernetes]\nimage = 3", "runners.kubernetes.image: 3 is not a string"),
        ('[[runners]]\n[runners.kubernetes]\nprivileged = "no"', "is not a boolean"),
        ('[[runners]]\n[runners.kubernetes.node_selector]\n"a" = true', "is not a string"),
    ],
)
def test_a_config_that_the_runner_would_not_load_is_no_config(text: str, words: str) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        parse_config(text)
    assert words in str(caught.value)


class TestRegistration:
    """What the chart's start script makes of its ConfigMap."""

    data = {"config.toml": 'concurrent = 7\nlog_level = "info"\n', "config.template.toml": TWO_ARCH}  # noqa: RUF012 - not changed

    def test_the_template_fills_the_registered_runner(self) -> None:
        config = effective_config(self.data, {"CI_SERVER_URL": "https://gl", "RUNNER_EXECUTOR": "kubernetes"}, "glrt-x")
        assert (config.concurrent, config.token, config.name) == (7, "glrt-x", "two")
        assert config.kubernetes.text("namespace") == "jobs"

    def test_what_the_pods_environment_sets_outranks_the_template(self) -> None:
        """`KUBERNETES_PRIVILEGED=true` among the chart's extraEnv would undo `privileged = false`."""
        environment = {"KUBERNETES_NAMESPACE": "elsewhere", "KUBERNETES_PRIVILEGED": "true"}
        config = effective_config(self.data, environment)
        assert config.kubernetes.text("namespace") == "elsewhere"
        assert config.kubernetes.maybe_flag("privileged") is True
        assert config.kubernetes.text("image") == "alpine:3.22"

    def test_a_complete_config_needs_no_registration(self) -> None:
        config = effective_config({"config.toml": TWO_ARCH}, {"KUBERNETES_NAMESPACE": "elsewhere"})
        assert config.kubernetes.text("namespace") == "jobs"

    def test_a_configmap_of_something_else_is_refused(self) -> None:
        with pytest.raises(ConfigInvalid, match=r"no config\.toml"):
            effective_config({"nginx.conf": ""}, {})
