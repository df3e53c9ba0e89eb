"""Run a command that is interrupted when this process ends, in whatever way: for compilers that run for minutes.

Run as a script it asks the kernel to be sent SIGINT at its parent's end (PR_SET_PDEATHSIG), and becomes the command;
an interrupted `go` ends its compilers and removes its work. The signal follows the *thread* that started the command,
so that thread must wait for it. Elsewhere than on Linux it only becomes the command.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1


def tied(command: Sequence[str]) -> list[str]:
    """Return the command line that runs `command` (its first word an absolute path) tied to this process."""
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


def main() -> None:
    """Tie, and become the command: arguments are the parent's process id and the command."""
    parent, *command = sys.argv[1:]
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
        if os.getppid() != int(parent):  # it ended before the kernel was asked
            sys.exit(1)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Python's own handler would not outlive exec, but an ignored one does
    os.execv(command[0], command)  # noqa: S606 - no shell is what is wanted


if __name__ == "__main__":
    main()
