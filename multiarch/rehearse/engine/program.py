"""Run one Pulumi program for the engine, in the program's own Python: started by the language host, as a script.

It imports nothing of this package, which that Python may not have. On its standard input is JSON with the addresses of
the engine, the configuration, and the program. The exit code is 0, or 32 when an error was shown.
"""

import asyncio
import json
import logging
import runpy
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pulumi
import pulumi.runtime

SHOWN = 32
"""Exit code: it failed, and the engine has been told why."""


def configure(given: dict[str, Any]) -> None:
    """Connect the SDK to the engine, and give it the stack's configuration."""
    pulumi.runtime.configure(pulumi.runtime.Settings(**given["settings"]))
    pulumi.runtime.set_all_config(given["config"], given["secret_keys"])
    # An unfinished graph is normal where one resource failed; asyncio would complain of each part.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)


def run(given: dict[str, Any]) -> None:
    """Run the program, and wait until the engine has everything that it registered."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    with ThreadPoolExecutor(max(given["settings"]["parallel"], 1) * 4) as executor:
        loop.set_default_executor(executor)
        loop.run_until_complete(pulumi.runtime.run_in_stack(lambda: _start(given["program"])))


def _start(program: str) -> None:
    runpy.run_path(program, run_name="__main__")


def main() -> int:
    """Run what standard input names. A RunError is the program's own word to its user, and is shown alone."""
    given = json.load(sys.stdin)
    del sys.path[0]  # this folder: no part of the program's path
    sys.argv = [given["program"], *given["arguments"]]
    configure(given)
    try:
        run(given)
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
    except Exception:  # noqa: BLE001 - a program may fail in any way, and the engine shall show it
        pulumi.log.error(f"Program failed with an unhandled exception:\n{traceback.format_exc()}")
    else:
        return 0
    return SHOWN


if __name__ == "__main__":
    sys.exit(main())
