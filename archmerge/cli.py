"""The command: from arguments to requests, from results and errors to output and exit codes."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from functools import partial
from typing import NoReturn

from archmerge import __version__, arguments, output
from archmerge.errors import ArchmergeError, ExitCode, UsageError
from archmerge.merging import MergeResult, merge
from archmerge.platforms import parse_platform
from archmerge.reference import parse_reference, parse_target
from archmerge.request import MergeRequest, Source, pairs, split_commas, template_sources
from archmerge.session import Hooks, Session
from archmerge.transport.connections import Options
from archmerge.transport.parallel import settle
from archmerge.verdicts import NO, UNCLEAR

_BATCH_WORKERS = 16
_PASSWORD_MAX = 64 << 10
_SWITCHES = (
    *("ignore_missing", "allow_mismatch", "copy", "verify_binaries"),
    *("attestations", "referrers", "amend", "tags_at_once"),
)
_NOT_WITH_BATCH = (
    *("target", "template", "files", "references", "platforms", "tags", "annotations", "annotation"),
    *("digest_file", "dotenv", "spec"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; its exit code. Errors become one message on standard error, never a traceback."""
    argv = sys.argv[1:] if argv is None else argv
    try:
        return _run(arguments.parse(argv))
    except ArchmergeError as error:
        if "--json" in argv:
            _out(output.to_json(output.error_json(error)))
        _err(f"archmerge: {error}")
        return error.code
    except KeyboardInterrupt:
        _err("archmerge: interrupted")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return ExitCode.OK
    except Exception as error:
        if "--debug" in argv:
            raise
        _err(f"archmerge: a bug in archmerge: {type(error).__name__}: {error}; --debug shows where")
        return ExitCode.BUG


def entry() -> NoReturn:
    """Run the command as a process: exit at once, without taking 8 ms to take every module apart."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a cancelled job says which tags have moved, too
    code = main()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _run(args: argparse.Namespace) -> int:
    if args.version:
        _out(f"archmerge {__version__}")
        return ExitCode.OK
    if not args.command:
        arguments.build_parser().print_help(sys.stderr)
        return ExitCode.USAGE
    return {"push": _push, "inspect": _inspect, "prune": _prune, "verify": _verify}[args.command](args)


def _push(args: argparse.Namespace) -> int:
    if args.batch:
        return _batch(args)
    request = push_request(args)
    with _session(args, parse_target(request.target).host) as session:
        result = merge(request, session)
    if not args.dry_run:
        output.write(args.digest_file, f"{result.digest}\n")
        output.write(args.dotenv, output.dotenv(result))
    if not args.quiet:
        _err(output.summary(result, dry_run=args.dry_run))
    if args.json:
        _out(output.to_json(output.result_json(result, dry_run=args.dry_run)))
    elif args.manifest_tool:
        _out(f"Digest: {result.digest} {result.size}")  # manifest-tool's line, which pipelines take apart
    else:
        _out(result.digest)
    return ExitCode.OK


def push_request(args: argparse.Namespace) -> MergeRequest:
    """Turn the options of `push` into a request, before anything is sent."""
    if args.spec or args.files:
        from archmerge.built import digest_sources, read_spec
    if args.spec and not args.target:
        spec = read_spec(args.spec)
        args.target, args.tags = spec.target, [*spec.tags, *args.tags]
    if not args.target:
        raise UsageError("push needs --target", fix="name what to publish: --target HOST/app:TAG")
    platforms = split_commas(args.platforms)
    ways = [name for name in ("template", "files", "references", "spec") if getattr(args, name)]
    if len(ways) != 1:
        raise UsageError(
            f"push takes its images in one way, not {len(ways)}",
            fix="give either --template with --platforms, or --from FILES, or references",
        )
    files = [args.spec] if args.spec else args.files
    if args.template:
        sources = template_sources(args.template, platforms)
    elif files:
        sources = digest_sources(files, platforms, parse_target(args.target).name)
    elif platforms:
        raise UsageError(
            "references don't go with --platforms", fix="write PLATFORM=REF, as in linux/arm64=HOST/app@DIGEST"
        )
    else:
        sources = [_positional(text) for text in args.references]
    for name, option in ((args.digest_file, "--digest-file"), (args.dotenv, "--dotenv")):
        if name and not os.path.isdir(os.path.dirname(os.path.abspath(name))):
            raise UsageError(f"{option} {name}: there is no such directory", fix=f"mkdir -p {os.path.dirname(name)}")
    annotations = pairs(split_commas(args.annotations), "--annotations") | pairs(args.annotation, "--annotation")
    sources, tags = _annotated(sources, args.descriptor_annotation), split_commas(args.tags)
    expected = platforms if files else ()
    return _switched(MergeRequest(args.target, sources, tags, args.kind, annotations, platforms=expected), args)


def _switched(request: MergeRequest, args: argparse.Namespace) -> MergeRequest:
    return request._replace(**{name: getattr(args, name) for name in _SWITCHES})


def _positional(text: str) -> Source:
    platform, equals, reference = text.partition("=")
    return Source(reference, platform) if equals else Source(text)


def _annotated(sources: list[Source], given: Sequence[Sequence[str]]) -> list[Source]:
    """Hang each `--descriptor-annotation` on the source of its platform."""
    for name, pair in given:
        wanted = parse_platform(name)
        fitting = [s for s in sources if s.platform and wanted.claims(parse_platform(s.platform))]
        if len(fitting) != 1:
            raise UsageError(f"--descriptor-annotation {name}: {len(fitting)} sources are said to be of this platform")
        annotations = {**fitting[0].annotations, **pairs([pair], "--descriptor-annotation")}
        sources = [s._replace(annotations=annotations) if s is fitting[0] else s for s in sources]
    return sources


def _batch(args: argparse.Namespace) -> int:
    """Many merges at once over shared tokens and connections; the exit code is that of the first that failed."""
    from archmerge.built import read_batch

    for name in _NOT_WITH_BATCH:
        if getattr(args, name):
            raise UsageError(f"--batch doesn't go with --{name.replace('_', '-')}", fix="say it in the batch file")
    requests = [_switched(request, args) for request in read_batch(args.batch)]
    hosts = {parse_target(request.target).host for request in requests}
    with _session(args, hosts.pop() if len(hosts) == 1 else "") as session:
        for request in requests:  # all rights that will be needed, before the first token
            request.check()
            session.announce(request)
        outcomes = settle([partial(merge, request, session) for request in requests], _BATCH_WORKERS)
    failed, listed = [], []
    for request, outcome in zip(requests, outcomes, strict=True):
        if isinstance(outcome, MergeResult):
            listed.append(output.result_json(outcome, dry_run=args.dry_run))
            if not args.json:
                _out(f"{outcome.digest}  {outcome.target}")
        elif isinstance(outcome, ArchmergeError):
            failed.append(outcome)
            listed.append({"target": request.target, **output.error_json(outcome)})
            _err(f"archmerge: {request.target}: {outcome}")
        else:
            raise outcome
    if args.json:
        _out(output.to_json(listed))
    if not args.quiet:
        _err(f"{len(requests) - len(failed)} of {len(requests)} merged")
    return failed[0].code if failed else ExitCode.OK


def _inspect(args: argparse.Namespace) -> int:
    from archmerge.inspection import inspect

    with _session(args, parse_reference(args.reference).host) as session:
        report = inspect(args.reference, session)
    if args.raw:
        sys.stdout.buffer.write(report.body)
    else:
        _out(output.to_json(output.report_json(report)) if args.json else output.report_text(report))
    return ExitCode.OK


def _verify(args: argparse.Namespace) -> int:
    from archmerge.evidence import KINDS
    from archmerge.inspection import verify

    platforms = [parse_platform(text) for text in split_commas(args.platforms)]
    require = split_commas(args.require)
    if unknown := sorted(set(require) - set(KINDS)):
        raise UsageError(f"--require {unknown[0]!r} is not one of {', '.join(KINDS)}")
    with _session(args, parse_reference(args.reference).host) as session:
        binaries = args.verify_binaries
        digest, checks = verify(args.reference, platforms, session, binaries=binaries, require=require)
    if args.json:
        _out(output.to_json(output.checks_json(args.reference, digest, checks)))
    else:
        _out(output.checks_text(args.reference, digest, checks))
    answers = {check.answer for check in checks}
    if NO in answers:
        return ExitCode.MISMATCH
    return ExitCode.UNKNOWN if UNCLEAR in answers else ExitCode.OK


def _prune(args: argparse.Namespace) -> int:
    from archmerge.pruning import PER_ARCHITECTURE, Rules, prune

    ref = parse_reference(args.reference)
    if ref.tag or ref.digest:
        raise UsageError(f"prune takes a repository, not {ref}", fix=f"archmerge prune {ref.name}")
    rules = Rules(tuple(split_commas(args.remove)) or PER_ARCHITECTURE, split_commas(args.keep), args.days)
    with _session(args, ref.host) as session:
        decided = prune(session.registry(ref.host), ref.repository, rules, delete=args.delete)
    if args.json:
        _out(output.to_json({"repository": ref.name, "deleted": args.delete, **decided._asdict()}))
        return ExitCode.OK
    for tag, state in sorted(decided.tags.items()):
        _out(f"{tag}: {state}")
    for digest in decided.delete:
        _out(f"{'deleted' if args.delete else 'would delete'} {ref.name}@{digest}")
    if not args.delete and decided.delete and not args.quiet:
        _err("nothing was deleted: --delete does it")
    return ExitCode.OK


def _session(args: argparse.Namespace, host: str) -> Session:
    dry_run, login = getattr(args, "dry_run", False), _login(args)
    if login and not host:
        raise UsageError(
            "--username is for the target's host, but the targets are on several",
            fix="give each host's credentials in a docker config: --docker-cfg FILE, or DOCKER_AUTH_CONFIG",
        )
    options = Options(
        plain_http=_hosts(args.plain_http, host, "--plain-http"),
        insecure=_hosts(args.insecure, host, "--insecure"),
        cacert=args.cacert,
        deadline=args.deadline,
        attempts=args.retries + 1,
        login=login,
        docker_cfg=args.docker_cfg,
        dry_run=dry_run,
        realms=frozenset(args.token_realm),
    )
    hooks = Hooks(_say, _say) if args.debug or dry_run else Hooks(_say)
    return Session(options, primary=host, hooks=hooks)


def _hosts(named: list[str], host: str, option: str) -> frozenset[str]:
    if arguments.TARGET_HOST in named and not host:
        raise UsageError(f"{option} needs a host: the targets are on several", fix=f"{option} HOST")
    return frozenset(name or host for name in named)


def _login(args: argparse.Namespace) -> tuple[str, str] | None:
    if not args.username and not args.password_stdin:
        return None
    password = (
        sys.stdin.read(_PASSWORD_MAX).rstrip("\r\n") if args.password_stdin else os.environ.get("ARCHMERGE_PASSWORD")
    )
    username = args.username or os.environ.get("ARCHMERGE_USERNAME")
    if not username or not password:
        raise UsageError(
            f"{'--username has no password' if username else '--password-stdin has no user name'} to go with",
            fix="give --username NAME with --password-stdin, or set ARCHMERGE_USERNAME and ARCHMERGE_PASSWORD",
        )
    return username, password


def _say(line: str) -> None:
    _err(f"archmerge: {line}")


def _out(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _err(text: str) -> None:
    sys.stderr.write(f"{text}\n")
