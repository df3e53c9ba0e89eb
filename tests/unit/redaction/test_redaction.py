"""No secret leaves the process, whatever surrounds it; and no innocent text is lost."""

import json
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from multiarch import cli
from multiarch.cluster.errors import LoginError
from multiarch.cluster.settings import settings_of
from multiarch.core.secrets import hide, hide_in, hide_tokens, hide_written, remember
from multiarch.core.streams import redacted_streams

CORE = "Xq7" + "Zr4vT9bL2m" * 5
SHAPED = (
    *(
        f"{prefix}-{CORE}"
        for prefix in ("glpat", "glrt", "glrtr", "gldt", "glcbt", "glptt", "glagent", "gloas", "glft")
    ),
    *(f"{prefix}{CORE}" for prefix in ("sha256~", "ghp_", "github_pat_", "pul-", "ya29.", "k8s-aws-v1.", "GOCSPX-")),
    f"kubeconfig-u-abcde:{CORE.lower()}",
    f"token-abcde:{CORE.lower()}",
    "AKIAXQ7ZR4VT9BL2MXQ7",
    "ASIAXQ7ZR4VT9BL2MXQ7",
    f"eyJhbGciOiJSUzI1NiJ9.{CORE}.{CORE}",
    f"https://user:{CORE}@host/path",
    f"Bearer {CORE}",
    f"Authorization: Basic {CORE}==",
    f"-----BEGIN RSA PRIVATE KEY-----\n{CORE}\n-----END RSA PRIVATE KEY-----",
    f"aws_secret_access_key={CORE}",
    f'"clientSecret": "{CORE}"',
)
INNOCENT = (
    "registry.example.com/a/b@sha256:4dabf18193072939515e22adb298388d2e4dabf18193072939515e22adb298388d",
    "536aac4d1c0b1a6d2f6b0f4b1e9c5a7d8e9f0a1b",
    "uid: 0b9f7e2c-9d5b-4f7e-8a3c-2d1e0f9a8b7c, resourceVersion: 123456789",
    "arn:aws:iam::123456789012:role/gitlab-runner-jobs",
    "global-accelerator-controller",
    "basic authentication, Bearer realm=x, a bearer token",
    '"secret": "gitlab-runner-token-2", "token": "forbidden"',
    "https://host:8443/api/v1/namespaces/kube-system/secrets?limit=500",
    "--from-literal=runner-token=TOKEN, password=$PASSWORD",
)


@given(st.sampled_from(SHAPED), st.text(max_size=20), st.text(" \n(,;\"'<>[]{}\\x1b", max_size=8))
def test_a_shaped_secret_survives_in_no_surroundings(secret: str, before: str, after: str) -> None:
    core = secret if secret[:2] in ("AK", "AS") else CORE[:30]
    shown = hide_written(f"{before} {secret}{after}")
    assert core not in shown
    assert core.lower() not in shown.lower()
    assert hide_written(shown) == shown


@pytest.mark.parametrize("secret", SHAPED)
def test_json_stays_json_and_has_no_secret(secret: str) -> None:
    text = hide_written(json.dumps({"a": f"said {secret}", "b": [secret], "c": "after"}, indent=2))
    assert json.loads(text)["c"] == "after"
    assert CORE[:30].lower() not in text.lower()


@pytest.mark.parametrize("text", INNOCENT)
def test_innocent_text_stays(text: str) -> None:
    assert hide_written(text) == text
    assert hide_tokens(text) == text


def test_a_known_value_is_hidden_however_it_is_written() -> None:
    remember(['p"ss w\\rd/ü'])
    for text in ('p"ss w\\rd/ü', json.dumps('p"ss w\\rd/ü'), "cCJzcyB3XHJkL8O8", "p%22ss%20w%5Crd%2F%C3%BC"):
        assert "[secret]" in hide(text), text
    assert hide_in({"x": ('p"ss w\\rd/ü', 1)}) == {"x": ("[secret]", 1)}


def test_a_secret_split_over_writes_is_hidden_in_both_streams(capsys: pytest.CaptureFixture[str]) -> None:
    with redacted_streams():
        for stream in (sys.stdout, sys.stderr):
            stream.write(f"x glrt-{CORE[:9]}")
            stream.write(f"{CORE[9:]} y\n")
    out, err = capsys.readouterr()
    assert out == err == "x [secret] y\n"


def test_the_traceback_of_an_unforeseen_error_has_no_secret(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise RuntimeError(f"Invalid header value b'Bearer sha256~{CORE}\\n', password=hunter22")

    monkeypatch.setattr(cli, "multiarch", fail)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = "".join(capsys.readouterr())
    assert ended.value.code == 3
    assert "RuntimeError" in said
    assert CORE not in said
    assert "hunter22" not in said


@pytest.mark.parametrize(("inline", "filed"), [(None, "sha256~abc\n"), ("other", " sha256~abc \r\n")])
def test_the_token_file_is_trimmed_and_wins_as_with_kubectl(tmp_path: Path, inline: str | None, filed: str) -> None:
    (tmp_path / "token").write_text(filed)
    settings = settings_of(_kubeconfig(tmp_path, {"tokenFile": "token", **({"token": inline} if inline else {})}), "it")
    assert settings.api_key["BearerToken"] in ("Bearer sha256~abc", "sha256~abc")


def test_a_token_with_a_line_break_inside_is_told_without_the_token(tmp_path: Path) -> None:
    with pytest.raises(LoginError, match="line break") as error:
        settings_of(_kubeconfig(tmp_path, {"token": f"{CORE}\nmore"}), "it")
    assert CORE not in str(error.value)


def _kubeconfig(folder: Path, user: dict[str, str]) -> Path:
    document = {
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:9"}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "it", "context": {"cluster": "c", "user": "u"}}],
    }
    path = folder / "config"
    path.write_text(yaml.safe_dump(document))
    return path
