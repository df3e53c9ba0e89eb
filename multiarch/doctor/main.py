"""What `multiarch doctor` does with its options."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from components.problems import ConfigError
from multiarch.cluster.connection import Connection
from multiarch.cluster.errors import ClusterError
from multiarch.core.ending import exit_codes_for
from multiarch.core.options import deliver, outlet_of
from multiarch.core.output import ReportConsole
from multiarch.core.progress import ProgressDisplay
from multiarch.core.secrets import hide_in
from multiarch.doctor.doctor import diagnose
from multiarch.doctor.examine import unreachable
from multiarch.doctor.model import Examination
from multiarch.doctor.report.words import WORDS, to_report
from multiarch.doctor.target import Promised, Target, promised, target_of
from multiarch.model.plan.launch import plan_stack
from multiarch.model.plan.model import PlanError
from multiarch.model.project import named_stacks, project_of


def run(given: Mapping[str, Any]) -> NoReturn:
    """Examine the cluster, and deliver the report."""
    outlet = outlet_of(given)
    with exit_codes_for(ConfigError, interrupted="nothing was changed"):
        found = _examination(given)
    deliver(to_report(hide_in(found)), WORDS, outlet)


def _examination(given: Mapping[str, Any]) -> Examination:
    """Find the cluster, and examine it. Raises ConfigError."""
    stack, plan = given["stack"] or "", None
    root = Path.cwd()
    if stack:
        root = project_of(given["project"])
        named_stacks(root, (stack,))
    target = target_of(root, stack, given["kubeconfig"], given["context"])
    with ProgressDisplay(ReportConsole(stderr=True, highlight=False)) as display:
        if stack:
            display.update("plan", f"running the program of {stack}")
            try:
                plan = promised(plan_stack(root, stack))
            except PlanError as error:
                return unreachable(f"context {target.context}", stack, f"the stack could not be planned: {error}")
        return _examined(target, stack, plan, given["namespaces"], partial(display.update, "examine"))


def _examined(
    target: Target, stack: str, plan: Promised | None, namespaces: tuple[str, ...], progress: Callable[[str], None]
) -> Examination:
    where = f"context {target.context}"
    try:
        connection = Connection(target.kubeconfig, target.context)
    except ClusterError as error:
        return unreachable(where, stack, str(error))
    with connection:
        return diagnose(connection, progress, stack=stack, plan=plan, namespaces=namespaces)
