r"""Which node selectors a job may set: the runner's `node_selector_overwrite_allowed`, made and judged.

Upstream matches it with Go's `regexp` (RE2) against the whole text of the variable, *unanchored*, and skips the
overwrite without a word when it is empty (gitlab-runner executors/kubernetes/overwrites.go). Both have bitten: the
example in upstream's manual, `kubernetes.io/arch=.*`, also admits `x.kubernetes.io/arch=s390x`.
"""

import re
from typing import TYPE_CHECKING, Annotated

import re2  # type: ignore[import-untyped]  # google-re2 ships no stubs
from pydantic import AfterValidator

from components.clouds.machines import Arch
from components.forms import quoted, wrong
from components.kubernetes_names import META_KEY
from components.problems import Problem

if TYPE_CHECKING:
    from components.runner.settings import RunnerConfig

ARCH_KEY = "kubernetes.io/arch"
# Labels that say the architecture too. Selecting by them alone leaves the default architecture's selector in place, and
# the helper image wrong: no node would match.
OTHER_ARCH_KEYS = ("beta.kubernetes.io/arch", "multiarch-runner.io/arch")

# Architectures that Kubernetes knows and nobody here serves, and near misses of the label.
_FOREIGN = ("s390x", "ppc64le", "riscv64", "arm", "386", "arm64v8", "amd64x", "xarm64", "")


def allowed_selectors(runner: "RunnerConfig") -> str:
    r"""Return the regular expression of the selectors that jobs may set, anchored at both ends.

    By default exactly `^kubernetes\.io/arch=(amd64|arm64)$`.
    """
    if runner.selector_regex is not None:
        return runner.selector_regex
    served = [arch.value for arch in Arch if arch in runner.architectures]
    arch = f"kubernetes\\.io/arch=({'|'.join(served)})"
    if not runner.selectors:
        return f"^{arch}$"
    return f"^({'|'.join([arch, *(_fragment(selector) for selector in runner.selectors)])})$"


def check_selectors(runner: "RunnerConfig") -> list[Problem]:
    """Return what is wrong between `selectors`, `selectorRegex` and `architectures`."""
    regex, path = runner.selector_regex, "runner.selectorRegex"
    if regex is None:
        return []
    if runner.selectors:
        fix = "Remove selectorRegex, which replaces the whole expression, or write the selectors into it."
        return [Problem(path="runner.selectors", found="set together with selectorRegex", fix=fix)]
    compiled = re2.compile(regex)
    missing = [str(arch) for arch in runner.architectures if not compiled.search(f"{ARCH_KEY}={arch}")]
    if missing:
        fix = f"Admit {' and '.join(missing)}, or take them out of runner.architectures."
        return [Problem(path=path, found=f"'{regex}' does not admit {ARCH_KEY}={missing[0]}", fix=fix)]
    admitted = next((text for text in _intruders(runner.architectures) if compiled.search(text)), None)
    if admitted is None:
        return []
    return [
        Problem(
            path=path,
            found=f"'{regex}' also admits {admitted!r}",
            consequence="such a job would wait for a node that no pool has, until pollTimeout",
            fix="Escape the dots (kubernetes\\.io/arch) and name the architectures one by one.",
        )
    ]


def _fragment(selector: str) -> str:
    key, value = _split(selector)
    # An alternative, or a flag such as (?i), must not leak into the neighbouring selectors.
    closed = len(alternatives(value)) == 1 and "(?" not in value
    return f"{_escape(key)}={value if closed else f'(?:{value})'}"


def _split(selector: str) -> tuple[str, str]:
    """Split at the first `=`; the label is literal, so that a dot escaped out of habit means a dot."""
    key, _, value = selector.partition("=")
    return key.replace("\\.", "."), value


def _escape(key: str) -> str:
    return key.replace(".", "\\.")


def _intruders(architectures: list[Arch]) -> list[str]:
    """List selectors that nobody wants admitted: other architectures, other labels, near misses of the label."""
    unserved = [arch.value for arch in Arch if arch not in architectures]
    values = [*unserved, *_FOREIGN]
    served = [arch.value for arch in architectures]
    keys = (*OTHER_ARCH_KEYS, f"x.{ARCH_KEY}", "kubernetesXio/arch", f"{ARCH_KEY}x", "arch")
    return [
        *(f"{ARCH_KEY}={value}" for value in values),
        *(f"{key}={value}" for key in keys for value in served),
        *(f"{ARCH_KEY}={value}{tail}" for value in served for tail in ("\n", " ", ",x=y", "\nx")),
        *(f"{head}{ARCH_KEY}={value}" for value in served for head in ("\n", " ", "x=y,")),
    ]


def alternatives(regex: str) -> list[str]:
    """Split a valid RE2 expression at its outermost `|`; groups, classes, escapes and quotes stay whole."""
    parts, start, depth, position = [], 0, 0, 0
    while position < len(regex):
        char = regex[position]
        if char == "\\":
            position = _after_escape(regex, position)
            continue
        if char == "[":
            position = _after_class(regex, position)
            continue
        depth += (char == "(") - (char == ")")
        if char == "|" and depth == 0:
            parts.append(regex[start:position])
            start = position + 1
        position += 1
    return [*parts, regex[start:]]


def _after_escape(regex: str, position: int) -> int:
    if regex.startswith("\\Q", position):
        end = regex.find("\\E", position)
        return len(regex) if end < 0 else end + 2
    return position + 2


def _after_class(regex: str, position: int) -> int:
    position += 1
    position += regex.startswith("^", position)
    position += regex.startswith("]", position)  # a bracket that opens the class stands for itself
    while position < len(regex) and regex[position] != "]":
        if regex[position] == "\\":
            position += 2
        elif regex.startswith("[:", position) and (end := regex.find(":]", position)) > 0:
            position = end + 2
        else:
            position += 1
    return position + 1


def _anchored(alternative: str) -> bool:
    end = re.search(r"(?<!\\)(?:\\\\)*(\$|\\z)$", alternative)
    return alternative.startswith(("^", "\\A")) and end is not None


def _re2_error(regex: str) -> str | None:
    r"""Return why RE2 refuses the expression, or None. `\C`, which Go's RE2 does not know, is refused too."""
    if re.search(r"(?<!\\)(?:\\\\)*\\C", regex):
        return "invalid escape sequence: \\C"
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(regex, options=options)
    except re2.error as error:
        reason = error.args[0]
        return reason.decode() if isinstance(reason, bytes) else str(reason)
    return None


_NOT_RE2 = "Correct it; RE2 has no lookaround and no backreferences."


def _check_fragment(selector: str) -> str:
    key, value = _split(selector)
    if "=" not in selector:
        raise wrong(f"{quoted(selector)} has no '='", "Write label=value, for example disktype=ssd.")
    if selector.startswith("^") or value.endswith("$") or value.startswith("^"):
        raise wrong(f"{quoted(selector)} has its own anchors", "Remove ^ and $: the whole expression is anchored.")
    if not META_KEY.fullmatch(key):
        fix = "Use a label that the nodes carry; only the part after '=' is a regular expression."
        raise wrong(f"{quoted(selector)}: the label {quoted(key)} is not a Kubernetes label key", fix)
    if key in (ARCH_KEY, *OTHER_ARCH_KEYS):
        fix = f"Remove it: {ARCH_KEY} is always allowed for runner.architectures, and for no others."
        raise wrong(f"{quoted(selector)} selects an architecture", fix)
    if error := _re2_error(value) or _re2_error(f"^(a=(?:{value})|b)$"):
        raise wrong(f"{quoted(selector)}: its value is not a valid RE2 expression ({error})", _NOT_RE2)
    return selector


def _check_regex(regex: str) -> str:
    if not regex.strip():
        fix = "Remove the key: the default allows the architectures of runner.architectures."
        consequence = "GitLab Runner would silently ignore every job's selector and run arm64 jobs on the default one"
        raise wrong("empty", fix, consequence)
    if error := _re2_error(regex):
        raise wrong(f"{quoted(regex)} is not a valid RE2 expression ({error})", _NOT_RE2)
    if not all(_anchored(alternative) for alternative in alternatives(regex)):
        raise wrong(
            f"{quoted(regex)} is not anchored at both ends",
            "Write it as ^(...)$.",
            "GitLab Runner looks for a match anywhere in the selector, so it also admits labels that only contain a "
            "permitted one",
        )
    return regex


Selector = Annotated[str, AfterValidator(_check_fragment)]
SelectorRegex = Annotated[str, AfterValidator(_check_regex)]
