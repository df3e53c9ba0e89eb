"""A stack file's text: commented, in the layout of the shipped ones, and the same bytes for the same look and answers.

No date is in it, and no secret. Every text that came from outside goes through `scalar` or, in a comment, `comment`.
"""

import math
import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Final

import yaml

from components.clouds import cloud_of, machine_type
from components.clouds.existing import EXISTING
from components.stack_keys import NAMESPACE
from multiarch.cluster.look.model import Look
from multiarch.core.printable import one_line
from multiarch.model.clouds import KNOWN
from multiarch.onboard.answers.model import Answers
from multiarch.onboard.answers.place import location_of, section_of
from multiarch.onboard.decide.model import Decision, PoolPlan
from multiarch.onboard.write.login import login_of

WIDTH: Final = 118
_PLAIN: Final = re.compile(r"[A-Za-z/~][A-Za-z0-9._/@~+=-]*(:[A-Za-z0-9._/@~+=-]+)*")
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n", "inf", "nan"})


def render(look: Look, answers: Answers, decision: Decision) -> str:
    """Return the stack file's text, with a newline at its end."""
    lines = ["# yaml-language-server: $schema=../docs/stack.schema.json", "#"]
    lines += [*_head(look, answers), "", "config:"]
    lines += _provider(answers)
    lines += _cluster(answers)
    lines += _pools(answers, decision)
    lines += _runner(answers)
    return "\n".join(line.rstrip() for line in lines) + "\n"


def scalar(value: str) -> str:
    """Write a text so that it is read back as this text: plain where YAML can't misunderstand it, else in quotes."""
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS and yaml.safe_load(value) == value:
        return value
    # Escapes all but ASCII, on one line: what YAML 1.2 readers of any language agree on.
    return yaml.safe_dump(value, default_style='"', allow_unicode=False, width=math.inf).strip()


def comment(text: str, indent: int = 0) -> list[str]:
    """Write a text of any length as comment lines."""
    prefix = " " * indent + "# "
    return textwrap.wrap(one_line(text), WIDTH, initial_indent=prefix, subsequent_indent=prefix, break_on_hyphens=False)


def _head(look: Look, answers: Answers) -> Iterator[str]:
    yield from comment(f"{_title(look, answers)}.")
    yield "# Written by `multiarch onboard`; edit it like any other stack file."
    yield "#"
    stack = answers.stack
    yield f"#   multiarch rehearse --stack {stack}      proves this file on an embedded control plane"
    yield f"#   make up STACK={stack}                   does it for real"
    yield "#"
    yield "# Every key is explained in docs/config.md. Before the first `make up`:"
    if answers.pools == "create" and answers.access == "cloud":
        yield f"#   {login_of(answers.cluster_type).command}"
    yield f"#   pulumi stack select --create {stack}"
    if answers.own_token:
        yield f"#   pulumi config set --secret {NAMESPACE}:runnerToken --stack {stack}      (asks for the glrt- token)"


def _title(look: Look, answers: Answers) -> str:
    version = f"Kubernetes {look.version}"
    if answers.pools == "create":
        place = location_of(answers.cluster_type, answers.place, look)
        kind = answers.cluster_type.upper()
        return f"{kind} cluster {answers.cluster_name} ({place}, {version}): a pool of each architecture is created"
    flavour = f"{look.flavour}, " if look.flavour else ""
    return f"Cluster {answers.cluster_name} ({flavour}{version}): its own nodes are used, none is created"


def _provider(answers: Answers) -> Iterator[str]:
    """Write the cloud provider's own settings, where the cluster's place must be theirs too."""
    if answers.pools != "create":
        return
    section = section_of(answers.cluster_type, {"name": answers.cluster_name, **answers.place})
    for setting in cloud_of(section).settings(section):
        yield f"  # For the cloud's own Pulumi provider. It must be the same as {setting.said_by}."
        yield f"  {setting.key}: {scalar(setting.wanted)}"
        yield ""


def _cluster(answers: Answers) -> Iterator[str]:
    created = answers.pools == "create"
    yield f"  # {'The cluster. It is looked up, never changed.' if created else 'The cluster, and how it is reached.'}"
    yield f"  {NAMESPACE}:cluster:"
    yield f"    type: {answers.cluster_type if created else EXISTING.name}"
    texts = {"name": answers.cluster_name, **(answers.place if created else {})}
    for key, value in texts.items():
        if value:
            yield f"    {key}: {scalar(value)}"
    if not created or answers.access == "kubeconfig":
        yield "    access:"
        if answers.kubeconfig:
            yield f"      kubeconfig: {scalar(answers.kubeconfig)}"
        yield "      # Always by name: the current context is never used."
        yield f"      context: {scalar(answers.context)}"
    yield ""


def _pools(answers: Answers, decision: Decision) -> Iterator[str]:
    if answers.pools == "use":
        yield "  # The nodes as they are: the labels identify them. Nothing is changed on them."
    yield f"  {NAMESPACE}:pools:"
    for index, pool in enumerate(decision.pools):
        if index:
            yield ""
        yield from _there(pool) if answers.pools == "use" else _created(pool, answers, decision)
    yield ""


def _created(pool: PoolPlan, answers: Answers, decision: Decision) -> Iterator[str]:
    yield f"    - name: {scalar(pool.name)}"
    if machine_type(answers.cluster_type, pool.machine_type) is None:
        yield "      # The machine type is not in the tables, so its architecture is set."
        yield f"      arch: {pool.arch}"
    if pool.arch == "arm64":
        yield from comment(_price(decision), 6)
    yield f"      machineType: {scalar(pool.machine_type)}"
    if pool.zones:
        yield "      # The zones that have this machine, of those that the cluster's nodes are in."
        yield f"      nodeLocations: [{', '.join(scalar(zone) for zone in pool.zones)}]"
    if pool.arch == "arm64" and KNOWN[answers.cluster_type].from_zero:
        cloud = answers.cluster_type.upper()
        yield f"      # At least 1: {cloud} can't be relied on to start an arm64 node from zero (docs/pitfalls.md)."
    yield f"      minNodes: {pool.min_nodes}"
    yield f"      maxNodes: {pool.max_nodes}"
    if pool.protect:
        yield "      # Pulumi refuses to delete or replace the pool until this is false."
        yield "      protect: true"


def _price(decision: Decision) -> str:
    """Say what the machine costs beside the amd64 one, of which day and place: other regions differ."""
    found, (arm64, amd64) = decision.price, decision.prices_of
    if found is None:
        return f"No price is known for {arm64}{f' or {amd64}' if amd64 else ''}."
    return (
        f"${found.arm64:.4g} an hour; {amd64} ${found.amd64:.4g} ({saving(found.saves_percent)}): on demand, Linux, "
        f"{found.region}, {found.date.isoformat()}."
    )


def saving(percent: int) -> str:
    """Say in words what arm64 saves."""
    if percent == 0:
        return "the same"
    return f"arm64 saves {percent} %" if percent > 0 else f"arm64 costs {-percent} % more"


def _there(pool: PoolPlan) -> Iterator[str]:
    if pool.because:
        yield from comment(pool.because, 4)
    yield f"    - name: {scalar(pool.name)}"
    yield f"      arch: {pool.arch}"
    yield from _mapping("labels", pool.labels)
    if pool.taints:
        yield "      # Taints that the nodes carry; the jobs tolerate them."
        yield "      taints:"
        for text in pool.taints:
            rest, _, effect = text.rpartition(":")
            key, _, value = rest.partition("=")
            yield f"        - key: {scalar(key)}"
            if value:
                yield f"          value: {scalar(value)}"
            yield f"          effect: {effect}"
    if pool.arch == "arm64" and not pool.architecture_taint:
        yield "      # These nodes don't carry kubernetes.io/arch=arm64:NoSchedule."
        yield "      architectureTaint: false"
    yield f"      maxNodes: {pool.max_nodes}"


def _mapping(key: str, values: Mapping[str, str]) -> Iterator[str]:
    if values:
        yield f"      {key}:"
        yield from (f"        {scalar(name)}: {scalar(value)}" for name, value in values.items())


def _runner(answers: Answers) -> Iterator[str]:
    yield f"  {NAMESPACE}:runner:"
    yield f"    gitlabUrl: {scalar(answers.gitlab_url)}"
    if not answers.own_token:
        yield "    # A Secret that someone else creates, keys runner-token and runner-registration-token (empty); both"
        yield "    # namespaces are created before the first `make up`."
        yield "    existingNamespaces: true"
        yield "    token:"
        yield f"      existingSecret: {scalar(answers.token_secret)}"
    if answers.architectures != "both":
        yield "    # The cluster has nodes of this one; add the other when it has both."
        yield f"    architectures: [{answers.architectures}]"
        if answers.architectures == "arm64":
            yield "    defaultArch: arm64"
    if answers.namespace != Answers.__dataclass_fields__["namespace"].default:
        yield f"    namespace: {scalar(answers.namespace)}"
    if answers.job_namespace != Answers.__dataclass_fields__["job_namespace"].default:
        yield f"    jobNamespace: {scalar(answers.job_namespace)}"
    yield "    # Jobs at the same time, of all architectures together."
    yield f"    concurrent: {answers.concurrent}"
