"""Pods on real nodes, by kubectl, as a user would."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from multiarch.core.waiting import wait_while
from tests.nodes.lab.images import SAYS

_SECONDS = 60.0


class Kubectl:
    def __init__(self, program: Path, kubeconfig: Path) -> None:
        self._command = (str(program), "--kubeconfig", str(kubeconfig))

    def __call__(self, *arguments: str, given: str | None = None) -> str:
        done = subprocess.run(
            [*self._command, *arguments], input=given, capture_output=True, text=True, check=False, timeout=90
        )
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done.stdout

    def get(self, kind: str, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self("get", kind, name, "-o", "json"))
        return found

    def run(self, name: str, *words: str, selector: Mapping[str, str], image: str = SAYS, **more: Any) -> None:
        """Create a pod of the lab's program that goes by the labels of a node, as a job does."""
        container = {"name": "says", "image": image, "args": list(words)}
        spec = {
            "restartPolicy": "Never",
            "dnsPolicy": "Default",
            "nodeSelector": dict(selector),
            "containers": [container],
            **more,
        }
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
        self("create", "-f", "-", given=json.dumps(body))

    def phase(self, name: str) -> str:
        return str(self.get("pod", name)["status"].get("phase"))

    def await_phase(self, name: str, phase: str) -> None:
        assert not wait_while(lambda: self.phase(name) != phase, _SECONDS), self("describe", "pod", name)
