"""What a secret looks like, by its shape or by the name it stands under: so that no message ever repeats one. Pure."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

NOT_SHOWN: Final = "(not shown)"

SHAPES: Final[Mapping[str, re.Pattern[str]]] = MappingProxyType(
    {
        # GitLab's prefixes (docs.gitlab.com, "Token prefixes"); what is shorter is no token.
        "a GitLab token": re.compile(
            r"(?<![A-Za-z0-9])(?:gl(?:rt|rtr|pat|dt|cbt|ptt|ft|imt|agent|soat|ffct|oas)-|GR1348941)[\w.-]{8,}"
        ),
        "a GitHub token": re.compile(r"\b(?:gh[opsur]_|github_pat_)\w{16,}"),
        "an AWS access key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
        "an Azure storage key": re.compile(r"AccountKey=[A-Za-z0-9+/=]{20,}"),
        "a Google access token": re.compile(r"\bya29\.[\w-]{10,}"),
        "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*", re.DOTALL),
        "a JSON Web Token": re.compile(r"\beyJ[\w-]{10,}\.[\w-]+\.[\w-]*"),
        "an OpenShift token": re.compile(r"\bsha256~[\w-]{16,}"),
        "a Rancher token": re.compile(r"\b(?:kubeconfig-[\w-]+|token-[a-z0-9]{5}):[a-z0-9]{16,}"),
        "a login header": re.compile(r"(?i)\b(?:bearer|basic) +[\w.=+/-]{12,}"),
        "a password in a URL": re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"),
    }
)

SECRET_NAME: Final = re.compile(
    r"(?i)(?:token|passw(?:or)?d|passphrase|secret|credentials?"
    r"|(?:access|account|api|client|private|secret|shared)[_.-]?key)(?:[_.-]?v?[0-9]+)?$"
)
"""What the name of a secret ends with: of a variable, a key, a field; `TOKEN_2` counts."""


def secret_in(text: str) -> str | None:
    """Return what kind of secret a text holds (`an AWS access key`), or None."""
    return next((what for what, pattern in SHAPES.items() if pattern.search(text)), None)


def blotted(text: str) -> str:
    """Replace what looks like a secret by `(not shown)`.

    >>> blotted("https://me:hunter2@proxy:3128 is no URL")
    'https://(not shown)@proxy:3128 is no URL'
    """
    for pattern in SHAPES.values():
        text = pattern.sub(NOT_SHOWN, text)
    return text
