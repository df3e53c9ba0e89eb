"""Whether the runner's config.toml lets jobs choose their architecture, and waits long enough for a node."""

from collections.abc import Iterator
from functools import partial

import re2  # type: ignore[import-untyped]  # google-re2 ships no types

from multiarch.core.verdict import Verdict
from multiarch.doctor.advice import POLL_SECONDS, SELECTOR_REGEX, Advice, cause
from multiarch.doctor.containers import unset_helper
from multiarch.doctor.facts import ARCH_LABEL, Facts, Runner, quoted
from multiarch.doctor.model import Asked, Cause, Check, Fix
from multiarch.doctor.probe import KNOWN_ARCHES, admits, arches_of, probe
from multiarch.model.executor import JobRefusal
from multiarch.model.executor.helper_tags import judge

DEFAULT_POLL_SECONDS = 180
"""gitlab-runner common/consts.go, KubernetesPollTimeout."""
_FOREIGN = (f"{ARCH_LABEL}=s390x", f"x.{ARCH_LABEL}=arm64", "kubernetes-io/arch=arm64")
"""What a closed regex refuses: an architecture without nodes, another label, a dot taken for any character."""


def config_checks(facts: Facts) -> Iterator[Check]:
    """Ask of every runner whose config could be read."""
    for runner in facts.runners:
        readable = Asked("config", "the runner's config.toml can be read", runner.title)
        if runner.broken:
            fixes = [Advice(facts).deploy("Render it again:")] if facts.stack else []
            broken = cause(
                "config-invalid", runner.title, "the runner would not load its config", [runner.broken], fixes
            )
            yield readable.judged([broken])
        elif runner.installed is None:
            if not runner.missing:
                yield readable.unknown(runner.failure)
        else:
            yield readable.fine(_unmodelled(runner))
            yield _selector(facts, runner)
            yield _default(facts, runner)
            yield _helper(facts, runner)
            yield _poll(facts, runner)


def _unmodelled(runner: Runner) -> str:
    unknown = runner.installed.config.unmodelled if runner.installed else ()
    return f"these settings are not judged: {', '.join(unknown)}" if unknown else ""


def _selector(facts: Facts, runner: Runner) -> Check:
    asked = Asked("selector", "jobs can select each architecture, and nothing that no node has", runner.title)
    pattern = runner.installed.config.kubernetes.text("node_selector_overwrite_allowed") if runner.installed else ""
    if not pattern:
        return asked.judged([_selector_off(facts, runner)])
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error as error:
        said = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error.args[0])
        headline = f"node_selector_overwrite_allowed is not valid RE2: every job that selects fails ({quoted(said)})"
        return asked.judged([cause("config-invalid", runner.title, headline, [pattern], [_regex_fix(facts)])])
    return asked.judged(_selector_causes(facts, runner, pattern), pattern)


def _selector_causes(facts: Facts, runner: Runner, pattern: str) -> Iterator[Cause]:
    there = {node.arch for node in facts.nodes.value} | {pool.arch for pool in facts.pools}
    refused = [arch for arch in KNOWN_ARCHES if arch in there and not admits(runner, f"{ARCH_LABEL}={arch}")]
    if refused and _asks_for_arch(facts, runner):
        yield cause(
            "selector-refused",
            runner.title,
            f"jobs may not select {' or '.join(refused)}, which the cluster has",
            [f"node_selector_overwrite_allowed = {pattern}"],
            [_regex_fix(facts)],
        )
    admitted = [value for value in _FOREIGN if admits(runner, value)]
    if admitted:
        yield cause(
            "selector-too-wide",
            runner.title,
            f"jobs may select {admitted[0]}, which no node has: such a job never gets a node",
            [f"node_selector_overwrite_allowed = {pattern}", f"it also admits: {', '.join(admitted)}"],
            [_regex_fix(facts)],
        )


def _asks_for_arch(facts: Facts, runner: Runner) -> bool:
    """Tell whether the runner is to serve more than its default architecture; one for a single one is no fault."""
    if facts.pools:
        return len({pool.arch for pool in facts.pools}) > 1
    return any(admits(runner, f"{ARCH_LABEL}={arch}") for arch in KNOWN_ARCHES)


def _selector_off(facts: Facts, runner: Runner) -> Cause:
    default = runner.installed.config.kubernetes.text_map("node_selector") if runner.installed else {}
    lands = default.get(ARCH_LABEL) or "whatever the scheduler picks"
    return cause(
        "selector-overwrite-off",
        runner.title,
        f"jobs can't choose their architecture: all of them run on {lands}",
        ["node_selector_overwrite_allowed is empty: the runner ignores KUBERNETES_NODE_SELECTOR_… silently"],
        [_regex_fix(facts)],
    )


def _regex_fix(facts: Facts) -> Fix:
    return Advice(facts).in_config(
        "Admit the architectures, and nothing else:",
        "node_selector_overwrite_allowed",
        ("architectures: [amd64, arm64]",),
        f"node_selector_overwrite_allowed = '{SELECTOR_REGEX}'",
    )


def _default(facts: Facts, runner: Runner) -> Check:
    asked = Asked("default-selector", "a job without a selector has a certain architecture", runner.title)
    settings = runner.installed.config.kubernetes if runner.installed else None
    default = settings.text_map("node_selector").get(ARCH_LABEL, "") if settings else ""
    several = len({node.arch for node in facts.nodes.value if node.arch}) > 1 or not facts.nodes.known
    if default or not several:
        return asked.fine(default or "all nodes have one architecture")
    fix = Advice(facts).in_config(
        "Set a default:", "node_selector", ("defaultArch: amd64",), f'node_selector = {{ "{ARCH_LABEL}" = "amd64" }}'
    )
    headline = "jobs without a selector land on either architecture"
    return asked.judged(
        [cause("no-default-selector", runner.title, headline, [f"node_selector has no {ARCH_LABEL}"], [fix])]
    )


def _helper(facts: Facts, runner: Runner) -> Check:
    asked = Asked("helper-image", "jobs of every architecture get a helper image that runs there", runner.title)
    causes, doubts, versions = [], [], []
    for arch in arches_of(facts.pools, facts.runners):
        if not admits(runner, f"{ARCH_LABEL}={arch}"):
            continue
        pod = probe(runner, arch)
        if isinstance(pod, JobRefusal):
            doubts.append(f"{arch}: {pod.reason}")
            continue
        version = runner.installed.runner_version if runner.installed else ""
        # Without a version only the architecture: one of another version is no image of another architecture.
        if judge(pod.helper_image, arch, "").verdict is Verdict.NO:
            causes.append(_one_arch(facts, runner, pod.helper_image, arch))
            continue
        answer = judge(pod.helper_image, arch, version)
        if answer.verdict is Verdict.YES:
            versions.append(pod.helper_image.rpartition(":")[2])
        else:
            doubts.append(answer.because)
    return asked.judged(causes, ", ".join(dict.fromkeys(versions)), "; ".join(dict.fromkeys(doubts)))


def _one_arch(facts: Facts, runner: Runner, image: str, arch: str) -> Cause:
    return cause(
        "helper-image-of-one-arch",
        f"{runner.title} {arch}",
        f"jobs on {arch} get a helper image of another architecture",
        [f"helper_image = {image}"],
        [unset_helper(Advice(facts))],
    )


def _poll(facts: Facts, runner: Runner) -> Check:
    asked = Asked("poll-timeout", "the runner waits as long as a new node takes", runner.title)
    settings = runner.installed.config.kubernetes if runner.installed else None
    value = (settings.maybe_number("poll_timeout") if settings else None) or DEFAULT_POLL_SECONDS
    if value >= POLL_SECONDS:
        return asked.fine(f"poll_timeout = {value}")
    grows = [pool.name for pool in facts.pools if pool.created and pool.max_nodes > pool.min_nodes]
    look = facts.look
    if not grows and look is not None and look.autoscaler.verdict is Verdict.YES:
        grows = [look.autoscaler_name or "an autoscaler"]
    if not grows:
        fixed = look is not None and look.autoscaler.verdict is Verdict.NO
        if fixed or (facts.pools and all(not pool.created for pool in facts.pools)):
            return asked.fine(f"poll_timeout = {value}; no autoscaler adds nodes here")
        return asked.unknown(f"poll_timeout = {value}; it is not known whether nodes are added on demand")
    fix = Advice(facts).in_config(
        "Wait longer:", "poll_timeout", (f"pollTimeout: {POLL_SECONDS}",), f"poll_timeout = {POLL_SECONDS}"
    )
    short = partial(cause, "poll-timeout-short", runner.title)
    headline = f"the runner gives a pod {value} s to start, and a new node takes longer"
    return asked.judged([short(headline, [f"nodes are added on demand: {', '.join(grows)}"], [fix])])
