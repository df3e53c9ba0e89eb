"""Which variables of the user's environment each kind of child process gets; nothing else reaches one.

A variable can lead a tool somewhere else than its arguments say: with `HELM_KUBEAPISERVER` Helm installs into another
cluster than `--kube-context` names. So every process that is started gets a list of its own, and a test holds every
start to that (tests/unit/multiarch/test_environment.py). docs/environment.md shows these lists.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Final, NewType

Environment = NewType("Environment", dict[str, str])
"""The whole environment of a child. Only `environment` makes one, which mypy and a test see to."""

FURTHER: Final = "MULTIARCH_PASS_ENV"
"""Names, separated by commas, of further variables for programs of the user's."""
NEVER_PASSED: Final = ("HELM_", "KUBE")
"""How names begin that no `FURTHER` lets through: they choose the cluster."""

GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "machine": ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR", "TZ", "LANG", "LANGUAGE", "LC_*"),
    "user": (
        "HOME", "USER", "LOGNAME", "SHELL", "XDG_*", "ASDF_DIR", "ASDF_DATA_DIR", "MISE_DATA_DIR", "MISE_CONFIG_DIR",
        "PYENV_ROOT", "PYENV_VERSION",
    ),
    "network": (
        "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy",
        "SSL_CERT_FILE", "SSL_CERT_DIR", "NIX_SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
        "NODE_EXTRA_CA_CERTS", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    ),
    "terminal": (
        "TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "EDITOR", "VISUAL", "BROWSER", "DISPLAY",
        "WAYLAND_DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS", "SSH_AUTH_SOCK", "GPG_TTY", "GNUPGHOME",
    ),
    "clouds": (
        "AWS_*", "GOOGLE_*", "CLOUDSDK_*", "GCE_METADATA_*", "USE_GKE_GCLOUD_AUTH_PLUGIN", "AZURE_*", "ARM_*", "AAD_*",
        "IDENTITY_*", "MSI_*", "DIGITALOCEAN_*", "IBMCLOUD_*", "OCI_*", "OS_*", "RANCHER_*", "TELEPORT_*", "VAULT_*",
        "KREW_ROOT",
    ),
    "registries": ("DOCKER_CONFIG", "HELM_REGISTRY_CONFIG"),
    "python": ("PYTHON*", "VIRTUAL_ENV"),
    "pip": (
        "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX", "PIP_FIND_LINKS", "PIP_TRUSTED_HOST", "PIP_PROXY",
        "PIP_CERT", "PIP_CLIENT_CERT", "PIP_TIMEOUT", "PIP_DEFAULT_TIMEOUT", "PIP_RETRIES", "PIP_CACHE_DIR",
        "PIP_NO_CACHE_DIR", "PIP_CONFIG_FILE", "PIP_KEYRING_PROVIDER", "NETRC",
    ),
    "go": (
        "GOPROXY", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOSUMDB", "GOINSECURE", "GOAUTH", "GOVCS", "GOENV",
        "GOPATH", "GOMODCACHE", "GOCACHE", "GOCACHEPROG", "GOTMPDIR", "GOMAXPROCS", "GOMEMLIMIT", "GOGC", "NETRC",
        "GIT_SSH", "GIT_SSH_COMMAND", "GIT_ASKPASS", "GIT_CONFIG_*", "GIT_SSL_*", "SSH_AUTH_SOCK",
    ),
    "kubeconfig": ("KUBECONFIG",),
    "pulumi": (
        "PULUMI_*", "CI", "CI_*", "GITLAB_*", "GITHUB_TOKEN", "DOCKER_AUTH_CONFIG", "REGISTRY_AUTH_FILE",
        "ARCHMERGE_*", "UV_*", "POETRY_*",
    ),
}  # fmt: skip
"""Variables by what they are for; `*` stands for any end. What a tool is not told to do by them is said below."""
# Left out on purpose: of Go what changes a build (GOFLAGS, GOAMD64, GOEXPERIMENT) or its Go (GOROOT), of pip what
# changes where it installs (PIP_TARGET, PIP_USER), and of all LD_PRELOAD, which changes any program.


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of child: for whom it is, and its groups of variables."""

    text: str
    groups: tuple[str, ...]
    passes: bool = False
    """Whether it also gets what `FURTHER` names: it runs programs of the user's, whose variables nobody can list."""


_LOGIN: Final = ("machine", "user", "network", "terminal", "clouds")


class Child(Enum):
    """The kinds of children that there are."""

    CONTROL_PLANE = Kind("etcd, kube-apiserver and the other programs of the embedded control plane", ())
    OWN = Kind(
        "its supervisor, the registry and the image provider of a mirror's proof, and what prepares a real node",
        ("machine",),
    )
    NODE = Kind("containerd of a real node, which pulls images", ("network",))
    GIT = Kind("git, which serves the sources of a rehearsal to its jobs", ("machine",))
    GITLAB_RUNNER = Kind("gitlab-runner, when a rehearsal's jobs run by the real one", ())
    VERSION = Kind("`pulumi version`", ("machine", "user"))
    PROGRAM = Kind(
        "the Pulumi program as a rehearsal runs it, with or without the engine",
        ("machine", "user", "python", "kubeconfig"),
        passes=True,
    )
    GO = Kind("`go`, when the control plane is built", ("machine", "user", "network", "go"))
    APT = Kind("`apt-get` and `dpkg-deb`, when images are made of Debian's packages", ("machine", "network"))
    PIP = Kind("`pip`, when it brings Go", ("machine", "user", "network", "python", "pip"))
    LOGIN = Kind("login programs of a kubeconfig (`exec`)", (*_LOGIN, "kubeconfig"), passes=True)
    HELM = Kind("Helm, and the login programs that it runs", (*_LOGIN, "registries"), passes=True)
    PULUMI = Kind(
        "Pulumi: `make up`, `preview`, `destroy`, `multiarch drift`, and `config` for a stack's ESC environments",
        (*_LOGIN, "kubeconfig", "registries", "python", "pip", "pulumi"),
        passes=True,
    )


def environment(
    child: Child,
    own: Mapping[str, str] = MappingProxyType({}),
    *,
    without: Iterable[str] = (),
    environ: Mapping[str, str] = os.environ,
) -> Environment:
    """Return the environment of a child: what its kind gets of the user's, but not `without`, and `own` over that."""
    left_out = set(without)
    kept = {name: environ[name] for name in _allowed(child.value, environ) if name not in left_out}
    return Environment({**kept, **own})


def _allowed(kind: Kind, environ: Mapping[str, str]) -> Iterator[str]:
    patterns = [pattern for group in kind.groups for pattern in GROUPS[group]]
    named = _passed(environ) if kind.passes else frozenset()
    return (name for name in environ if name in named or any(fnmatchcase(name, pattern) for pattern in patterns))


def _passed(environ: Mapping[str, str]) -> frozenset[str]:
    named = (name.strip() for name in environ.get(FURTHER, "").split(","))
    return frozenset(name for name in named if not name.startswith(NEVER_PASSED))
