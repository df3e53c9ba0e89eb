"""A stub `pulumi`: a real executable that replays recorded answers, and broken ones, and writes down its calls."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PROGRAM = '''#!{python} -SE
"""A stub `pulumi`: answers by its first argument, or by that and the stack, and writes down how it was called."""
import json, os, signal, subprocess, sys, time
from pathlib import Path

here = Path(__file__).parent
arguments = sys.argv[1:]
if arguments == ["version"]:
    print("v3.260.0")
    sys.exit(0)
stack = arguments[arguments.index("--stack") + 1] if "--stack" in arguments else ""

def note(event, **more):
    line = json.dumps({{"event": event, "pid": os.getpid(), "at": time.monotonic(), "stack": stack, **more}}) + "\\n"
    log = os.open(here / "calls.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(log, line.encode())
    os.close(log)

note("begin", arguments=arguments, cwd=os.getcwd(), names=sorted(os.environ))
answers = json.loads((here / "answers.json").read_text())
answer = answers.get(arguments[0] + " " + stack) or answers.get(arguments[0]) or {{"exit": 97}}

def interrupted(number, frame):
    note("interrupted")
    if not answer.get("stubborn"):
        sys.exit(answer.get("exit_at_interrupt", 130))

signal.signal(signal.SIGINT, interrupted)
if answer.get("child"):
    ignore = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(60)"
    note("child", child=subprocess.Popen([sys.executable, "-SEc", ignore]).pid)
sys.stderr.write(answer.get("stderr", ""))
sys.stderr.flush()
sys.stdout.buffer.write(bytes.fromhex(answer.get("hex", "")) or answer.get("stdout", "").encode())
sys.stdout.flush()
for _ in range(answer.get("megabytes", 0)):
    sys.stdout.buffer.write(b"x" * 1_000_000)
end = time.monotonic() + answer.get("seconds", 0)
while time.monotonic() < end:
    time.sleep(min(0.05, max(0.0, end - time.monotonic())))
note("end")
sys.exit(answer.get("exit", 0))
'''


class StubPulumi:
    """The stub in a folder: what it shall answer, and how it was called."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.program = folder, folder / "pulumi"
        self.program.write_text(PROGRAM.format(python=sys.executable))
        self.program.chmod(0o755)
        self.answers({})

    def answers(self, table: Mapping[str, Mapping[str, Any]]) -> None:
        """Set answers by `COMMAND` or `COMMAND STACK`.

        An answer has `exit`, `stdout` or `hex`, `stderr`; `seconds` to take, `megabytes` to print, `stubborn` against
        SIGINT, `child` to leave a process behind that holds the pipes, `exit_at_interrupt`.
        """
        self.folder.joinpath("answers.json").write_text(json.dumps(table))

    def events(self, kind: str = "begin") -> list[dict[str, Any]]:
        """List what was written down, of one kind."""
        log = self.folder / "calls.jsonl"
        lines = log.read_text().splitlines() if log.exists() else []
        return [event for event in map(json.loads, lines) if event["event"] == kind]
