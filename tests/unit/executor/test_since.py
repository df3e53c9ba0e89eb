"""A runner reads what its version knows: the model's pods of an older one lack what came later."""

from typing import Any

import pytest

from multiarch.model.executor import Job, Pod, build_pod, parse_config
from multiarch.model.executor.config import FLAG_DEFAULTS, NOT_OF_THE_POD, RENDERED_KEYS
from multiarch.model.executor.since import FLAGS_SINCE, SINCE, as_read_by, dated, lost, undated

CONFIG = """
[[runners]]
  [runners.feature_flags]
    FF_WAIT_FOR_POD_TO_BE_REACHABLE = true
  [runners.kubernetes]
    image = "alpine"
    automount_service_account_token = false
    [runners.kubernetes.pod_security_context]
      run_as_user = 1000
      [runners.kubernetes.pod_security_context.seccomp_profile]
        type = "RuntimeDefault"
    [[runners.kubernetes.volumes.empty_dir]]
      name = "scratch"
      mount_path = "/scratch"
      size_limit = "1Gi"
"""


def spec(version: str) -> Any:
    built = build_pod(parse_config(CONFIG), Job(name="j"), version)
    assert isinstance(built, Pod)
    return built.manifest["spec"]


@pytest.mark.parametrize(
    ("version", "seccomp", "mounted"),
    [
        ("19.1.1", True, False),
        ("18.11.0", True, False),
        ("18.10.3", False, False),
        ("16.8.0", False, None),
        ("", True, False),
    ],
)
def test_an_older_runner_makes_pods_without_what_it_does_not_know(
    version: str, *, seccomp: bool, mounted: bool | None
) -> None:
    made = spec(version)
    assert ("seccompProfile" in made["securityContext"]) is seccomp
    assert made["securityContext"]["runAsUser"] == 1000
    assert made.get("automountServiceAccountToken") is mounted


def test_what_is_lost_is_named_with_the_release_that_has_it() -> None:
    config = parse_config(CONFIG)
    everything = {
        "automount_service_account_token": (16, 9),
        "feature_flags.FF_WAIT_FOR_POD_TO_BE_REACHABLE": (17, 6),
        "pod_security_context.seccomp_profile": (18, 11),
        "volumes.empty_dir.size_limit": (16, 6),
    }
    assert dated(config) == everything
    assert lost(config, "16.0.0") == everything
    assert lost(config, "18.10.0") == {"pod_security_context.seccomp_profile": (18, 11)}
    assert lost(config, "19.1.1") == lost(config, "main") == {}


def test_a_runner_that_knows_all_reads_the_config_as_it_is() -> None:
    config = parse_config(CONFIG)
    assert as_read_by(config, "19.1.1") == config
    assert as_read_by(config, "17.5.0").feature_flags == {}
    assert config.feature_flags == {"FF_WAIT_FOR_POD_TO_BE_REACHABLE": True}


def test_the_table_names_only_settings_that_the_model_knows() -> None:
    known = RENDERED_KEYS | NOT_OF_THE_POD | {"pod_spec"}
    assert {path.partition(".")[0] for path in SINCE} <= known
    assert set(FLAG_DEFAULTS) <= set(FLAGS_SINCE)


def test_a_flag_that_no_release_has_is_neither_known_nor_lost() -> None:
    text = CONFIG.replace("FF_WAIT_FOR_POD_TO_BE_REACHABLE = true", "FF_HONOUR = true\n    FF_USE_FASTZIP = true")
    config = parse_config(text)
    assert undated(config) == ("feature_flags.FF_HONOUR",)
    assert not [path for path in dated(config) if path.startswith("feature_flags.")]
