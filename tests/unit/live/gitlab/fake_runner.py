"""A program in gitlab-runner's place: takes jobs of the small GitLab and ends them, without any pod.

It has every runner of its config.toml, and asks for each in turn. Which of them took which job is in `taken.json`.

`python fake_runner.py run --config FILE --working-directory DIR`. A job's first variable `DO` says what it does.
"""

import json
import os
import signal
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

from multiarch.core.files import write_whole
from tests.unit.live.gitlab.client import Client, zipped

SAID = """\x1b[0;mGetting source from Git repository
2026-11-30T11:00:00.000001Z 01O \x1b[32;1m$ echo 'multiarch-confined: begin' # collapsed multi-line command\x1b[0;m
2026-11-30T11:00:00.000002Z 01O multiarch-confined: begin
2026-11-30T11:00:00.000003Z 01O Uid:\t1000\t1000\t1000\t1000
2026-11-30T11:00:00.000004Z 01O Gid:\t1000\t1000\t1000\t1000
2026-11-30T11:00:00.000005Z 01O CapBnd:\t00000000000000c0
2026-11-30T11:00:00.000006Z 01O NoNewPrivs:\t0
2026-11-30T11:00:00.000007Z 01O Seccomp:\t2
2026-11-30T11:00:00.000008Z 01O Token: none
2026-11-30T11:00:00.000009Z 01O multiarch-confined: end
2026-11-30T11:00:00.000010Z 01O building
"""
"""A log as gitlab-runner writes it: shells/abstract.go, writeCommands, and the timestamper's stamps."""


def main() -> None:
    config = Path(sys.argv[3])
    settings = tomllib.loads(config.read_text())
    runner = settings["runners"][0]
    record(config, runner)
    for number in (signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, lambda got, _: leave(runner, signal.Signals(got).name))
    clients = [(Client(one["url"], one["token"]), one) for one in settings["runners"]]
    assert all(client.verify().status == 200 for client, _ in clients)
    clients[0][0].send("GET", "/api/v4/runners/router/discovery")
    taken = []
    while True:
        for client, one in clients:
            answer = client.request_job()
            if answer.status == 201:
                taken.append([answer.document["job_info"]["name"], one["name"], one["kubernetes"]["bearer_token"]])
                write_whole(Path(runner["builds_dir"], "taken.json"), json.dumps(taken))
                work(client, answer.document, one)
        time.sleep(0.05)


def record(config: Path, runner: dict[str, Any]) -> None:
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in (config, config.parent, config.parent / "ca.crt")}
    seen: dict[str, Any] = {
        "environment": sorted(os.environ),
        "modes": list(modes.values()),
        "folder": str(config.parent),
    }
    seen["url"] = runner["url"]
    seen["leads_its_session"] = os.getsid(0) == os.getpid()
    write_whole(Path(runner["builds_dir"], "seen.json"), json.dumps({**seen, "pid": os.getpid()}))


def leave(runner: dict[str, Any], name: str) -> None:
    write_whole(Path(runner["builds_dir"], "left.json"), json.dumps(name))
    sys.exit(0)


def work(client: Client, job: dict[str, Any], runner: dict[str, Any]) -> None:
    variables = {one["key"]: one["value"] for one in job["variables"]}
    got = [client.download(one) for one in job["dependencies"]]
    log = f"of {job['token']} by {runner['kubernetes']['bearer_token']} and {client.token}\n"
    log += f"downloads {[answer.status for answer in got]}\n"
    match variables.get("DO"):
        case "crash":
            print(f"FATAL: crashed with token={client.token}", file=sys.stderr, flush=True)  # noqa: T201 - its log
            os._exit(7)
        case "hang":
            client.update(job, "running")
            time.sleep(600)
        case "fail":
            client.run(job, log.encode(), "failed", failure_reason="script_failure", exit_code=4)
        case "build":  # as the template's builds do: what it says of itself first, then a digest for the merge
            arch = variables["ARCH"]
            content = json.dumps({"digest": f"sha256:{arch}"}).encode()
            assert client.upload(job, zipped({f"digests/{arch}.json": content})).status == 201
            client.run(job, SAID.encode())
        case _:
            assert client.upload(job, zipped({"digest": job["job_info"]["name"].encode()})).status == 201
            client.run(job, log.encode())


if __name__ == "__main__":
    main()
