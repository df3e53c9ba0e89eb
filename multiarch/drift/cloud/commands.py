"""The only command lines that a drift check runs. None of them writes state, cluster or cloud.

`refresh --preview-only` and `preview` take no lock and write nothing (pulumi/pulumi#12740); `refresh` without
`--preview-only` would write the state even where it then fails for `--expect-no-changes` (pulumi/pulumi#10967).
"""

from collections.abc import Mapping, Sequence
from pathlib import PurePath

from multiarch.drift.model import Check

READ_ONLY: Mapping[Check, tuple[str, ...]] = {
    Check.STATE: ("refresh", "--preview-only", "--expect-no-changes", "--json", "--non-interactive", "--stack"),
    Check.CODE: ("preview", "--refresh", "--expect-no-changes", "--json", "--non-interactive", "--stack"),
}
"""Everything but the stack's name, which comes last."""

OPTION_PREFIX = "PULUMI_OPTION_"
"""The CLI takes any of its flags from the environment: `PULUMI_OPTION_TARGET` would leave resources out unseen."""
HARMLESS_OPTIONS = frozenset({"PULUMI_OPTION_CONFIG_FILE", "PULUMI_OPTION_PARALLEL", "PULUMI_OPTION_POLICY_PACK"})
DELETE_UNREACHABLE = "PULUMI_K8S_DELETE_UNREACHABLE"
"""Makes the kubernetes provider report everything in a cluster that doesn't answer as deleted."""


def command(pulumi: str, check: Check, stack: str) -> tuple[str, ...]:
    """Give the command line of one check. Raises KeyError for a check that no command answers."""
    return (pulumi, *READ_ONLY[check], stack)


def is_read_only(arguments: Sequence[str]) -> bool:
    """Tell whether a command line is one of those above; the program's own file name may be any."""
    return any(tuple(arguments[1:-1]) == allowed for allowed in READ_ONLY.values())


def command_words(arguments: Sequence[str]) -> str:
    """Write a command line for a report: no folder of this machine."""
    return " ".join((PurePath(arguments[0]).name, *arguments[1:]))


def dropped(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Name the variables that would make a command do something else than it says."""
    options = {name for name in environ if name.startswith(OPTION_PREFIX)} - HARMLESS_OPTIONS
    return tuple(sorted(options | ({DELETE_UNREACHABLE} & environ.keys())))
