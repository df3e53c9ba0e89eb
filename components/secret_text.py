"""What a secret looks like, by its shape or by the name it stands under: so that no text ever repeats one. Pure.

The only list of both in `components` and `multiarch`, which tests/unit/redaction/test_one_list.py holds them to:
checks refuse by it, policies look by it, and all redaction hides by it. `archmerge` stands alone and has its own.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

NOT_SHOWN: Final = "(not shown)"


class Shape(NamedTuple):
    """What all secrets of a kind look like. It may follow any letter, such as an escape's."""

    hints: tuple[str, ...]
    """Each such secret has one of them, or follows it: a word is found a hundred times faster than a pattern."""
    pattern: str
    """To be used with `re.ASCII`; it matches within one line."""


_LOGIN: Final = r"""(?=[\w.~+/-]*(?:[0-9]|[a-z][A-Z]|==?(?![\w"']))|[\w.~+/-]{24})[\w.~+/:-]{8,}=*"""

GITLAB_TOKEN: Final = "a GitLab token"  # noqa: S105 - the name of a kind
AWS_KEY: Final = "an AWS access key"
AZURE_STORAGE_KEY: Final = "an Azure storage key"
SHAPES: Final[Mapping[str, Shape]] = MappingProxyType(
    {
        # docs.gitlab.com/security/tokens, "Token prefixes"; what is shorter is no token.
        GITLAB_TOKEN: Shape(
            ("gl", "GR1348941"),
            r"(?:gl(?:pat|oas|dt|rtr?|cbt|ptt|ft|imt|agent|wt|soat|ffct)-|GR1348941)[\w.=-]{8,}",
        ),
        "a GitHub token": Shape(("gh", "github_pat_"), r"(?:gh[opsur]_|github_pat_)\w{16,}"),
        "a Pulumi token": Shape(("pul-",), r"pul-\w{16,}"),
        AWS_KEY: Shape(("AKIA", "ASIA"), r"(?:AKIA|ASIA)[A-Z0-9]{16}"),
        "a token of `aws eks get-token`": Shape(("k8s-aws-v1.",), r"k8s-aws-v1\.[\w=-]{10,}"),
        "a Google access token": Shape(("ya29.",), r"ya29\.[\w.-]{10,}"),
        "a Google refresh token": Shape(("1//",), r"(?<!\w)1//[\w-]{20,}"),
        "a Google API key": Shape(("AIza",), r"AIza[\w-]{35}"),
        "a Google OAuth client secret": Shape(("GOCSPX-",), r"GOCSPX-[\w-]{20,}"),
        "an Entra client secret": Shape(("7Q~", "8Q~"), r"[\w~.-]{3}[78]Q~[\w~.-]{31,34}"),
        AZURE_STORAGE_KEY: Shape(("AccountKey=",), r"(?<=AccountKey=)[A-Za-z0-9+/=]{20,}"),
        # A storage key alone; not npm's sha512-...
        "64 bytes in base64": Shape(("==",), r"(?<![A-Za-z0-9+/-])[A-Za-z0-9+/]{86}=="),
        "an Azure shared access signature": Shape(("sig=",), r"(?<=[?&;]sig=)[\w%+/=-]{20,}"),
        "an OpenShift token": Shape(("sha256~",), r"sha256~[\w-]{16,}"),
        "a Rancher token": Shape(
            ("kubeconfig-", "token-"), r"(?:kubeconfig-[\w.-]+:[a-z0-9]{16,}|token-[a-z0-9]+:[a-z0-9]{50,})"
        ),
        # Service accounts, OIDC.
        "a JSON Web Token": Shape(("eyJ",), r"eyJ[\w-]{10,}\.[\w-]+(?:\.[\w-]*)?"),
        "a password in a URL": Shape(("://",), r"""(?<=://)[^\s/:@"'<>\\]*:[^\s/"'<>\\]*(?=@)"""),
        "a long user name in a URL": Shape(("://",), r"""(?<=://)[^\s/:@"'<>\\]{20,}(?=@)"""),
        # `Bearer realm=...` and `basic authentication` are words.
        "a login header": Shape(
            ("earer ", "asic ", "EARER ", "ASIC "), rf"(?:(?i:(?<=bearer ))|(?i:(?<=basic ))) *{_LOGIN}"
        ),
    }
)
"""Kind to shape."""

ANY_SHAPE: Final = re.compile("|".join(shape.pattern for shape in SHAPES.values()), re.ASCII)
HINTS: Final = tuple(dict.fromkeys(hint for shape in SHAPES.values() for hint in shape.hints))

PRIVATE_KEY: Final = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?:\\[nrt]|&#1[03];|[A-Za-z0-9+/=\s:,-])*")
"""The one shape of several lines, also as JSON and XML escape its line breaks. Bounded: text that follows a key that
was cut off is another's."""

RUNNER_TOKEN: Final = re.compile(r"glrt-[A-Za-z0-9_.-]+")
"""The whole of a runner's authentication token: letters, digits, '-', '_' and, since GitLab 18, dots ("routable")."""

_KEY: Final = r"(?:access|account|api|client|private|secret|shared)[_.-]?key(?:[_.-]?data)?"
NAME: Final = rf"token|passw(?:or)?d|passphrase|secret|credentials?|jwt|{_KEY}"
"""The pattern of what secrets are called, in any case of letters."""
SECRET_NAME: Final = re.compile(rf"(?i)(?:{NAME}|(?<=[_.-])(?:pass|pwd|pat))(?:[_.-]?v?[0-9]+)?$")
"""What the name of a secret ends with: of a variable, a key, a field; `TOKEN_2` counts."""
NAME_HINTS: Final = ("token", "passw", "passphrase", "secret", "credential", "jwt", "key")
"""Each such name has one of them, but for the shortest."""

_VARIABLE: Final = re.compile(r"\$(?:[A-Za-z_]\w*|\{[A-Za-z_]\w*\})", re.ASCII)
"""Nothing but another variable's value."""

_NO_REASON: Final = frozenset({"64 bytes in base64", "a long user name in a URL"})
"""Hidden, and no reason to refuse a setting: a digest is as long, and so is the public user of a Sentry DSN."""


def secret_in(text: str) -> str | None:
    """Return what kind of secret a text surely holds (`an AWS access key`), or None."""
    if PRIVATE_KEY.search(text):
        return "a private key"
    return next((what for what in SHAPES if what not in _NO_REASON and holds(what, text)), None)


def secret_under(name: str, value: object) -> str | None:
    """Return why an entry of a mapping is a secret in plain text, by its shape, or by its name; or None.

    A switch is none, nor is a name of a secret's place: `TOKEN_FILE`, or another variable as the value, `$DB_PASSWORD`.

    >>> secret_under("DB_PASSWORD", "hunter2")
    'a secret in plain text, by its name'
    >>> secret_under("DB_PASSWORD", "$PASSWORD_OF_GITLAB")
    """
    if (what := secret_in(name)) is not None:
        return f"a key that looks like {what}"
    text = str(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float) or text in ("", "true", "false"):
        return None
    if (what := secret_in(text) or secret_in(f"{name}={text}")) is not None:
        return f"looks like {what}"
    named = SECRET_NAME.search(name) and not _VARIABLE.fullmatch(text)
    return "a secret in plain text, by its name" if named else None


def holds(what: str, text: str) -> bool:
    """Tell whether a text has a secret of one kind, a key of `SHAPES`."""
    shape = SHAPES[what]
    return any(hint in text for hint in shape.hints) and re.search(shape.pattern, text, re.ASCII) is not None


def blotted(text: str) -> str:
    """Replace what looks like a secret by `(not shown)`.

    >>> blotted("https://me:hunter2@proxy:3128 is no URL")
    'https://(not shown)@proxy:3128 is no URL'
    """
    return ANY_SHAPE.sub(NOT_SHOWN, PRIVATE_KEY.sub(NOT_SHOWN, text))
