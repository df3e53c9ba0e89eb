"""A stack file that is not there yet goes through config, policy and plan: a bad one never lands in `stacks/`."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from components.problems import ConfigError
from multiarch.core.verdict import Verdict
from multiarch.model.plan.launch import plan_stack
from multiarch.model.plan.model import Plan, PlanError
from multiarch.rehearse.outline import outline, unplanned
from multiarch.rehearse.report.model import StackReport, stack_verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a stack file leads to."""

    report: StackReport
    plan: Plan | None
    """None where the program ended without one."""

    @property
    def verdict(self) -> Verdict:
        """Of plan and policy together."""
        return stack_verdict(self.report)


def check(project: Path, stack: str, text: str) -> Checked:
    """Plan a stack from a text that lies nowhere in the project. Raises ConfigError with the config's own problems."""
    with tempfile.TemporaryDirectory(prefix="multiarch-onboard-") as folder:
        path = Path(folder, f"Pulumi.{stack}.yaml")
        path.write_text(text, encoding="utf-8")
        try:
            plan = plan_stack(project, stack, stack_file=path)
        except PlanError as error:
            return Checked(report=unplanned(stack, str(error)), plan=None)
        except ConfigError as error:
            # The temporary file's name would tell nobody anything.
            raise ConfigError(error.problems, f"Pulumi.{stack}.yaml as answered") from None
    return Checked(report=outline(plan), plan=plan)
