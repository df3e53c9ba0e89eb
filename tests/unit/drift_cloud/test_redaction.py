"""No secret leaves an answer, wherever it stands in it."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from multiarch.core import secrets
from multiarch.drift.cloud.judge import judge
from multiarch.drift.cloud.redaction import SECRET, Hidden, is_sensitive
from multiarch.drift.model import Check, CheckResult
from multiarch.model.pulumi_answers import Step
from tests.unit.drift_cloud.conftest import URN, document, result, step

PLANTED = "s3cr3t-Pl4nt3d-value"
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET_URN = URN.replace("ConfigMap", "Secret")


def told(
    answer: str,
    *,
    exit_: int = 7,
    check: Check = Check.STATE,
    stderr: str = "",
    environ: Mapping[str, str] = MappingProxyType({}),
) -> CheckResult:
    secrets.remember_environment(environ)
    return judge(check, "gke", result(exit_, answer, stderr)).result


def update(old: dict[str, Any], new: dict[str, Any], *paths: str, urn: str = URN, **more: Any) -> str:
    sides = {
        name: {"urn": urn, "type": urn.split("::")[-2], **trees, **more}
        for name, trees in (("oldState", old), ("newState", new))
    }
    diff = {path: {"kind": "update"} for path in paths} or None
    return document(step("update", urn, **sides, detailedDiff=diff))


def sealed(kind: str = "1b47061264138c4ac30d75fd1eb44270") -> dict[str, str]:
    return {SIGNATURE: kind, "ciphertext": PLANTED, "plaintext": PLANTED}


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("[secret]", PLANTED, "data.token"),
        (PLANTED, "[secret]", "data"),
        ("[secret]", {"token": PLANTED}, "data.token"),
        ({"token": PLANTED}, "[secret]", "data.token"),
        ({"token": PLANTED}, "[secret]", "data"),
        (sealed(), PLANTED, "data"),
        (sealed(), sealed() | {"x": 1}, "data"),
        (sealed("ffffffffffffffffffffffffffffffff"), "plain", "data"),
        (["[secret]", "x"], [PLANTED, "x"], "data[0]"),
        (["x", "[secret]"], [PLANTED], "data"),
        ([{"v": "[secret]"}], [{"v": "a"}, {"v": PLANTED}], "data[1].v"),
    ],
)
@pytest.mark.parametrize("tree", ["inputs", "outputs"])
@pytest.mark.parametrize("check", [Check.STATE, Check.CODE])
def test_a_value_that_is_secret_on_one_side_is_secret_on_both(
    old: object, new: object, path: str, tree: str, check: Check
) -> None:
    for paths in ((path,), ()):
        found = told(update({tree: {"data": old}}, {tree: {"data": new}}, *paths), check=check)
        assert PLANTED not in repr(found)
        assert "ciphertext" not in repr(found)


def test_a_changed_secret_is_still_told_as_changed() -> None:
    found = told(update({"inputs": {"data": "[secret]"}}, {"inputs": {"data": PLANTED}}, "data"))
    one = found.findings[0].differences[0]
    assert (one.path, one.wanted, one.found) == ("data", SECRET, SECRET)
    below = told(update({"inputs": {"data": "[secret]"}}, {"inputs": {"data": {"x": PLANTED}}}, "data.x"))
    assert [(one.wanted, one.found) for one in below.findings[0].differences] == [(SECRET, SECRET)]


def test_a_place_that_is_secret_in_any_step_of_a_resource_is_secret_in_all() -> None:
    sides: dict[str, Any] = {
        "oldState": {"type": "t", "inputs": {"a": PLANTED}},
        "newState": {"type": "t", "inputs": {"a": "other" + PLANTED}},
    }
    read = step("refresh", oldState={"type": "t", "outputs": {"a": "[secret]"}})
    found = told(document(read, step("update", **sides, detailedDiff={"a": {}})), check=Check.CODE)
    assert found.findings[0].differences
    assert PLANTED not in repr(found)


def test_a_kubernetes_secret_is_hidden_though_the_state_does_not_mark_it() -> None:
    old, new = {"data": {"x": "b2xk"}, "stringData": {"y": "o"}}, {"data": {"x": PLANTED}, "stringData": {"y": PLANTED}}
    for paths in (("data.x", "stringData.y"), ("data",), ()):
        found = told(update({"inputs": old}, {"inputs": new}, *paths, urn=SECRET_URN))
        assert found.findings[0].differences
        assert PLANTED not in repr(found)


def test_an_output_that_the_resource_declares_secret_is_hidden() -> None:
    old, new = {"outputs": {"result": "x"}}, {"outputs": {"result": PLANTED}}
    assert PLANTED not in repr(told(update(old, new, "result", additionalSecretOutputs=["result"])))


@pytest.mark.parametrize(
    ("path", "sensitive"),
    [
        (("password",), True),
        (("runnerToken",), True),
        (("auth", 0, "client_key"), True),
        (("masterAuth", "clientCertificate"), True),
        (("kubeconfig",), True),
        (("secrets", "x"), True),
        (("metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"), True),
        (("imagePullSecrets", 0, "name"), False),
        (("secretName",), False),
        (("data", "a"), False),
        (("machineType",), False),
    ],
)
def test_a_name_gives_a_credential_away(path: tuple[str | int, ...], sensitive: bool) -> None:  # noqa: FBT001 - a table's column
    assert bool(is_sensitive(path)) is sensitive


def test_a_text_with_a_sensitive_name_is_hidden_though_nothing_marks_it() -> None:
    for paths in (("auth.password",), ("auth",), ()):
        wanted, found = ({"inputs": {"auth": {"password": value}}} for value in ("x", PLANTED))
        assert PLANTED not in repr(told(update(wanted, found, *paths)))


def test_a_switch_with_a_sensitive_name_is_shown() -> None:
    wanted, found = ({"inputs": {"automountServiceAccountToken": value}} for value in (False, True))
    one = told(update(wanted, found, "automountServiceAccountToken")).findings[0].differences[0]
    assert (one.wanted, one.found) == ("false", "true")


CREDENTIALS = [
    "glrt-abcDEF123456789xyz",
    "glpat-abcDEF123456789xyz",
    "pul-0123456789abcdef0123456789abcdef01234567",
    "ghp_0123456789abcdefghijABCDEFGHIJ012345",
    "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzYSJ9.c2lnbmF0dXJl",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\nMIIEow without an end",
    "https://user:hunter22@registry.example",
]


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_what_looks_like_a_credential_is_hidden_wherever_it_stands(credential: str) -> None:
    text = f"before {credential} after"
    cleaned = secrets.hide_tokens(text)
    assert SECRET in cleaned
    assert cleaned.startswith("before ")
    core = "hunter22" if "hunter22" in credential else "MIIEow" if "MIIE" in credential else credential
    values = told(update({"inputs": {"a": "x"}}, {"inputs": {"a": text, "b": [text]}}, "a", "b"))
    errors = told(document(step("refresh"), diagnostics=[{"severity": "error", "message": text}]), exit_=1)
    plain = told("", exit_=1, stderr=f"error: {text.replace(chr(10), ' ')}")
    for found in (cleaned, repr(values), repr(errors), repr(plain)):
        assert core not in found


@pytest.mark.parametrize("name", ["PULUMI_CONFIG_PASSPHRASE", "AWS_SECRET_ACCESS_KEY", "GITLAB_TOKEN", "DB_PASSWORD"])
def test_the_value_of_a_secret_variable_is_hidden_in_every_text(name: str) -> None:
    answer = document(
        step("refresh", URN + PLANTED),
        diagnostics=[
            {"severity": "info#err", "message": f"x {PLANTED}"},
            {"severity": "error", "urn": URN + PLANTED, "message": f"error: got {PLANTED}"},
        ],
    )
    environ = {name: PLANTED}
    found = [
        told(answer, exit_=1, environ=environ),
        told("", exit_=1, stderr=f"error: {PLANTED}", environ=environ),
        told(PLANTED, exit_=1, environ=environ),
        told(update({"inputs": {"a": "1"}}, {"inputs": {"a": PLANTED}}, "a"), environ=environ),
        told(update({"inputs": {"a": {}}}, {"inputs": {"a": {PLANTED: 1}}}), environ=environ),
    ]
    assert [one for one in found if PLANTED in one.failure or _texts(one, PLANTED)] == []


def _texts(found: CheckResult, planted: str) -> bool:
    """Look in all but the URN: it is the resource's identity, and Pulumi's own output shows it everywhere."""
    return any(planted in f"{one.title} {one.reason} {one.differences}" for one in found.findings)


def test_a_short_or_public_variable_hides_no_words() -> None:
    secrets.remember_environment(
        {"SOME_TOKEN": "yes", "PULUMI_CONFIG_PASSPHRASE_FILE": "/etc/passphrase", "HOME": "/home/ci"}
    )
    assert secrets.hide_tokens("yes, /etc/passphrase in /home/ci") == "yes, /etc/passphrase in /home/ci"


KEYS = st.sampled_from(["a", "b", "data", "spec"])
MARK = "\x00here"
LEAVES = st.sampled_from(["plain", 1, True, None, MARK])
TREES = st.dictionaries(
    KEYS,
    st.recursive(
        LEAVES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=2), max_leaves=5
    ),
    max_size=3,
)
MARKINGS = st.sampled_from([SECRET, "signature"])


def marked(tree: Any, secret: Any) -> Any:
    if isinstance(tree, dict):
        return {key: marked(item, secret) for key, item in tree.items()}
    if isinstance(tree, list):
        return [marked(item, secret) for item in tree]
    return secret if tree == MARK else tree


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TREES, MARKINGS, st.lists(KEYS, max_size=2), st.data())
def test_a_secret_planted_anywhere_is_told_nowhere(
    tree: dict[str, Any], marking: str, paths: list[str], data: st.DataObject
) -> None:
    """One side marks the place as the CLI does, and the other has the value in plain text there."""
    sides = [marked(tree, SECRET if marking == SECRET else sealed()), marked(tree, PLANTED)]
    if data.draw(st.booleans()):
        sides.reverse()
    where = data.draw(st.sampled_from(["inputs", "outputs"]))
    check = data.draw(st.sampled_from([Check.STATE, Check.CODE]))
    answer = update({where: sides[0]}, {where: sides[1]}, *paths)
    for exit_ in (7, 1, 0):
        for text in (answer, answer[:-1], json.dumps(json.loads(answer), indent=1)):
            assert PLANTED not in repr(told(text, exit_=exit_, check=check))


def test_hidden_places_hold_for_every_index_and_for_all_below() -> None:
    hidden = Hidden.of([Step(op="update", urn=URN, old={"inputs": {"a": [{"b": "[secret]"}]}})])
    assert hidden.covers(("a", 7, "b", "c"))
    assert not hidden.covers(("a", 7))
