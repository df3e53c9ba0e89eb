"""Is this commit ready to be released? `make release` says, and leaves in dist/ what the release would have.

Nothing is published by it: the pipeline of the version's tag does that (docs/releasing.md). Everything is asked of a
clone of the commit, since the commit is what a tag names: what only this folder has can't make an answer a yes.
"""

import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import click

from archmerge import ExitCode, __version__
from ci import versions
from multiarch.core.ending import COULD_NOT_TELL, WRONG, exit_codes_for, meanings
from multiarch.core.environment import Child, environment
from multiarch.core.secrets import hide
from multiarch.core.verdict import EXIT_CODES, Answer, Verdict, fold, no, unknown, yes

ROOT: Final = Path(__file__).resolve().parents[1]
GENERATED: Final[Mapping[str, str]] = {
    "templates, pipeline and their tables": "ci.render",
    "configuration reference, stack schema": "docs.config_page",
    "policy page": "docs.policy_page",
    "package pages": "docs.pages",
    "starters of `pulumi new`": "docs.starters",
    "tables of alerts and panels": "docs.monitoring_page",
    "schemas of the reports": "docs.record_schemas",
    "schema of the components": "tests.golden.components_schema",
}
"""What has to be current, and the module that writes it."""
SCHEMA: Final = "tests/golden/components.schema.json"
PARTS: Final = ("image", "sdks")
"""What a machine may lack the means for: a registry that it reaches, the Pulumi CLI."""
ARTIFACTS: Final = ("archmerge.pyz", "archmerge-image.tar", "schema.json", "sdk-*.tar", "NOTES.md", "SHA256SUMS")
_ELSEWHERE: Final = (ExitCode.NETWORK, ExitCode.AUTH, ExitCode.REFUSED)
"""How archmerge ends where the registry is to blame, and nothing was learned about the image."""
_LIMIT: Final = 900
_WIDTH: Final = len(Verdict.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What is asked for, and where."""

    repository: Path
    """The user's own."""
    clone: Path
    """Of its commit."""
    dist: Path
    tag: str | None = None
    """The tag whose pipeline this is; without one, the tag is still to be made."""
    snapshot: bool = False
    """The commit is no release: changelog and tag are not asked for."""
    base: str = versions.PYTHON_IMAGE
    """What the image of archmerge is put on."""
    plain_http: tuple[str, ...] = ()
    left_out: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Ran:
    """How a program ended, and the end of what it said against it."""

    code: int
    out: str
    said: str


def run(folder: Path, *command: str) -> Ran:
    """Run a program there."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment(Child.PULUMI),
            capture_output=True,
            text=True,
            timeout=_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Ran(COULD_NOT_TELL, "", f"`{' '.join(command[:3])}` took longer than {_LIMIT} seconds")
    said = hide((done.stderr.strip() or done.stdout.strip())[-500:])
    return Ran(done.returncode, done.stdout, said)


def module(release: Release, name: str, *arguments: str) -> Ran:
    """Run a module of the commit, by this Python."""
    return run(release.clone, sys.executable, "-m", name, *arguments)


def clean(release: Release) -> Answer:
    """Tell whether the folder has nothing that the commit lacks: that would not be in the release."""
    ran = run(release.repository, "git", "status", "--porcelain")
    if ran.code:
        return unknown(ran.said)
    changed = [line[3:] for line in ran.out.splitlines()]
    return no(f"not committed: {_some(changed)}") if changed else yes("every file is committed")


def changelog(release: Release) -> Answer:
    """Tell whether CHANGELOG.md has a section of this version; its text is left as NOTES.md for the release."""
    section = notes((release.clone / "CHANGELOG.md").read_text("utf-8"), __version__)
    if not section:
        return no(
            f"CHANGELOG.md has no section `## {__version__}` with text: rename `## Unreleased`, and begin a new one"
        )
    (release.dist / "NOTES.md").write_text(section, "utf-8")
    return yes(f"{len(section.splitlines())} lines")


def notes(text: str, version: str) -> str:
    r"""Return the section of a version, without its heading; empty when there is none.

    >>> notes("# Changelog\n\n## 1.1.0 - 2026-12-01\n- New.\n\n## 1.0.0\n- First.\n", "1.1.0")
    '- New.\n'
    """
    found = re.search(rf"^## \[?{re.escape(version)}\]?(?: [^\n]*)?\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return f"{found[1].strip()}\n" if found and found[1].strip() else ""


def tag(release: Release) -> Answer:
    """Tell whether the tag can be made: nobody has it yet. In the pipeline of a tag: whether it is the version."""
    if release.tag is not None:
        if release.tag == __version__:
            return yes(release.tag)
        return no(f"the tag is {release.tag}, and the version in archmerge/__init__.py is {__version__}")
    if run(release.repository, "git", "rev-parse", "--quiet", "--verify", f"refs/tags/{__version__}").code == 0:
        return no(f"{__version__} is there already: raise the version in archmerge/__init__.py")
    remote = _remote(release)
    if not remote:
        return yes(f"{__version__} is free here, and there is no remote")
    ran = run(release.repository, "git", "ls-remote", "--exit-code", "--tags", remote, __version__)
    if ran.code == 0:
        return no(f"the remote has {__version__} already: raise the version in archmerge/__init__.py")
    # 2 is git's own: asked, and no such tag.
    return yes(f"{__version__} is free, here and on the remote") if ran.code == 2 else unknown(ran.said)  # noqa: PLR2004


def merged(release: Release) -> Answer:
    """Tell whether the commit is on the remote's default branch. Only asks: what is newer there is not fetched."""
    remote = _remote(release)
    ran = run(release.repository, "git", "ls-remote", "--symref", remote, "HEAD")
    if ran.code:
        return unknown(ran.said)
    told = re.search(r"^(?:ref: refs/heads/(?P<branch>\S+)\tHEAD\n)?(?P<tip>[0-9a-f]+)\tHEAD$", ran.out, re.MULTILINE)
    if told is None:
        return no(f"{remote} has no default branch with a commit: push it first")
    branch = f"{remote}'s {told['branch'] or 'HEAD'}"
    if run(release.repository, "git", "cat-file", "-e", f"{told['tip']}^{{commit}}").code:
        return unknown(f"this folder lacks the newest commit of {branch}: `git fetch {remote}`, and ask again")
    on_it = run(release.repository, "git", "merge-base", "--is-ancestor", "HEAD", told["tip"])
    if on_it.code > 1:
        return unknown(on_it.said)
    return no(f"it is not on {branch}: merge it first, and release what was merged") if on_it.code else yes(branch)


def current(name: str, release: Release) -> Answer:
    """Tell whether a generated file is what its sources give, by writing it anew."""
    ran = module(release, name)
    if ran.code:
        return unknown(f"`python -m {name}` ended with {ran.code}: {ran.said}")
    status = _in_clone(release, "status", "--porcelain")
    if status.code:
        return unknown(f"what `python -m {name}` changed: {status.said}")
    # The next question gets the commit again: what was written goes, and what is new, too.
    for back in (("checkout", "--quiet", "--", "."), ("clean", "--quiet", "-d", "--force")):
        if (ran := _in_clone(release, *back)).code:
            return unknown(f"`git {back[0]}` in the clone ended with {ran.code}: {ran.said}")
    changed = [line[3:] for line in status.out.splitlines()]
    return no(f"run `python -m {name}`: {_some(changed)}") if changed else yes(f"`python -m {name}` changes nothing")


def schema(release: Release) -> Answer:
    """Leave the components' schema, which `pulumi package add` and the SDKs are made of."""
    shutil.copyfile(release.clone / SCHEMA, release.dist / "schema.json")
    return yes("schema.json")


def zipapp(release: Release) -> Answer:
    """Build archmerge as one file, and start it."""
    file = release.dist / "archmerge.pyz"
    ran = run(release.clone, sys.executable, "archmerge/packaging/make_zipapp.py", str(file))
    started = run(release.dist, sys.executable, "-IS", str(file), "--version")
    if ran.code or started.code or started.out.split()[-1:] != [__version__]:
        return no(ran.said if ran.code else f"it does not start: {started.said}")
    return yes(f"archmerge.pyz, {file.stat().st_size} bytes")


def image(release: Release) -> Answer:
    """Make the image for both architectures, as an OCI layout in a tar file."""
    layout = release.clone.parent / "image"
    zipapp_file = str(release.dist / "archmerge.pyz")
    further = [word for host in release.plain_http for word in ("--plain-http", host)]
    ran = module(release, "ci.image", "--base", release.base, "--zipapp", zipapp_file, "--into", str(layout), *further)
    if ran.code:
        return unknown(_reason(ran)) if ran.code in _ELSEWHERE else no(_reason(ran))
    with tarfile.open(release.dist / "archmerge-image.tar", "w") as archive:
        for path in sorted(one for one in layout.rglob("*") if one.is_file()):
            info = tarfile.TarInfo(str(path.relative_to(layout)))
            info.size = path.stat().st_size
            with path.open("rb") as content:
                archive.addfile(info, content)
    return yes(f"archmerge-image.tar: {', '.join(ran.out.split()[::2])}")


def sdks(release: Release) -> Answer:
    """Make the SDKs of the components' schema."""
    ran = module(release, "ci.sdks", "--schema", str(release.dist / "schema.json"), "--into", str(release.dist))
    if ran.code:
        return unknown(_reason(ran)) if ran.code == COULD_NOT_TELL else no(_reason(ran))
    return yes(", ".join(sorted(path.name for path in release.dist.glob("sdk-*.tar"))))


def checks(release: Release) -> Iterator[tuple[str, Callable[[Release], Answer]]]:
    """List what is asked, in order: a name for each question."""
    if not release.snapshot:
        yield "everything is committed", clean
        yield "the changelog has the version", changelog
        yield "the tag is right" if release.tag else "the tag is free", tag
        if not release.tag and _remote(release):
            yield "the commit is on the remote's default branch", merged
    for what, name in GENERATED.items():
        yield f"{what}: current", partial(current, name)
    yield "the schema is there", schema
    yield "the zipapp builds and starts", zipapp
    builders = {"image": ("the image is made for both architectures", image), "sdks": ("the SDKs are made", sdks)}
    yield from (builders[part] for part in PARTS if part not in release.left_out)


def made(dist: Path) -> list[Path]:
    """List what this command makes, and nothing else that the folder may hold."""
    return sorted(path for pattern in ARTIFACTS for path in dist.glob(pattern))


def sums(dist: Path) -> None:
    """Write SHA256SUMS over all of them, as `sha256sum --check` reads it."""
    files = [path for path in made(dist) if path.name != "SHA256SUMS"]
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (dist / "SHA256SUMS").write_text("".join(lines), "utf-8")


def prepared(repository: Path, into: Path) -> None:
    """Clone the commit. Raises click.UsageError where there is none."""
    ran = run(repository, "git", "clone", "--quiet", "--no-tags", str(repository), str(into))
    if ran.code:
        raise click.UsageError(f"{repository} can't be cloned: {ran.said}")


def ask(release: Release) -> Verdict:
    """Ask everything, a line for each answer as it comes; and leave the sums."""
    release.dist.mkdir(parents=True, exist_ok=True)
    for path in made(release.dist):
        path.unlink()
    answers = []
    for question, check in checks(release):
        answer = check(release)
        answers.append(answer.verdict)
        click.echo(f"{answer.verdict:<{_WIDTH}}  {question}: {' '.join(answer.because.split())}")
    sums(release.dist)
    return fold(answers)


def push(release: Release) -> None:
    """Make the tag, and give it to the remote, whose pipeline publishes."""
    remote = _remote(release)
    if not remote:
        raise click.UsageError("there is no remote to push the tag to: git remote add origin URL")
    for command in (("git", "tag", "-a", __version__, "-m", __version__), ("git", "push", remote, __version__)):
        ran = run(release.repository, *command)
        if ran.code:
            click.echo(f"`{' '.join(command[:2])}` failed: {ran.said}", err=True)
            sys.exit(WRONG)
    click.echo(f"{__version__} is pushed: the pipeline of this tag publishes the release")


def _in_clone(release: Release, *arguments: str) -> Ran:
    """Run git on the clone, and on no repository around it where the clone has lost its own."""
    return run(release.clone, "git", "--git-dir=.git", "--work-tree=.", *arguments)


def _reason(ran: Ran) -> str:
    """Return what a command of ours said, without the verdict that it begins with: the line has one already."""
    return re.sub(r"^(?:could not tell|error): ", "", ran.said)


def _remote(release: Release) -> str:
    names = run(release.repository, "git", "remote").out.split()
    return "origin" if "origin" in names else next(iter(names), "")


def _some(names: list[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


_ENDING: Final = meanings(
    well="ready", wrong="something is to be mended first", could_not_tell="something could not be told"
)


@click.command(epilog=f'Example: make release; make release ARGS="--leave-out sdks"; then --push. {_ENDING}')
@click.option("--dist", type=click.Path(path_type=Path), default=ROOT / "dist", help="Where the artifacts go (dist/).")
@click.option("--leave-out", "left_out", type=click.Choice(PARTS), multiple=True, help="Don't make, and don't ask for.")
@click.option("--base", default=versions.PYTHON_IMAGE, show_default=True, help="What the image is put on.")
@click.option("--plain-http", metavar="HOST", multiple=True, help="The base's registry has no TLS. For labs only.")
@click.option("--tag", metavar="TAG", help="In the pipeline of this tag: it has to be the version.")
@click.option("--snapshot", is_flag=True, help="Only build: this commit is no release.")
@click.option("--push", "pushing", is_flag=True, help="If every answer is yes, make the tag and push it.")
def main(  # noqa: PLR0913 - one for each option
    dist: Path,
    left_out: tuple[str, ...],
    base: str,
    plain_http: tuple[str, ...],
    tag: str | None,
    *,
    snapshot: bool,
    pushing: bool,
) -> None:
    """Say whether this commit is ready to be released, and leave its artifacts in dist/. Nothing is published."""
    if pushing and (snapshot or tag):
        raise click.UsageError("--push makes the tag itself: leave out --snapshot and --tag")
    with exit_codes_for(interrupted="nothing was published"), tempfile.TemporaryDirectory() as scratch:
        release = Release(
            repository=ROOT,
            clone=Path(scratch, "commit"),
            dist=dist.resolve(),
            tag=tag,
            snapshot=snapshot,
            base=base,
            plain_http=plain_http,
            left_out=frozenset(left_out),
        )
        prepared(release.repository, release.clone)
        verdict = ask(release)
        if verdict is not Verdict.YES or snapshot or tag:
            sys.exit(EXIT_CODES[verdict])
        if pushing:
            push(release)
        else:
            again = "the same with ARGS=--push, or `git tag -a {0} -m {0} && git push {1} {0}`"
            click.echo(f"Ready. Next: {again.format(__version__, 'origin')}")


if __name__ == "__main__":
    main()
