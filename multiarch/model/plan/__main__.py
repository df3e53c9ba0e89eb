"""`python -m multiarch.model.plan --project DIR --stack S [--out FILE]`: plan one stack in this process.

With --out the answer is JSON in FILE, not on stdout, which belongs to the program; exit 0 whenever FILE holds an
answer, whatever it is. Without, it is one line for a person; exit 0 planned, 1 refused or crashed, 2 configuration.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multiarch.model.plan.inputs import StackInputs


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m multiarch.model.plan", description="Plan one stack.")
    parser.add_argument("--project", type=Path, required=True, help="folder of Pulumi.yaml")
    parser.add_argument("--stack", required=True)
    parser.add_argument("--stack-file", type=Path, help="instead of the project's own Pulumi.<stack>.yaml")
    parser.add_argument("--preview", action="store_true", help="leave computed outputs unknown, as a first preview")
    parser.add_argument("--out", type=Path, help="write the answer there, as JSON")
    parser.add_argument("--beyond", type=Path, help="what the stack file's environments set, as JSON")
    return parser.parse_args(argv)


def answer(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Plan, and give `{plan}`, `{config}` or `{crash}`. `folder` takes the stub of a kubeconfig.

    For a stack file that imports environments, without `--beyond` and with somebody to answer to: `{imports}`.
    """
    started = time.monotonic()
    project_dir = options.project.resolve()
    from components.problems import ConfigError  # noqa: PLC0415 - the clock above counts the imports
    from multiarch.model.esc import from_json  # noqa: PLC0415 - as above
    from multiarch.model.plan.inputs import doubting, read_project, read_stack  # noqa: PLC0415 - as above
    from multiarch.model.plan.model import plan_to_json  # noqa: PLC0415 - as above
    from multiarch.model.stack_file import environments_of  # noqa: PLC0415 - as above

    try:
        project = read_project(project_dir)
        stack_file = options.stack_file or project.stack_dir / f"Pulumi.{options.stack}.yaml"
        if options.out and not options.beyond and environments_of(stack_file):
            # Pulumi's login is not among what this process gets of the environment.
            return {"imports": str(stack_file.resolve())}
        beyond = from_json(options.beyond.read_text(encoding="utf-8")) if options.beyond else None
        inputs = read_stack(stack_file.resolve(), project_dir, folder, beyond)
        from multiarch.model.plan.program import ProgramCrashError, ProgramRun, run_program  # noqa: PLC0415 - imports pulumi, after the cheap checks

        imported = time.monotonic()
        run = ProgramRun(
            project_dir=project_dir,
            project=project.name,
            main=project.main,
            stack=options.stack,
            inputs=inputs,
            preview=options.preview,
        )
        try:
            with doubting(inputs.beyond):
                plan = _as_stated(plan_to_json(run_program(run)), inputs)
        except ProgramCrashError as error:
            return {"crash": str(error)}
    except ConfigError as error:
        problems = [
            {name: getattr(item, name) for name in ("path", "found", "consequence", "fix")} for item in error.problems
        ]
        return {"config": {"source": error.source, "problems": problems}}
    plan["timings"]["imports"] = imported - started
    return {"plan": plan}


def _as_stated(plan: Any, inputs: "StackInputs") -> Any:
    """Show the stack's own kubeconfig wherever the program passed on the stub's path."""
    if inputs.stub is None:
        return plan
    return json.loads(json.dumps(plan).replace(json.dumps(str(inputs.stub))[1:-1], json.dumps(inputs.stated)[1:-1]))


def main(argv: list[str]) -> int:
    """Plan and write the answer, whole or not at all; or tell it in a line."""
    options = _arguments(argv)
    if options.out is None:
        return _for_a_person(options)
    out = options.out.resolve()
    text = json.dumps(answer(options, out.parent))
    partial = out.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(out)
    return 0


def _for_a_person(options: argparse.Namespace) -> int:
    from multiarch.core.streams import exit_redacted  # noqa: PLC0415 - as above
    from multiarch.model.project import remember_stacks  # noqa: PLC0415 - as above

    remember_stacks(options.project, [options.stack], options.stack_file)
    with tempfile.TemporaryDirectory() as folder:
        exit_redacted(lambda: _tell(options.stack, answer(options, Path(folder))))


def _tell(stack: str, found: dict[str, Any]) -> int:
    if "config" in found:
        from components.problems import Problem  # noqa: PLC0415 - as above

        sys.stderr.writelines(f"{Problem(**one)}\n" for one in found["config"]["problems"])
        return 2
    if "crash" in found:
        sys.stderr.write(f"stack {stack}: {found['crash']}\n")
        return 1
    plan = found["plan"]
    for one in plan["refusals"]:
        sys.stderr.write(f"{one['resource'].rsplit('::', 1)[-1]} {one['path']}: {one['message']} [{one['source']}]\n")
    sys.stdout.write(f"{stack}: {len(plan['resources'])} resources, {len(plan['refusals'])} refused\n")
    return 1 if plan["refusals"] or not plan["complete"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
