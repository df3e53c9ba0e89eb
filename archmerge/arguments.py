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


def _push(push: argparse.ArgumentParser) -> None:
    add = push.add_argument
    add("references", nargs="*", metavar="[PLATFORM=]REF", help="images to merge, best with @digest")
    add("--target", metavar="REF", help="HOST/app:TAG to publish; this tag is written first")
    add("--tags", action="append", default=[], metavar="T,T", help="tags to move after it, such as latest,1.2")
    add("--template", metavar="REF", help="source images, with ARCH, OS and VARIANT to fill in")
    add("--platforms", action="append", default=[], metavar="P,P", help="linux/amd64,linux/arm64 and so on")
    add(
        "--from",
        dest="files",
        nargs="+",
        default=[],
        metavar="FILE",
        help="what builds left: digest files, OCI layouts",
    )
    add("--spec", metavar="FILE", help="manifest-tool's YAML: target, tags and images")
    add("--batch", metavar="FILE", help="many merges: a JSON array, or one JSON object per line")
    add("--type", dest="kind", choices=("oci", "docker", "auto"), default="oci", help="kind of index (default: oci)")
    add("--annotations", action="append", default=[], metavar="K=V,K=V", help="annotations of the index")
    add("--annotation", action="append", default=[], metavar="K=V", help="one annotation; its value may hold commas")
    add("--descriptor-annotation", action="append", nargs=2, default=[], metavar=("PLATFORM", "K=V"),
        help="annotation of one platform's entry")  # fmt: skip
    add("--ignore-missing", action="store_true", help="leave out images that aren't there")
    add("--allow-mismatch", action="store_true", help="publish a wrongly labelled image as what its config says")
    add(
        "--no-copy", dest="copy", action="store_false", help="mount blobs only; exit 8 where the registry declines that"
    )
    add("--verify-binaries", action="store_true", help="also check what the images run, in their layers")
    add("--amend", action="store_true", help="replace or add these platforms in the index that is there, keep others")
    add("--referrers", action="store_true", help="carry signatures and SBOMs along to another repository")
    add(
        "--no-attestations",
        dest="attestations",
        action="store_false",
        help="leave out what BuildKit attests (unknown/unknown)",
    )
    add("--tags-at-once", action="store_true", help="write all tags in one round trip, not the target's own first")
    add("--dry-run", action="store_true", help="read and verify, and show every request, but write nothing")
    add("--digest-file", metavar="FILE", help="write the digest here, too")
    add("--dotenv", metavar="FILE", help="write ARCHMERGE_* variables here, for GitLab's dotenv reports")
    add("--manifest-tool", action="store_true", help=argparse.SUPPRESS)


def _inspect(inspect: argparse.ArgumentParser) -> None:
    inspect.add_argument("reference", metavar="REF")
    inspect.add_argument("--raw", action="store_true", help="print the manifest's exact bytes")


def _verify(verify: argparse.ArgumentParser) -> None:
    verify.add_argument("reference", metavar="REF")
    add = verify.add_argument
    add("--platforms", action="append", default=[], metavar="P,P", help="exactly these are expected")
    add("--require", action="append", default=[], metavar="K,K", help="of signature, sbom, provenance")
    add("--verify-binaries", action="store_true", help="also check what the images run, in their layers")


def _prune(prune: argparse.ArgumentParser) -> None:
    add = prune.add_argument
    add("reference", metavar="REPOSITORY")
    add("--remove", action="append", default=[], metavar="GLOB,GLOB", help="tags that may go (default: *-ARCH)")
    add("--keep", action="append", default=[], metavar="GLOB,GLOB", help="tags that stay, whatever --remove says")
    add(
        "--days",
        type=_number(float, 0, 36500),
        default=7.0,
        metavar="N",
        help="only images that old (default: 7; 0: any age)",
    )
    add("--delete", action="store_true", help="delete, rather than say what would be")


def _common(parser: argparse.ArgumentParser) -> None:
    """Options of all commands, before or after the command's name."""
    add = parser.add_argument_group("connection and output").add_argument
    for name, text in (
        ("--plain-http", "speak plain HTTP with this host (default: the target's), and no other"),
        ("--insecure", "don't check this host's certificate (default: the target's)"),
    ):
        add(name, type=_host, action="append", default=[], nargs="?", const=TARGET_HOST, metavar="HOST", help=text)
    add("--cacert", metavar="FILE", help="certificates to trust besides the system's")
    add("--docker-cfg", metavar="PATH", help="docker config: a file, or the directory of config.json")
    add("--token-realm", type=_realm, action="append", default=[], metavar="HOST=REALM",
        help="send HOST's credentials to its token service at the host REALM, which does not show that it is HOST's",
    )  # fmt: skip
    add("--username", metavar="NAME", help="for the target's host; with --password-stdin or ARCHMERGE_PASSWORD")
    add("--password-stdin", action="store_true", help="read the password from standard input")
    add("--password", nargs="?", action=_RefusePassword, help=argparse.SUPPRESS)
    add(
        "--deadline",
        type=_number(float, 0.001, 86400),
        default=600.0,
        metavar="SECONDS",
        help="for the whole command (default: 600)",
    )
    add(
        "--retries", type=_number(int, 0, 100), default=4, metavar="N", help="further attempts per request (default: 4)"
    )
    add("--json", action="store_true", help="print JSON on standard output")
    add("--quiet", action="store_true", help="no summary on standard error")
    add("--debug", action="store_true", help="show every request (never a secret), and tracebacks")


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
