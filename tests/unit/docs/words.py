"""What the documentation tells a reader to type, and which files it names."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Final, NamedTuple

import click

from archmerge.arguments import COMMANDS, build_parser
from multiarch import cli
from tests.repository import ROOT, files
from tests.unit.docs.pages import Page

_SHELL: Final = {"", "sh", "bash", "shell", "console", "yaml", "diff", "text"}
_PROGRAM: Final = re.compile(r"(?:^|[\s/(\"'])(?P<program>multiarch|archmerge)(?:\.pyz)? +(?P<rest>[^|;&#\n]*)")
_REHEARSE: Final = re.compile(r"make rehearse ARGS=[\"']([^\"']*)[\"']")
_OPTION: Final = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")
_COMMENT: Final = re.compile(r"(?:^|\s)#.*")
_MAKE: Final = re.compile(r"(?:^|[;&|\[(:'\"$-]) *make ((?:[a-z][a-z-]*(?:\s|$))+)")
_TARGETS: Final = re.compile(r"^([a-z][a-z-]*(?: [a-z][a-z-]*)*):(?!=)", re.MULTILINE)
_PATH: Final = re.compile(r"[\w.<>*{},-]+(?:/[\w.<>*{},-]+)+/?|[\w-]+\.(?:py|md|mod)")
_FOLDER: Final = re.compile(r"[\w<>*{},-]*[\w<>{}][\w<>*{},-]*/(?:[\w.<>*{},-]+/)*")


class Typed(NamedTuple):
    """A command line of ours."""

    program: str
    command: str
    options: frozenset[str]


def lines(page: Page) -> Iterator[str]:
    """Return what stands in code, a command a line."""
    yield from page.spans
    for language, text in page.blocks:
        if language in _SHELL:
            yield from text.replace("\\\n", " ").splitlines()


def typed(page: Page) -> Iterator[Typed]:
    """Return the command lines of a page; one of make's `rehearse` with arguments is the command's own."""
    for line in lines(page):
        for match in _PROGRAM.finditer(_REHEARSE.sub(r"multiarch rehearse \1", line)):
            words = match["rest"].split()
            known = programs()[match["program"]]
            command = next((word for word in words[:1] if word in known), "")
            if command or any(word.startswith("--") for word in words[:1]):
                rest = match["rest"].partition(" -- ")[0]
                yield Typed(match["program"], command, frozenset(_OPTION.findall(rest)))


@cache
def programs() -> dict[str, dict[str, frozenset[str]]]:
    """Return each program's commands with the options that their parsers have; `""` is the program alone."""
    parser = build_parser()
    (subparsers,) = (action.choices for action in parser._actions if isinstance(action.choices, dict))
    ours = {name: frozenset(subparsers[name]._option_string_actions) for name in COMMANDS}
    context = click.Context(cli.multiarch)
    commands = {name: cli.multiarch.get_command(context, name) for name in cli.multiarch.list_commands(context)}
    return {
        "archmerge": {**ours, "": frozenset(parser._option_string_actions)},
        "multiarch": {
            **{name: _of_click(command) for name, command in commands.items() if command},
            "": _of_click(cli.multiarch),
        },
    }


def unknown(page: Page) -> Iterator[str]:
    """Return each option on a page that its command has not."""
    for one in typed(page):
        for option in one.options - programs()[one.program][one.command]:
            yield f"{one.program} {one.command} {option}"


def targets() -> set[str]:
    """Return make's targets."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return {name for names in _TARGETS.findall(makefile) for name in names.split()}


def made(page: Page) -> set[str]:
    """Return the targets that a page names."""
    return {
        word for line in lines(page) for match in _MAKE.finditer(_COMMENT.sub("", line)) for word in match[1].split()
    }


def paths(page: Page) -> Iterator[str]:
    """Return what names a file or folder of the repository in code within a line.

    What ends in `/` is a folder, also where there is none of that name any more; a domain before it is a key's prefix.
    """
    tops = {path.name for path in ROOT.iterdir() if not path.name.startswith(".") or path.name in {".gitlab", ".ci"}}
    for span in page.spans:
        top, slash, _ = span.partition("/")
        if _FOLDER.fullmatch(span) or (_PATH.fullmatch(span) and (not slash or top in tops)):
            yield span


def is_there(page: Page, span: str) -> bool:
    """Tell whether a path leads to a file: from the root or from the page; a bare name may stand anywhere."""
    if "/" not in span:
        return span in _names() or (page.path.parent / span).exists()
    choices = [span]
    while any("{" in one for one in choices):
        choices = [
            re.sub(r"\{[^{}]*\}", choice, one, count=1)
            for one in choices
            for choice in re.search(r"\{([^{}]*)\}", one)[1].split(",")  # type: ignore[index]  # there is one
        ]
    return all(any(ROOT.glob(re.sub(r"<[^<>]*>", "*", one).rstrip("/"))) for one in choices)


@cache
def _names() -> set[str]:
    return {path.name for path in files()}


def _of_click(command: click.Command) -> frozenset[str]:
    """Return a command's options; a group's commands are words behind its name, so their options count as its own."""
    context = click.Context(command, **command.context_settings)
    own = {name for parameter in command.get_params(context) for name in (*parameter.opts, *parameter.secondary_opts)}
    further = command.commands.values() if isinstance(command, click.Group) and command is not cli.multiarch else ()
    return frozenset(own.union(*map(_of_click, further)))
