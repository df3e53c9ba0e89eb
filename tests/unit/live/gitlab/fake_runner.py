"""A program in gitlab-runner's place: takes jobs of the small GitLab and ends them, without any pod.

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

from tests.unit.live.gitlab.client import Client, zipped


def main() -> None:
    config = Path(sys.argv[3])
    settings = tomllib.loads(config.read_text())
    (runner,) = settings["runners"]
    record(config, runner)
    for number in (signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, lambda got, _: leave(runner, signal.Signals(got).name))
    client = Client(runner["url"], runner["token"])
    assert client.verify().status == 200
    client.send("GET", "/api/v4/runners/router/discovery")
    while True:
        answer = client.request_job()
        if answer.status == 201:
            work(client, answer.document, runner)
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
    Path(runner["builds_dir"], "seen.json").write_text(json.dumps({**seen, "pid": os.getpid()}))


def leave(runner: dict[str, Any], name: str) -> None:
    Path(runner["builds_dir"], "left.json").write_text(json.dumps(name))
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
        case _:
            assert client.upload(job, zipped({"digest": job["job_info"]["name"].encode()})).status == 201
            client.run(job, log.encode())


if __name__ == "__main__":
    main()
