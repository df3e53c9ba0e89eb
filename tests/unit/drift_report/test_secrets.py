"""No secret gets into any rendering, wherever a document had it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multiarch.core.render import FORMATS
from multiarch.core.secrets import HIDDEN, hide, hide_in, hide_tokens, remember_environment, secret_values
from multiarch.drift.model import Comparison
from multiarch.drift.report.words import WORDS, to_report
from tests.unit.drift_report import sample
from tests.unit.drift_report.test_terminal import printed

SECRETS = (
    "glpat-AbCdEf123456789",
    "glrt-t1_AbCdEf123456789",
    "ghp_AbCdEf1234567890AbCdEf",
    "pul-0123456789abcdef0123",
    "AKIAIOSFODNN7EXAMPLE",
    "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2lnbmF0dXJl",
)
AROUND = st.sampled_from(["", " ", "(", "token ", "x=", '"'])
PLANTED = st.builds(lambda before, secret: f"{before}{secret} after", AROUND, st.sampled_from(SECRETS))


def renderings(report: Comparison) -> dict[str, str]:
    return {
        **{option: found.render(to_report(report), WORDS) for option, found in FORMATS.items()},
        "terminal": "".join(printed(report, 400).split()),
    }


@settings(max_examples=25, deadline=None)
@given(sample.reports(PLANTED))
def test_a_token_is_in_no_rendering_wherever_it_was(report: Comparison) -> None:
    for name, text in renderings(hide_in(report)).items():
        assert not [secret for secret in SECRETS if secret in text], name


@settings(max_examples=25, deadline=None)
@given(sample.reports(st.just("it said correct horse battery staple, twice")))
def test_a_value_of_the_environment_is_in_no_rendering_wherever_it_was(report: Comparison) -> None:
    remember_environment({"PULUMI_CONFIG_PASSPHRASE": "correct horse battery staple", "HOME": "twice, I said"})
    for name, text in renderings(hide_in(report)).items():
        assert "horse" not in text, name


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ('password="hunter2"', "hunter2"),
        ("password=hunter2", "hunter2"),
        ("PASSWORD = hunter2", "hunter2"),
        ('"token": "abc def"', "abc def"),
        ("'apiKey':'abc'", "abc"),
        ("passphrase: correct1horse", "correct1horse"),
        ("AWS_SECRET_ACCESS_KEY=abc/def+1", "abc/def+1"),
        ("https://user:hunter2@example.com/x", "hunter2"),
        ("Authorization: Bearer abcdefghijklmnop", "abcdefghijklmnop"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "MIIE"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE", "MIIE"),
    ],
)
def test_what_stands_beside_a_telling_word_is_hidden(text: str, secret: str) -> None:
    assert secret not in hide(text)
    assert HIDDEN in hide(text)


@pytest.mark.parametrize(
    "text",
    [
        "secret: forbidden",
        "could not read the token: connection refused",
        "urn:pulumi:gke::acme::kubernetes:core/v1:Secret::token-1-for-the-runner",
        "core/v1 Secret gitlab-runner/cache-credentials",
        "spec.template.spec.volumes[secret].projected",
        "sha256:4dabf18193072939515e22adb298388d2e4dabf18193072939515e22adb298388d",
        "the secret store answered 403",
    ],
)
def test_plain_words_stay(text: str) -> None:
    assert hide(text) == text
    assert hide_tokens(text) == text


@given(st.text(max_size=60))
def test_hiding_twice_hides_no_more(text: str) -> None:
    assert hide(hide(text)) == hide(text)


def test_only_variables_that_are_called_like_secrets_and_are_long_enough_are_known() -> None:
    environment = {
        "CI_JOB_TOKEN": "abcdefgh1",
        "AWS_SECRET_ACCESS_KEY": "abcdefgh2",
        "ARM_CLIENT_SECRET": "short",
        "AWS_ACCESS_KEY_ID": "abcdefgh3",
        "GOOGLE_APPLICATION_CREDENTIALS": "/home/ci/key.json",
        "CI_COMMIT_REF_NAME": "abcdefgh4",
        "DEPLOY_TOKEN_2": "abcdefgh5",
        "KUBECONFIG": "/home/ci/config",
        "CI_JOB_JWT_TOKEN_FILE": "/home/ci/token",
        "STORAGE_SHARED_KEY": "abcde6",
    }
    assert secret_values(environment) == ("abcdefgh1", "abcdefgh2", "abcdefgh5", "abcde6")


def test_a_longer_secret_is_hidden_before_one_that_it_begins_with() -> None:
    remember_environment({"A_TOKEN": "abcdefgh", "B_TOKEN": "abcdefgh-and-more"})
    assert hide("abcdefgh-and-more") == HIDDEN
