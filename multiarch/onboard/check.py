"""A stack file that is not there yet goes through config, policy and plan: a bad one never lands in `stacks/`."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from components.problems import ConfigError
from multiarch.core.report import Check
from multiarch.core.verdict import Verdict, fold
from multiarch.model.plan.launch import plan_stack
from multiarch.model.plan.model import PlanError
from multiarch.model.plan_checks import not_planned, plan_checks


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a stack file leads to."""

    checks: tuple[Check, ...]
    resources: int = 0
    """How many the program declares; 0 where it ended without a plan."""

    @property
    def verdict(self) -> Verdict:
        """Of plan and policy together."""
        return fold(check.verdict for check in self.checks)


def check(project: Path, stack: str, text: str) -> Checked:
    """Plan a stack from a text that lies nowhere in the project. Raises ConfigError with the config's own problems."""
    with tempfile.TemporaryDirectory(prefix="multiarch-onboard-") as folder:
        path = Path(folder, f"Pulumi.{stack}.yaml")
        path.write_text(text, encoding="utf-8")
        try:
            plan = plan_stack(project, stack, stack_file=path)
        except PlanError as error:
            return Checked(checks=(not_planned(str(error)),))
        except ConfigError as error:
            # The temporary file's name would tell nobody anything.
            raise ConfigError(error.problems, f"Pulumi.{stack}.yaml as answered") from None
    return Checked(checks=plan_checks(plan).checks, resources=len(plan.resources))
