"""The command line: its options, and the forms of manifest-tool that are understood as they are."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from archmerge.errors import UsageError

_HOST_FLAGS = ("--plain-http", "--insecure")
TARGET_HOST = ""
"""What a host option without a value stands for: the host of the target (or of the reference)."""

_EXIT_CODES = """\
exit codes: 0 done; 2 usage; 3 a source is missing; 4 an input is not what it is said to be; 5 credentials;
6 refused by the registry; 7 network or deadline; 8 would copy but may not; 9 a check could not tell;
10 wrong content received; 1 a bug in archmerge; 130 interrupted
"""


class _RefusePassword(argparse.Action):
    """A password in argv can be read by every process of the machine, and stays in CI logs and shell histories."""

    def __call__(self, *_ignored: Any) -> None:
        """Raise, without looking at the value."""
        raise UsageError(
            "a password on the command line can be read by every process (`ps`) and ends in job logs; it was not used",
            fix='set ARCHMERGE_USERNAME and ARCHMERGE_PASSWORD, or pipe it: printf %s "$PASSWORD" | archmerge push '
            "--username NAME --password-stdin …; in GitLab CI, $CI_REGISTRY_PASSWORD is found without any option",
        )


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Read the command line. Exits with 2 on a usage error, as argparse does; raises UsageError for the rest."""
    words = from_manifest_tool(list(argv))
    return build_parser(words[0] if words and words[0] in COMMANDS else "").parse_args(words)


def from_manifest_tool(argv: list[str]) -> list[str]:
    """Put options from before the command behind it, and turn manifest-tool's forms into ours.

    >>> from_manifest_tool(["--plain-http", "push", "--type", "oci", "from-args", "-target", "host/app:1"])
    ['push', '--plain-http=', '--type', 'oci', '--manifest-tool', '--target', 'host/app:1']
    """
    place = next((number for number, word in enumerate(argv) if word in COMMANDS), len(argv))
    head, command, tail = argv[:place], argv[place : place + 1], argv[place + 1 :]
    # manifest-tool's host flags take no value; ours would take the command's name, or a reference, for one.
    # Before the command there are no references, so that any word is a host there.
    head, tail = _valued(head, _is_word), _valued(tail, _is_host)
    if "from-spec" in tail[:4]:
        number = tail.index("from-spec")
        tail = [*tail[:number], "--manifest-tool", "--spec", *tail[number + 1 :]]
    if "from-args" in tail[:4]:
        number = tail.index("from-args")
        # Go's flag package takes one dash for two, and =true and =false for switches.
        tail = [*tail[:number], "--manifest-tool", *(_go_flag(word) for word in tail[number + 1 :])]
        tail = [word.removesuffix("=true") for word in tail if not word.endswith("=false")]
    return [*command, *head, *tail]


def _valued(words: list[str], is_value: Callable[[str], bool]) -> list[str]:
    """Write `--plain-http=` for a host flag that no value follows."""
    following = [*words, "-"][1:]
    return [
        f"{word}=" if word in _HOST_FLAGS and not is_value(next_word) else word
        for word, next_word in zip(words, following, strict=True)
    ]


def _is_word(text: str) -> bool:
    return not text.startswith("-") and "/" not in text and "@" not in text and text not in COMMANDS


def _is_host(text: str) -> bool:
    """Whether a word is a host rather than a reference: as in one, it has a dot or a port, or is localhost."""
    name, _, port = text.rpartition(":")
    return _is_word(text) and ((bool(name) and port.isdigit()) or "." in text or text == "localhost")


def _go_flag(word: str) -> str:
    return f"-{word}" if len(word) > 2 and word[0] == "-" and word[1].isalpha() else word  # noqa: PLR2004 - "-x" stays


def build_parser(command: str = "") -> argparse.ArgumentParser:
    """Build the parser, with the options of one command, or of all: each takes a millisecond."""
    parser = _Parser(
        prog="archmerge",
        description="Make one image out of many architectures: verified first, published in the fewest round trips.",
        epilog=_EXIT_CODES,
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    commands = parser.add_subparsers(
        dest="command", prog="archmerge", metavar=" | ".join(COMMANDS), parser_class=_Parser
    )
    for name, (text, fill) in COMMANDS.items():
        own = commands.add_parser(name, help=text, description=text, epilog=_EXIT_CODES)
        if command in (name, ""):
            fill(own)
            _common(own)
    return parser


class _Parser(argparse.ArgumentParser):
    """No abbreviations: an option added later must never change what a pipeline's line means."""

    def __init__(self, **settings: Any) -> None:
        # With a width of its own it needs no terminal's, and argparse does not load `shutil` (5 ms) to ask for one.
        layout = partial(argparse.RawDescriptionHelpFormatter, width=100)
        super().__init__(**settings, formatter_class=layout, allow_abbrev=False)


def _push(parser: argparse.ArgumentParser) -> None:
    add, lists, switch = _adders(parser)
    add("references", nargs="*", metavar="[PLATFORM=]REF", help="images to merge, best with @digest")
    add("--target", metavar="REF", help="HOST/app:TAG to publish; this tag is written first")
    lists("--tags", metavar="T,T", help="tags to move after it, such as latest,1.2")
    add("--template", metavar="REF", help="source images, with ARCH, OS and VARIANT to fill in")
    lists("--platforms", metavar="P,P", help="linux/amd64,linux/arm64 and so on")
    what = "what builds left: digest files, OCI layouts"
    add("--from", dest="files", nargs="+", default=[], metavar="FILE", help=what)
    add("--spec", metavar="FILE", help="manifest-tool's YAML: target, tags and images")
    add("--batch", metavar="FILE", help="many merges: a JSON array, or one JSON object per line")
    add("--type", dest="kind", choices=("oci", "docker", "auto"), default="oci", help="kind of index (default: oci)")
    lists("--annotations", metavar="K=V,K=V", help="annotations of the index")
    lists("--annotation", metavar="K=V", help="one annotation; its value may hold commas")
    what = "annotation of one platform's entry"
    lists("--descriptor-annotation", nargs=2, metavar=("PLATFORM", "K=V"), help=what)
    switch("--ignore-missing", help="leave out images that aren't there")
    switch("--allow-mismatch", help="publish a wrongly labelled image as what its config says")
    what = "mount blobs only; exit 8 where the registry declines that"
    add("--no-copy", dest="copy", action="store_false", help=what)
    switch("--verify-binaries", help="also check what the images run, in their layers")
    switch("--amend", help="replace or add these platforms in the index that is there, keep others")
    switch("--referrers", help="carry signatures and SBOMs along to another repository")
    what = "leave out what BuildKit attests (unknown/unknown)"
    add("--no-attestations", dest="attestations", action="store_false", help=what)
    switch("--tags-at-once", help="write all tags in one round trip, not the target's own first")
    switch("--dry-run", help="read and verify, and show every request, but write nothing")
    add("--digest-file", metavar="FILE", help="write the digest here, too")
    add("--dotenv", metavar="FILE", help="write ARCHMERGE_* variables here, for GitLab's dotenv reports")
    switch("--manifest-tool", help=argparse.SUPPRESS)


def _inspect(parser: argparse.ArgumentParser) -> None:
    add, _, switch = _adders(parser)
    add("reference", metavar="REF")
    switch("--raw", help="print the manifest's exact bytes")


def _verify(parser: argparse.ArgumentParser) -> None:
    add, lists, switch = _adders(parser)
    add("reference", metavar="REF")
    lists("--platforms", metavar="P,P", help="exactly these are expected")
    lists("--require", metavar="K,K", help="of signature, sbom, provenance")
    switch("--verify-binaries", help="also check what the images run, in their layers")


def _prune(parser: argparse.ArgumentParser) -> None:
    add, lists, switch = _adders(parser)
    add("reference", metavar="REPOSITORY")
    lists("--remove", metavar="GLOB,GLOB", help="tags that may go (default: *-ARCH)")
    lists("--keep", metavar="GLOB,GLOB", help="tags that stay, whatever --remove says")
    days = _number(float, 0, 36500)
    add("--days", type=days, default=7.0, metavar="N", help="only images that old (default: 7; 0: any age)")
    switch("--delete", help="delete, rather than say what would be")


def _common(parser: argparse.ArgumentParser) -> None:
    """Options of all commands, before or after the command's name."""
    add, lists, switch = _adders(parser.add_argument_group("connection and output"))
    for name, text in (
        ("--plain-http", "speak plain HTTP with this host (default: the target's), and no other"),
        ("--insecure", "don't check this host's certificate (default: the target's)"),
    ):
        lists(name, type=_host, nargs="?", const=TARGET_HOST, metavar="HOST", help=text)
    add("--cacert", metavar="FILE", help="certificates to trust besides the system's")
    add("--docker-cfg", metavar="PATH", help="docker config: a file, or the directory of config.json")
    what = "send HOST's credentials to its token service at the host REALM, which does not show that it is HOST's"
    lists("--token-realm", type=_realm, metavar="HOST=REALM", help=what)
    add("--username", metavar="NAME", help="for the target's host; with --password-stdin or ARCHMERGE_PASSWORD")
    switch("--password-stdin", help="read the password from standard input")
    add("--password", nargs="?", action=_RefusePassword, help=argparse.SUPPRESS)
    seconds, times = _number(float, 0.001, 86400), _number(int, 0, 100)
    add("--deadline", type=seconds, default=600.0, metavar="SECONDS", help="for the whole command (default: 600)")
    add("--retries", type=times, default=4, metavar="N", help="further attempts per request (default: 4)")
    switch("--json", help="print JSON on standard output")
    switch("--quiet", help="no summary on standard error")
    switch("--debug", help="show every request (never a secret), and tracebacks")


def _adders(parser: argparse._ActionsContainer) -> tuple[Callable[..., Any], ...]:
    """Return what adds an option, one that may be repeated, and a switch."""
    add = parser.add_argument
    return add, partial(add, action="append", default=[]), partial(add, action="store_true")


COMMANDS: dict[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "push": ("publish one index over several images", _push),
    "inspect": ("show the platforms, digests, sizes and attestations of an image", _inspect),
    "prune": ("say, or delete, what no kept tag reaches", _prune),
    "verify": ("check that an index holds what it says, whole and true", _verify),
}


def _host(text: str) -> str:
    if "/" in text:
        raise argparse.ArgumentTypeError(f"takes a host, not {text!r}")
    return text


def _realm(text: str) -> tuple[str, str]:
    host, _, realm = text.partition("=")
    if not host or not realm or "/" in text:
        raise argparse.ArgumentTypeError(f"takes HOST=REALM, as hub.example=auth.example.org, not {text!r}")
    return host, realm


def _number(kind: type, low: float, high: float) -> Callable[[str], float]:
    """Return a reader of numbers between two; argparse says what is none."""

    def number(text: str) -> float:
        value: float = kind(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"must be {low:g} to {high:g}")
        return value

    return number
