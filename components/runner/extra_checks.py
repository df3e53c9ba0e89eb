"""Checks of `runner.values` beyond their types: no secret, no template, nothing that undoes what the stack sets.

What the chart does with each key was read in its templates (0.90.1): some texts go through Helm's `tpl`, some are
written into YAML, TOML or a shell script without quotes, and maps beside the chart's own keys, where the last one wins.
"""

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from components.problems import Problem
from components.reading import did_you_mean, joined
from components.runner.executor import AZURE_LABEL, NO_EVICTION
from components.runner.extra_values import ExtraValues
from components.secret_text import secret_under

_PATH: Final = "runner.values"
_Keys = tuple[str | int, ...]

# What a manager reads that configures no runner: proxies, Go's runtime and certificates, the clouds' SDKs. No others:
# each flag of `gitlab-runner register` has a variable, which wins over the template that the stack makes.
_ENV: Final = (
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy"),
    *("TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "GODEBUG", "GOMAXPROCS", "GOMEMLIMIT", "GOGC", "GOTRACEBACK"),
    *("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_STS_REGIONAL_ENDPOINTS", "AWS_CA_BUNDLE"),
    *("AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT", "GOOGLE_CLOUD_PROJECT", "AZURE_AUTHORITY_HOST"),
)
_OF_CHART: Final = ("app", "chart", "release", "heritage")
_OF_HELM: Final = (*_OF_CHART, "app.kubernetes.io/managed-by")
_OWN_PREFIX: Final = "multiarch-runner.io/"
# Keys that the chart or the stack writes into the same map; an entry that ends with `/` is a whole prefix.
_TAKEN: Final[Mapping[_Keys, tuple[str, ...]]] = {
    ("podLabels",): (*_OF_CHART, _OWN_PREFIX, *AZURE_LABEL),
    ("podAnnotations",): (
        *NO_EVICTION,
        _OWN_PREFIX,
        "checksum/",
        "prometheus.io/scrape",
        "prometheus.io/port",
        # Old spellings of profiles that the restricted level wants as they are.
        "container.apparmor.security.beta.kubernetes.io/",
        "seccomp.security.alpha.kubernetes.io/",
    ),
    ("deploymentLabels",): (*_OF_HELM, _OWN_PREFIX),
    ("deploymentAnnotations",): ("meta.helm.sh/", "deployment.kubernetes.io/", _OWN_PREFIX),
    ("configMapLabels",): (*_OF_HELM, _OWN_PREFIX),
    ("metrics", "podMonitor", "labels"): _OF_HELM,
    ("metrics", "podMonitor", "annotations"): ("meta.helm.sh/",),
    ("service", "labels"): _OF_HELM,
    ("service", "annotations"): ("meta.helm.sh/",),
}

_VOLUMES_OF_CHART: Final = ("runner-secrets", "etc-gitlab-runner", "projected-secrets", "custom-certs", "configmaps")
# Where the chart's scripts, config.toml, token and programs are; nothing may be mounted there, above or below.
_MOUNTED: Final = (
    *("/configmaps", "/secrets", "/home/gitlab-runner/.gitlab-runner", "/etc/gitlab-runner", "/entrypoint"),
    *("/bin", "/sbin", "/lib", "/usr/bin", "/usr/sbin", "/usr/lib", "/usr/local/bin"),
    *("/var/run/secrets", "/run/secrets", "/etc/passwd", "/proc", "/dev", "/sys"),
)


def check_values(values: ExtraValues) -> list[Problem]:
    """Return what is wrong with `runner.values`, which have their types already. No message repeats a secret."""
    found = _found(dict(values))
    return [*_plain(found)] or [
        *_maps(found),
        *_environment(values),
        *_volumes(values),
    ]


_Found = list[tuple[_Keys, Any]]


def _found(value: object, keys: _Keys = ()) -> _Found:
    """List every value with its keys, parents first."""
    entries: Iterable[tuple[str | int, object]] = ()
    if isinstance(value, Mapping):
        entries = value.items()
    elif isinstance(value, list):
        entries = enumerate(value)
    return [pair for key, entry in entries for pair in [((*keys, key), entry), *_found(entry, (*keys, key))]]


def _problem(keys: Iterable[str | int], found: str, fix: str, consequence: str = "") -> Problem:
    return Problem(path=joined(_PATH, *keys), found=found, consequence=consequence, fix=fix)


def _plain(found: _Found) -> Iterator[Problem]:
    """Find what must be nowhere: secrets, templates, null."""
    for keys, value in found:
        name = str(keys[-1])
        if (secret := secret_under(name, value)) is not None:
            fix = (
                "Put it into a Secret and name that, for a variable by extraEnvFrom with a secretKeyRef; "
                "the runner's token is `pulumi config set --secret multiarch-runner:runnerToken`."
            )
            yield _problem(keys, secret, fix, "Helm keeps values readable in the release's Secret")
        elif "{{" in name or (isinstance(value, str) and "{{" in value):
            yield _problem(keys, "a Helm template, which the chart would run", "Write the text itself, without '{{'.")
        elif value is None:
            fix = "Give it a value, or remove the key."
            yield _problem(keys, "empty", fix, "Helm reads null as an order to remove a value")


def _maps(found: _Found) -> Iterator[Problem]:
    """Find labels and annotations that somebody else writes."""
    for keys, _ in found:
        name, taken = str(keys[-1]), _TAKEN.get(keys[:-1], ())
        if any(name == key or (key.endswith("/") and name.startswith(key)) for key in taken):
            consequence = "the last one would win, and undo the other"
            yield _problem(keys, "set by the stack or the chart itself", "Remove it.", consequence)


def _environment(values: ExtraValues) -> Iterator[Problem]:
    plain, sources = values.get("extraEnv", {}), values.get("extraEnvFrom", {})
    yield from (_unknown_variable("extraEnv", name) for name in plain if name not in _ENV)
    yield from (_unknown_variable("extraEnvFrom", name) for name in sources if name not in _ENV)
    for name, source in sources.items():
        path = ("extraEnvFrom", name)
        if name in plain:
            yield _problem(path, "also in extraEnv", "Keep one of them.")
        if len(source) != 1:
            fix = "Keep exactly one of secretKeyRef, configMapKeyRef and fieldRef."
            yield _problem(path, f"{len(source)} sources", fix)


def _unknown_variable(key: str, name: str) -> Problem:
    meant = did_you_mean(name, _ENV)
    known = ", ".join(name for name in _ENV if name == name.upper())
    return _problem(
        (key, name),
        "not one of the variables that can be set",
        f"Did you mean {meant}?" if meant else f"Use the keys of `runner`. Can be set: {known}.",
        "variables of the manager override the stack's config.toml (KUBERNETES_PRIVILEGED would)",
    )


def _volumes(values: ExtraValues) -> Iterator[Problem]:
    volumes = values.get("volumes", [])
    for index, volume in enumerate(volumes):
        path = ("volumes", index)
        if len(volume) != len(("name", "source")):
            yield _problem(path, f"{len(volume) - 1} sources", "Keep exactly one of them.")
        if volume["name"] in _VOLUMES_OF_CHART:
            yield _problem((*path, "name"), "a name that the chart uses itself", "Use another name.")
    names = [volume["name"] for volume in volumes]
    if len(set(names)) != len(names):
        yield _problem(("volumes",), "used twice", "Rename one.")
    for index, mount in enumerate(values.get("volumeMounts", [])):
        if mount["name"] not in names:
            fix = "Add it to volumes, or correct the name."
            yield _problem(("volumeMounts", index, "name"), "not among volumes", fix)
        if not _is_free(mount["mountPath"]):
            yield _problem(
                ("volumeMounts", index, "mountPath"),
                "not an absolute path, or one that the chart uses itself",
                "Mount it elsewhere, for example below /mnt.",
            )


def _is_free(path: str) -> bool:
    """Tell whether a mount hides none of the chart's own."""
    if not path.startswith("/") or ":" in path or ".." in path.split("/"):
        return False
    plain = "/" + posixpath.normpath(path).strip("/")
    return not any(
        f"{plain}/".startswith(f"{own}/") or f"{own}/".startswith(f"{plain.rstrip('/')}/") for own in _MOUNTED
    )
