"""Take out of text what looks like a secret, and what is known to be one: the last defence of a report.

Whoever makes a report keeps secrets out of it by where they come from. This catches what slips through in words of
others: a provider's error message, a program's output.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

HIDDEN: Final = "[secret]"
SHORTEST: Final = 6
"""Characters; shorter values of the environment would be found in words that have nothing to do with them."""
_SHAPES: Final = (
    # GitLab's tokens (docs.gitlab.com/security/tokens, "Token prefixes"), GitHub's, Pulumi's, AWS key ids, Google's
    # access tokens, JWTs.
    re.compile(r"\b(?:gl[a-z]{2,6}-|GR1348941|gh[opsur]_|github_pat_|pul-)[A-Za-z0-9_.=-]{8,}"),
    re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    re.compile(r"\bya29\.[A-Za-z0-9_-]{10,}"),
    re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
    re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"),
    re.compile(r"(?i)(?<=bearer )[A-Za-z0-9_.=+/-]{12,}"),
)
_KEY: Final = r"(?:access|account|api|client|private|secret|shared)[_.-]?key"
_NAME: Final = rf"token|passw(?:or)?d|passphrase|secret|credentials?|{_KEY}"
_ASSIGNED: Final = re.compile(
    rf"""(?i)((?:{_NAME})["']?\s*(?:=\s*|:\s+|:(?=["'])))"""
    # After a colon a bare word is prose (`secret: forbidden`), unless it is long and has a digit.
    r"""("[^"\n]*"|'[^'\n]*'|(?<==)[^\s,;"'}]+|(?<==\s)[^\s,;"'}]+|(?=[^\s,;"'}]*\d)[^\s,;"'}]{8,})"""
)
SECRET_NAME: Final = re.compile(rf"(?i)(?:{_NAME})(?:[_.-]?v?[0-9]+)?$")
"""What the name of a secret ends with: of a variable, a key, a field; `TOKEN_2` counts."""
_NO_SECRET: Final = frozenset({"GOOGLE_APPLICATION_CREDENTIALS"})
"""Variables that are called like a secret, and hold the path of one."""


def hide(text: str, known: Iterable[str] = ()) -> str:
    """Replace what looks like a secret by `[secret]`, and each of the `known` values wherever it stands.

    >>> hide('login failed: password="hunter2", token=abc')
    'login failed: password=[secret], token=[secret]'
    >>> hide("secret: forbidden")
    'secret: forbidden'
    """
    return _ASSIGNED.sub(lambda found: f"{found.group(1)}{HIDDEN}", hide_tokens(text, known))


def hide_tokens(text: str, known: Iterable[str] = ()) -> str:
    """Like `hide`, but for names: only what has a secret's own shape, not what stands beside a telling word."""
    for value in known:
        text = text.replace(value, HIDDEN)
    for pattern in _SHAPES:
        text = pattern.sub(HIDDEN, text)
    return text


def secret_values(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the values of the variables that are called like secrets, the longest first."""
    values = {
        value
        for name, value in environment.items()
        if SECRET_NAME.search(name) and name not in _NO_SECRET and len(value) >= SHORTEST
    }
    return tuple(sorted(values, key=lambda value: (-len(value), value)))
