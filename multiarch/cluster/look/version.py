"""Kubernetes versions: read, compared, and what they mean for Pod Security."""

import re
from typing import Final

from components.clouds.existing import EXISTING
from multiarch.core.verdict import Answer, Verdict

_VERSION: Final = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?")
_POD_SECURITY_STABLE: Final = (1, 25)
_POD_SECURITY_ON: Final = (1, 23)


def parsed(version: str) -> tuple[int, int] | None:
    """Return major and minor of `1.34.2-gke.1200`; None for what is no version."""
    match = _VERSION.match(version)
    return (int(match[1]), int(match[2])) if match else None


def pod_security(version: str, provider: str) -> Answer:
    """Tell whether Pod Security admission enforces the levels that namespaces are labelled with.

    Nobody can ask an API server whether an admission plugin is on without creating something; the version tells that
    it is built in (Kubernetes documentation, "Pod Security Admission": on by default since 1.23, stable since 1.25),
    and managed clusters don't let it be turned off.
    """
    found = parsed(version)
    if found is None:
        return Answer(verdict=Verdict.UNKNOWN, because=f"'{version}' is not a version that can be read")
    if found < _POD_SECURITY_ON:
        return Answer(verdict=Verdict.NO, because=f"Kubernetes {version} is older than 1.23, which turned it on")
    if found < _POD_SECURITY_STABLE:
        return Answer(verdict=Verdict.UNKNOWN, because=f"a beta feature of Kubernetes {version}, which may be off")
    if provider == EXISTING.name:
        because = (
            "built in since 1.25; whether a flag of the API server turns it off cannot be seen without creating a pod"
        )
        return Answer(verdict=Verdict.UNKNOWN, because=because)
    return Answer(verdict=Verdict.YES, because=f"built in since 1.25, and {provider} leaves it on")
