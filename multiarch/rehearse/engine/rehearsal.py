"""One stack under the real engine: preview, up, a second preview, refresh, and destroy, each a claim."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from multiarch.core.report import Check
from multiarch.core.secrets import hide
from multiarch.core.verdict import Verdict
from multiarch.model.pulumi_answers import QUIET, REPLACING, CliResult, Step, errors, steps
from multiarch.model.pulumi_cli import PulumiCli, find_pulumi, run
from multiarch.rehearse.engine import cli
from multiarch.rehearse.engine.have import has_language_host
from multiarch.rehearse.engine.workspace import Workspace, read_inputs, workspace, write_stack_file

Judge = Callable[[CliResult], tuple[Verdict, str]]
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a changed stack file would do to one resource."""

    action: str
    """`create`, `update`, `replace` or `delete`."""
    urn: str
    resource: str
    """Type and name."""
    paths: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    """For `replace`: the properties that force it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineRun:
    """What the real engine made of one stack."""

    stack: str
    engine: str
    """`pulumi 3.260.0`."""
    claims: tuple[Check, ...]
    changes: tuple[Change, ...] | None = None
    """With `against`: what FILE would change; None when it wasn't asked for, or could not be told."""
    notes: tuple[str, ...] = field(default_factory=tuple)


def changes_of(planned: tuple[Step, ...]) -> tuple[Change, ...]:
    """Fold steps into one change per resource: a replacement is listed as up to three operations."""
    by_urn: dict[str, list[Step]] = {}
    for step in planned:
        if step.op not in QUIET:
            by_urn.setdefault(step.urn, []).append(step)
    return tuple(
        Change(
            action="replace" if any(step.op in REPLACING for step in found) else found[-1].op,
            urn=urn,
            resource=found[0].resource,
            paths=tuple(sorted({path for step in found for path in step.paths})),
            reasons=tuple(sorted({reason for step in found for reason in step.reasons})),
        )
        for urn, found in by_urn.items()
    )


TIME_LIMIT = 600.0
"""Seconds for one command of the engine's."""


class _Session:
    """The commands of one rehearsal, in a workspace, with the claims they proved so far."""

    def __init__(self, pulumi: PulumiCli, space: Workspace, progress: Progress) -> None:
        self._pulumi, self._space, self._progress = pulumi, space, progress
        self.claims: list[Check] = []

    def command(self, arguments: tuple[str, ...], stdin: str = "") -> CliResult:
        """Run one command in the workspace."""
        self._progress(f"pulumi {' '.join(arguments[:2])}")
        space = self._space
        return run(
            (str(self._pulumi.path), *arguments),
            cwd=space.project_dir,
            environment=space.environment,
            limit=TIME_LIMIT,
            stdin=stdin,
        )

    def claim(self, identity: str, title: str, arguments: tuple[str, ...], judge: Judge) -> CliResult:
        """Run one command, and keep what it proved."""
        result = self.command(arguments)
        verdict, evidence = judge(result)
        self.claims.append(Check(id=identity, title=title, verdict=verdict, evidence=evidence, seconds=result.seconds))
        return result

    def skip(self, identity: str, title: str, why: str) -> None:
        """Keep a claim that could not be put to the proof."""
        self.claims.append(Check(id=identity, title=title, verdict=Verdict.UNKNOWN, evidence=why))

    @property
    def sound(self) -> bool:
        """Whether everything so far was proved."""
        return all(claim.verdict is Verdict.YES for claim in self.claims)

    def prepare(self) -> str | None:
        """Make the stack and its secrets; say what went wrong."""
        stack, inputs = self._space.stack, self._space.inputs
        done = [self.command(cli.stack_init(stack))]
        done += [self.command(cli.set_secret(stack, key), stdin=inputs.config[key]) for key in inputs.secret_keys]
        bad = [result for result in done if result.exit != 0]
        if not bad:
            return None
        reason = "; ".join(errors(bad[0])) or hide(bad[0].stderr.strip())[-300:] or f"exit {bad[0].exit}"
        return f"`pulumi {' '.join(bad[0].command[1:4])}`: {reason}"


STEPS = (
    ("engine-preview", "the engine plans the stack, and every provider accepts it"),
    ("engine-up", "the engine creates the stack"),
    ("engine-second-preview", "a second preview finds nothing to change"),
    ("engine-refresh", "a refresh finds nothing changed"),
    ("engine-destroy", "the engine deletes the stack again"),
)


def run_engine(  # noqa: PLR0913 - one keyword per option of the command
    project_dir: Path,
    stack: str,
    *,
    stack_file: Path | None = None,
    against: Path | None = None,
    kubeconfig: Path | None = None,
    pulumi: PulumiCli | None = None,
    progress: Progress = lambda _: None,
) -> EngineRun:
    """Rehearse one stack under the real engine.

    `against` is a changed stack file of the same stack. With `kubeconfig` and the real kubernetes plugin on this
    machine, Kubernetes objects are created on that cluster for real, and deleted again. `pulumi` is the CLI; by
    default the one on PATH. Raises PulumiCliError when there is none that is usable, and ConfigError when a file cannot
    be read.
    """
    pulumi = pulumi or find_pulumi()
    ours = not has_language_host(pulumi)
    with workspace(project_dir, stack, stack_file=stack_file, kubeconfig=kubeconfig, language_host=ours) as space:
        session = _Session(pulumi, space, progress)
        changes = _rehearse(session, space, project_dir, against)
        notes = list(space.inputs.notes)
        notes.append(f"kubernetes provider: {'the real one' if space.cluster else 'rehearsal'}")
        if ours:
            notes.append("Python language host: the rehearsal's own; this `pulumi` came without one")
    version = ".".join(map(str, pulumi.version))
    return EngineRun(
        stack=stack, engine=f"pulumi {version}", claims=tuple(session.claims), changes=changes, notes=tuple(notes)
    )


def _rehearse(
    session: _Session, space: Workspace, project_dir: Path, against: Path | None
) -> tuple[Change, ...] | None:
    stack = space.stack
    trouble = session.prepare()
    if trouble is not None:
        for identity, title in STEPS:
            session.skip(identity, title, trouble)
        return None
    plan: tuple[tuple[tuple[str, ...], Judge], ...] = (
        (cli.preview(stack), cli.judge_preview),
        (cli.up(stack), cli.judge_action),
        (cli.preview(stack, expect_no_changes=True), cli.judge_no_changes),
        (cli.refresh(stack), cli.judge_no_changes),
    )
    started = False
    for (identity, title), (arguments, judge) in zip(STEPS, plan, strict=False):
        if session.sound:
            session.claim(identity, title, arguments, judge)
            started = started or identity == "engine-up"
        else:
            session.skip(identity, title, "not tried: an earlier step was not proved")
    changes = _compare(session, space, project_dir, against) if against is not None else None
    identity, title = STEPS[-1]
    if started:
        session.command(cli.unprotect(stack))
        session.claim(identity, title, cli.destroy(stack), cli.judge_action)
    else:
        session.skip(identity, title, "not tried: nothing was created")
    return changes


def _compare(session: _Session, space: Workspace, project_dir: Path, against: Path) -> tuple[Change, ...] | None:
    """Preview the changed stack file over what was created, and list what it would do."""
    identity, title = "engine-against", f"the engine plans the change to {against.name}"
    if not session.sound:
        session.skip(identity, title, "not tried: an earlier step was not proved")
        return None
    inputs = read_inputs(against, project_dir, space.stub_folder, space.cluster)
    write_stack_file(space.stack_file, inputs, keep=space.stack_file)
    result = session.command(cli.preview(space.stack))
    planned = steps(result.document) if result.document else None
    if result.exit != 0 or planned is None:
        verdict, evidence = cli.judge_preview(result)
        session.claims.append(Check(id=identity, title=title, verdict=verdict, evidence=evidence))
        return None
    changes = changes_of(planned)
    replaced = [change.resource for change in changes if change.action == "replace"]
    evidence = f"{len(changes)} changes, {len(replaced)} replacements{': ' if replaced else ''}{', '.join(replaced)}"
    claim = Check(id=identity, title=title, verdict=Verdict.YES, evidence=evidence, seconds=result.seconds)
    session.claims.append(claim)
    return changes
