"""What values of the runner's settings look like, beside the names of Kubernetes."""

import ipaddress
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator

from components.forms import Form, quoted, wrong
from components.kubernetes_names import DnsLabel

LONGEST_RELEASE: Final = 53
"""Helm's own limit on a release's name."""
_SYSTEM: Final = ("default", "kube-system", "kube-public", "kube-node-lease")
_VERSION: Final = r"v?[0-9]+\.[0-9]+\.[0-9]+"


def _own(namespace: str) -> str:
    if namespace not in _SYSTEM:
        return namespace
    raise wrong(
        f"{quoted(namespace)} is a namespace of the cluster itself",
        "Use a namespace for the runner alone.",
        "the stack would put Pod Security labels and network policies on it, and delete it in the end",
    )


def _gitlab_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        parts, host, port = urlsplit(""), "", None
    if parts.scheme not in ("http", "https") or not host or port == 0 or parts.query or parts.fragment:
        shown = "" if "@" in url else f"{quoted(url)} is "
        raise wrong(f"{shown}not the URL of a server", "Write it as https://gitlab.example.com.")
    if parts.username is not None or parts.password is not None:
        raise wrong("has credentials in it", f"Write {parts.scheme}://{host}: the runner does not use them.")
    if parts.scheme != "https" and not _is_local(host):
        fix = f"Use https://{url.removeprefix('http://')}, or tokens would cross the network readable."
        raise wrong(f"{quoted(url)} is not https", fix)
    return url


def _is_local(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


GitlabUrl = Annotated[str, AfterValidator(_gitlab_url)]

Namespace = Annotated[DnsLabel, AfterValidator(_own)]
ReleaseName = Annotated[
    str,
    Form(
        rf"[a-z0-9]([a-z0-9-]{{0,{LONGEST_RELEASE - 2}}}[a-z0-9])?",
        "name of a Helm release",
        f"at most {LONGEST_RELEASE} lower-case letters, digits and '-'",
    ),
]
ChartVersion = Annotated[
    str,
    Form(
        rf"{_VERSION}(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?",
        "chart version",
        "an exact version, for example 0.92.2: Helm would take whatever matches on the day of the update",
    ),
]
ChartRepository = Annotated[
    str,
    Form(
        r"https?://[^\s@]+",
        "URL of a Helm repository",
        "one, such as https://charts.gitlab.io; an OCI registry belongs in reference",
    ),
]
ChartReference = Annotated[
    str,
    Form(
        r"oci://[^\s:@]+(:[0-9]+)?/[^\s:@]+",
        "OCI reference without tag",
        "oci://registry.example.com/charts/gitlab-runner, and its tag as version",
    ),
]
RunnerVersion = Annotated[str, Form(_VERSION, "version", "the chart's appVersion, such as 19.1.1")]
HelperImage = Annotated[
    str,
    Form(
        r"auto|upstream|mirror|[^\s/]+/\S+",
        "helper image",
        "auto, upstream, mirror, or registry/name:tag",
    ),
]
