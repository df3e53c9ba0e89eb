"""Record what docs/onboarding.md shows: the real command, on the embedded control plane with an EKS cluster's nodes.

`python -m docs.pictures --record onboard` draws the run anew, and writes the file that it wrote into the page;
`recording()` is what a test compares with both. Only times are changed, which differ from run to run, and folders.
"""

import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from docs.steady import steady
from multiarch.cluster.api import Api
from multiarch.cluster.connection import Connection
from multiarch.core.environment import Child, Environment, environment
from multiarch.rehearse.control_plane.plane import ControlPlane
from tests.cluster.onboarding import ROOT, Proxy, kubeconfig, nodes, objects, project
from tests.unit.onboard.lab import daemon_set, deployment, eks_nodes

PAGE = Path(__file__).parent / "onboarding.md"
REPORT = Path(__file__).parent / "images" / "onboard.json"
BEGIN, END = "<!-- recorded by docs/record_onboarding.py -->", "<!-- end of the recording -->"
CONTEXT = "me@builds.eu-central-1.eksctl.io"
ARGUMENTS = ("--context", CONTEXT, "--yes", "--gitlab-url", "https://gitlab.example.com")
_VERSION = {"/version": {"gitVersion": "v1.34.1-eks-113cf36"}}


def recording(connection: Connection) -> tuple[str, str]:
    """Return what is recorded: the command's JSON report, and the file that it wrote."""
    with ExitStack() as stack:
        api = Api.of(connection)
        stack.enter_context(nodes(api, eks_nodes()))
        plugin = daemon_set("aws-node", image="602401143452.dkr.ecr/amazon-k8s-cni:v1.20.4", args=_POLICIES)
        scaler = deployment(
            "cluster-autoscaler", "kube-system", "registry.k8s.io/autoscaling/cluster-autoscaler:v1.34.4"
        )
        stack.enter_context(objects(api, _workload("DaemonSet", plugin), _workload("Deployment", scaler)))
        proxy = stack.enter_context(Proxy(connection, _VERSION))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="multiarch-docs-")))
        (folder / "project").mkdir()
        root = project(folder / "project")
        # The default kubeconfig, so that none has to be named.
        home = folder / "home" / ".kube"
        home.mkdir(parents=True)
        kubeconfig(home / "config", proxy.url, context=CONTEXT)
        login = home / "aws"  # is on PATH, whatever this machine has: the next steps name a plugin that is not
        login.write_text("#!/bin/sh\n")
        login.chmod(0o755)
        done = subprocess.run(
            [sys.executable, "-m", "multiarch.cli", "onboard", *ARGUMENTS, "--json", "-"],
            cwd=root,
            env=_environment(home),
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)
        written = (root / "stacks" / "Pulumi.builds.yaml").read_text(encoding="utf-8")
    places = {str(root): "PROJECT", str(folder): "FOLDER", proxy.url: "https://KUBERNETES"}
    return steady(done.stdout, places), written


_SCALER = "registry.k8s.io/autoscaling/cluster-autoscaler"
_POLICIES = ("--enable-network-policy=true",)


def _environment(home: Path) -> Environment:
    path = f"{home}{os.pathsep}{os.environ['PATH']}"
    return environment(Child.OWN, {"PATH": path, "HOME": str(home.parent), "PYTHONPATH": str(ROOT)})


def _workload(kind: str, found: dict[str, object]) -> dict[str, object]:
    """Complete a DaemonSet or Deployment so that an API server takes it; no pod of it is ever made."""
    metadata, spec = found["metadata"], found["spec"]
    assert isinstance(metadata, dict)  # noqa: S101 - the lab's own shapes
    assert isinstance(spec, dict)  # noqa: S101 - as above
    labels = {"app": str(metadata["name"])}
    template = {**spec["template"], "metadata": {"labels": labels}}
    template["spec"] = {**template["spec"], "nodeSelector": {"example.org/no-such-node": "true"}}
    whole = {"selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": whole}


def recorded() -> tuple[str, str]:
    """Return what is recorded now: the report beside the picture, and the file on the page."""
    shown = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    return REPORT.read_text(encoding="utf-8"), shown.strip().removeprefix("```yaml\n").removesuffix("```")


def record() -> str:
    """Run the command on a control plane of its own, write the file onto the page, and return the report."""
    with ControlPlane(mode="auto") as plane, Connection(plane.kubeconfig, plane.context) as connection:
        report, written = recording(connection)
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n```yaml\n{written}```\n{END}{after}", encoding="utf-8")
    return report
