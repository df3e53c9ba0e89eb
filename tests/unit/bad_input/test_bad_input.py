"""Mistakes in a stack file: each is told with its path, the consequence and the fix, before anything is declared."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

import pulumi
import pytest

from components.config import load_config
from components.problems import ConfigError
from components.stack_keys import NAMESPACE
from multiarch.model.placeholders import with_placeholder_token, with_stub_access
from multiarch.model.stack_file import load_stack_file

Program = Callable[[Mapping[str, str], Collection[str]], list[str]]
Write = Callable[[str, str], Path]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A change to a stack that works, and what must be said of it."""

    stack: str
    changes: str
    """YAML lines of `path: value`; `<removed>` removes the key."""
    path: str
    found: str = ""
    consequence: str = ""
    fix: str
    beside: tuple[str, ...] = ()
    """Paths of further problems that the same mistake causes."""


CASES = {
    "unknown key of the program": Case(
        stack="gke",
        changes="poools: []",
        path="poools",
        found="unknown key 'poools' for this program",
        fix="Did you mean pools?",
    ),
    "unknown key of a pool": Case(
        stack="gke",
        changes="pools[1].machinetype: t2a-standard-4",
        path="pools[1].machinetype",
        found="for gke pools",
        fix="Did you mean machineType?",
    ),
    "unknown key in Python's spelling": Case(
        stack="gke",
        changes="pools[1].max_nodes: 5",
        path="pools[1].max_nodes",
        fix="Did you mean maxNodes?",
    ),
    "unknown key of the runner": Case(
        stack="gke",
        changes="runner.concurent: 3",
        path="runner.concurent",
        found="for the runner",
        fix="Did you mean concurrent?",
    ),
    "unknown key far down": Case(
        stack="gke",
        changes="runner.resources.build.memry: 3Gi",
        path="runner.resources.build.memry",
        found="for `runner.resources.build`",
        fix="memory",
    ),
    "key of another cloud's pool": Case(
        stack="gke",
        changes="pools[1].amiType: AL2023_ARM_64_STANDARD",
        path="pools[1].amiType",
        found="'amiType' is a key of eks pools, but the cluster is gke",
        fix="Remove it",
    ),
    "key of another cloud's cluster": Case(
        stack="eks",
        changes="cluster.resourceGroup: ci",
        path="cluster.resourceGroup",
        found="a key of aks clusters, but the cluster is eks",
        consequence="no effect here",
        fix="Remove it",
    ),
    "key of a created pool on nodes that exist": Case(
        stack="local",
        changes="pools[1].machineType: t2a-standard-8",
        path="pools[1].machineType",
        found="gke pools and eks pools and aks pools, but the cluster is existing",
        consequence="no effect here",
        fix="Remove it",
    ),
    "key of another kind of cache": Case(
        stack="eks",
        changes="runner.cache: {type: s3, bucket: b, region: eu-central-1, account: a}",
        path="runner.cache.account",
        found="a key of type azure, but its type is s3",
        consequence="no effect here",
        fix="Remove it",
    ),
    "missing cluster": Case(
        stack="gke",
        changes="cluster: <removed>",
        path="cluster",
        found="not set",
        consequence="which cluster the pools join",
        fix="Add `multiarch-runner:cluster:`",
    ),
    "missing key of the cluster": Case(
        stack="gke",
        changes="cluster.project: <removed>",
        path="cluster.project",
        found="not set",
        consequence="id of the Google Cloud project",
        fix="Add `project: ...` (text)",
    ),
    "missing type of the cluster": Case(
        stack="gke",
        changes="cluster.type: <removed>",
        path="cluster.type",
        found="not set",
        consequence="the other keys of cluster and pools",
        fix="Use one of gke, eks, aks, existing.",
    ),
    "missing name of a pool": Case(
        stack="eks",
        changes="pools[1].name: <removed>",
        path="pools[1].name",
        found="not set",
        consequence="",
        fix="Add `name: ...` (text)",
    ),
    "no pools at all": Case(
        stack="gke",
        changes="pools: []",
        path="pools",
        found="an empty list",
        fix="Add a pool of each architecture",
    ),
    "text where a number belongs": Case(
        stack="gke",
        changes="pools[0].maxNodes: '5'",
        path="pools[0].maxNodes",
        found="'5' is text",
        consequence="takes a whole number",
        fix="Write maxNodes: 5, without quotes.",
    ),
    "text where true or false belongs": Case(
        stack="gke",
        changes="pools[0].protect: 'on'",
        path="pools[0].protect",
        found="'on' is text",
        consequence="takes true or false",
        fix="Write protect: true, without quotes.",
    ),
    "true where a number belongs": Case(
        stack="gke",
        changes="pools[0].minNodes: true",
        path="pools[0].minNodes",
        found="true is true or false",
        consequence="takes a whole number",
        fix="Write a whole number.",
    ),
    "number where text belongs": Case(
        stack="gke",
        changes="pools[0].labels: {team: 7}",
        path="pools[0].labels.team",
        found="7 is a whole number",
        consequence="labels takes text",
        fix="Put it in quotes: '7'.",
    ),
    "single value where a list belongs": Case(
        stack="gke",
        changes="pools[0].nodeLocations: us-central1-a",
        path="pools[0].nodeLocations",
        found="is text",
        consequence="takes a list of text",
        fix="Make it a list: nodeLocations: [us-central1-a].",
    ),
    "mapping where the list of pools belongs": Case(
        stack="gke",
        changes="pools: {arm64: {arch: arm64}}",
        path="pools",
        found="is a mapping",
        consequence="Write a list",
        fix="Write a list",
    ),
    "text where a pool belongs": Case(
        stack="gke",
        changes="pools[0]: amd64",
        path="pools[0]",
        found="'amd64' is text",
        consequence="takes a mapping",
        fix="Write a mapping.",
    ),
    "empty value": Case(
        stack="gke",
        changes="pools[0].maxNodes:",
        path="pools[0].maxNodes",
        found="empty",
        consequence="takes a whole number",
        fix="remove the key to get its default",
    ),
    "architecture that does not exist": Case(
        stack="gke",
        changes="pools[1].arch: aarch64",
        path="pools[1].arch",
        found="unknown value 'aarch64'",
        fix="arm64",
    ),
    "type of cluster that does not exist": Case(
        stack="gke",
        changes="cluster.type: gk",
        path="cluster.type",
        found="unknown cluster type 'gk'",
        consequence="the other keys of cluster and pools were not checked",
        fix="Did you mean gke?",
    ),
    "token in plain text": Case(
        stack="gke",
        changes="runnerToken: glrt-Zk3yVq8TnX",
        path="runnerToken",
        found="given in plain text",
        consequence="could take over the runner",
        fix="pulumi config set --secret multiarch-runner:runnerToken",
    ),
    "token where its source belongs": Case(
        stack="gke",
        changes="runner.token: glrt-Zk3yVq8TnX",
        path="runner.token",
        found="is text",
        consequence="takes a mapping",
        fix="Write a mapping.",
    ),
    "token among the runner's keys": Case(
        stack="gke",
        changes="runner.runnerToken: glrt-Zk3yVq8TnX",
        path="runner.runnerToken",
        found="not offered",
        consequence="readable",
        fix="pulumi config set --secret multiarch-runner:runnerToken",
    ),
    "two sources of the token": Case(
        stack="local",
        changes="runnerToken: {secure: AAABAA}",
        path="runnerToken",
        found="set together with runner.token.existingSecret",
        fix="Keep one",
    ),
    "secret where none is kept": Case(
        stack="gke",
        changes="runner.gitlabUrl: {secure: AAABAA}",
        path="runner",
        found="holds a secret",
        consequence="plans and the Helm release would show it",
        fix="Set it without --secret",
        beside=("runner.gitlabUrl",),
    ),
    "machine type of the other architecture on GKE": Case(
        stack="gke",
        changes="pools[1].machineType: e2-standard-8",
        path="pools[1].machineType",
        found="'e2-standard-8' is amd64, but arch is arm64",
        consequence="the nodes would never accept arm64 jobs",
        fix="Use t2a-standard-8",
    ),
    "machine type of the other architecture on EKS": Case(
        stack="eks",
        changes="pools[1].arch: arm64\npools[1].machineType: m7i.xlarge",
        path="pools[1].machineType",
        found="'m7i.xlarge' is amd64, but arch is arm64",
        consequence="the nodes would never accept arm64 jobs",
        fix="Use m7g.xlarge (Graviton3), or set arch: amd64.",
    ),
    "machine type of the other architecture on AKS": Case(
        stack="aks",
        changes="pools[0].arch: amd64\npools[0].machineType: Standard_D8ps_v6",
        path="pools[0].machineType",
        found="'Standard_D8ps_v6' is arm64, but arch is amd64",
        consequence="the nodes would never accept amd64 jobs",
        fix="or set arch: arm64",
    ),
    "unknown machine type without an architecture": Case(
        stack="gke",
        changes="pools[0].machineType: x9-standard-8",
        path="pools[0].machineType",
        found="is not in a known machine family, and arch is not set",
        consequence="never guessed",
        fix="set arch: amd64 or arch: arm64",
    ),
    "C4A with a persistent disk": Case(
        stack="gke",
        changes="pools[1].machineType: c4a-standard-8\npools[1].diskType: pd-balanced",
        path="pools[1].diskType",
        found="'pd-balanced' on c4a-standard-8",
        consequence="C4A machines take hyperdisk only",
        fix="Use hyperdisk-balanced",
    ),
    "T2A with a hyperdisk": Case(
        stack="gke",
        changes="pools[1].diskType: hyperdisk-balanced",
        path="pools[1].diskType",
        found="'hyperdisk-balanced' on t2a-standard-8",
        consequence="T2A machines take persistent disks",
        fix="Use pd-balanced",
    ),
    "T2A in a zone without it": Case(
        stack="gke",
        changes="pools[1].nodeLocations: [us-central1-a, us-central1-c]",
        path="pools[1].nodeLocations",
        found="us-central1-c has no T2A",
        consequence="the pool would fail",
        fix="us-central1-a, us-central1-b, us-central1-f",
    ),
    "T2A in a region without it": Case(
        stack="gke",
        changes="cluster.location: europe-west1\npools[1].machineType: t2a-standard-8",
        path="pools[1].machineType",
        found="in europe-west1",
        consequence="T2A exists only in us-central1",
        fix="n4a-standard-8",
    ),
    "AMI type of the other architecture": Case(
        stack="eks",
        changes="pools[1].amiType: AL2023_x86_64_STANDARD",
        path="pools[1].amiType",
        found="is amd64, but m7g.2xlarge is arm64",
        consequence="EKS refuses the node group",
        fix="Use AL2023_ARM_64_STANDARD.",
    ),
    "two architectures in one node group": Case(
        stack="eks",
        changes="pools[1].alternativeMachineTypes: [m7i.2xlarge]",
        path="pools[1].alternativeMachineTypes[0]",
        found="amd64 in a group of arm64 machines",
        consequence="EKS refuses it",
        fix="a pool of its own for amd64",
    ),
    "node image that arm64 does not have on GKE": Case(
        stack="gke",
        changes="pools[1].imageType: windows_ltsc_containerd",
        path="pools[1].imageType",
        found="on arm64 nodes",
        consequence="GKE does not offer this image for arm64",
        fix="Use cos_containerd",
    ),
    "node image that builds cannot run on, on AKS": Case(
        stack="aks",
        changes="pools[1].osSku: Windows2022",
        path="pools[1].osSku",
        consequence="Linux build jobs cannot run on it",
        fix="Use one of AzureLinux3",
    ),
    "label under kubernetes.io": Case(
        stack="eks",
        changes="pools[1].labels: {kubernetes.io/arch: arm64}",
        path="pools[1].labels[kubernetes.io/arch]",
        found="reserved",
        consequence="EKS refuses",
        fix="Use a prefix of your own",
    ),
    "agent pool name that is too long": Case(
        stack="aks",
        changes="pools[1].name: arm64builders1",
        path="pools[1].name",
        found="is not a valid agent pool name",
        fix="Write 1 to 8 lower-case letters and digits",
    ),
    "agent pool name in upper case": Case(
        stack="aks",
        changes="pools[1].name: Arm64",
        path="pools[1].name",
        found="is not a valid agent pool name",
        fix="Write 1 to 8 lower-case letters and digits",
    ),
    "arm64 agent pool in System mode": Case(
        stack="aks",
        changes="pools[1].mode: System",
        path="pools[1].mode",
        found="System on an arm64 pool",
        consequence="AKS refuses NoSchedule taints on System pools",
        fix="Use mode: User.",
    ),
    "Trusted Launch on arm64": Case(
        stack="aks",
        changes="pools[1].secureBoot: true",
        path="pools[1].secureBoot",
        found="true on an arm64 pool",
        consequence="AKS does not combine Trusted Launch with arm64",
        fix="Set secureBoot: false.",
    ),
    "arm64 agent pool from zero": Case(
        stack="aks",
        changes="pools[1].minNodes: 0",
        path="pools[1].minNodes",
        found="0 on an arm64 pool",
        consequence="arm64 jobs may wait forever",
        fix="Use minNodes: 1.",
    ),
    "minimum above maximum": Case(
        stack="gke",
        changes="pools[1].minNodes: 21",
        path="pools[1].minNodes",
        found="21 is above maxNodes, 20",
        consequence="the cloud refuses the pool",
        fix="maxNodes to 21 or more",
    ),
    "maximum of zero": Case(
        stack="gke",
        changes="pools[1].minNodes: 0\npools[1].maxNodes: 0",
        path="pools[1].maxNodes",
        found="0 is too small",
        fix="Use 1 or more.",
    ),
    "regional total below its minimum": Case(
        stack="gke",
        changes="pools[1].nodeLocations: [us-central1-a, us-central1-b, us-central1-f]\npools[1].maxNodes: 2",
        path="pools[1].maxNodes",
        found="2 in total over 3 zones",
        consequence="the regional total is below what it needs",
        fix="Set maxNodes to 3 or more",
    ),
    "two pools of one name": Case(
        stack="gke",
        changes="pools[1].name: amd64",
        path="pools[1].name",
        found="also the name of pools[0]",
        consequence="one pool would replace the other",
        fix="Give each pool a name of its own.",
    ),
    "architecture that no pool serves": Case(
        stack="gke",
        changes="pools[1]: <removed>",
        path="runner.architectures",
        found="no pool has arch arm64",
        consequence="would wait 600 s for a node and fail",
        fix="Add a pool with arch: arm64",
    ),
    "chart version that YAML takes for a number": Case(
        stack="gke",
        changes="runner.chart: {version: 0.90}",
        path="runner.chart.version",
        found="is a number",
        consequence="takes text",
        fix="Put it in quotes, exactly as it is written there.",
    ),
    "chart version that is a range": Case(
        stack="gke",
        changes="runner.chart: {version: ^0.90}",
        path="runner.chart.version",
        found="is not a valid chart version",
        consequence="whatever matches on the day",
        fix="for example 0.92.2",
    ),
    "manager on a spot pool": Case(
        stack="gke",
        changes="pools[1].spot: true\nrunner.manager.pool: arm64",
        path="runner.manager.pool",
        found="'arm64' is a spot pool",
        consequence="the manager would be evicted",
        fix="Use one of amd64.",
    ),
    "nothing but spot pools": Case(
        stack="gke",
        changes="pools[0].spot: true\npools[1].spot: true",
        path="runner.manager.pool",
        found="every pool is a spot pool",
        consequence="the manager would be evicted",
        fix="Add an on-demand pool",
    ),
    "selector regex without anchors": Case(
        stack="gke",
        changes="runner.selectorRegex: kubernetes.io/arch=.*",
        path="runner.selectorRegex",
        found="not anchored at both ends",
        consequence="also admits labels",
        fix="Write it as ^(...)$.",
    ),
    "empty selector regex": Case(
        stack="gke",
        changes="runner.selectorRegex: ''",
        path="runner.selectorRegex",
        found="empty",
        consequence="silently ignore every job's selector",
        fix="Remove the key",
    ),
    "helper image of one architecture": Case(
        stack="gke",
        changes="runner.helperImage: registry.example.com/helper:arm64-v19.1.1",
        path="runner.helperImage",
        found="is an image for arm64",
        consequence="those of the other architecture fail",
        fix="Use helperImage: auto",
    ),
    "helper image of another version": Case(
        stack="gke",
        changes="runner.helperImage: registry.example.com/helper:v19.0.0",
        path="runner.helperImage",
        found="is version 19.0.0, the runner is 19.1.1",
        consequence="two versions fail in the middle of jobs",
        fix="Use a tag with 19.1.1",
    ),
    "upstream helper image before there was one": Case(
        stack="gke",
        changes="runner.helperImage: upstream",
        path="runner.helperImage",
        found="chart 0.90.1 holds runner 19.1.1",
        consequence="no job could pull its helper",
        fix="chart.version: 0.91.2 or later",
    ),
    "privileged jobs": Case(
        stack="gke",
        changes="runner.privileged: true",
        path="runner.privileged",
        found="not offered",
        consequence="a privileged job controls its node",
        fix="Build with kaniko",
    ),
    "privileged jobs through Helm values": Case(
        stack="gke",
        changes="runner.values: {runners: {privileged: true}}",
        path="runner.values.runners.privileged",
        consequence="a privileged job controls its node",
        fix="Build with kaniko",
    ),
    "overwrite of tolerations": Case(
        stack="gke",
        changes="runner.nodeTolerationsOverwriteAllowed: .*",
        path="runner.nodeTolerationsOverwriteAllowed",
        found="not offered",
        consequence="an empty toleration a job tolerates every taint",
        fix="tolerate the arm64 taint",
    ),
    "overwrite of the namespace": Case(
        stack="gke",
        changes="runner.namespaceOverwriteAllowed: .*",
        path="runner.namespaceOverwriteAllowed",
        found="not offered",
        consequence="network policies",
        fix="Set jobNamespace",
    ),
    "runner tags in Helm values": Case(
        stack="gke",
        changes="runner.values: {runners: {tags: multi-arch}}",
        path="runner.values.runners.tags",
        consequence="a glrt- runner's tags on its side",
        fix="token.create.tags",
    ),
    "runner tags among the runner's keys": Case(
        stack="gke",
        changes="runner.tags: [multi-arch]",
        path="runner.tags",
        consequence="a glrt- runner's tags on its side",
        fix="token.create.tags",
    ),
    "chart repository without a version": Case(
        stack="gke",
        changes="runner.chart: {repository: https://charts.example.com}",
        path="runner.chart.version",
        found="not set, with a repository of your own",
        consequence="each update installs the newest",
        fix="Set an exact version",
    ),
    "AWS provider in another region": Case(
        stack="eks",
        changes="cluster.region: us-east-1",
        path="aws:region",
        found="'eu-central-1', but cluster.region is 'us-east-1'",
        consequence="the wrong place",
        fix="pulumi config set aws:region us-east-1",
    ),
    "Azure provider in another subscription": Case(
        stack="aks",
        changes="cluster.subscriptionId: 00000000-0000-0000-0000-000000000001",
        path="azure-native:subscriptionId",
        consequence="the wrong place",
        fix="pulumi config set azure-native:subscriptionId 00000000-0000-0000-0000-000000000001",
    ),
    "availability zone where a region belongs": Case(
        stack="eks",
        changes="cluster.region: eu-central-1a",
        path="cluster.region",
        found="is not a valid AWS region",
        fix="Write a region, such as eu-central-1, not a zone.",
    ),
    "project name where its id belongs": Case(
        stack="gke",
        changes="cluster.project: Example CI",
        path="cluster.project",
        found="is not a valid project id",
        fix="gcloud projects list",
    ),
    "address of GitLab without its scheme": Case(
        stack="gke",
        changes="runner.gitlabUrl: gitlab.com",
        path="runner.gitlabUrl",
        found="not the URL of a server",
        fix="https://",
    ),
}

HOW_A_FIX_BEGINS = (
    r"Did you mean |`?pulumi config |(?:Add|Attach|Build|Correct|Create|Give|Install|Keep|List|Lower|Make|Name|Only"
    r"|Pass|Put|Raise|Remove|Rename|Revoke|Reset|Run|Set|Shorten|Use|Write)\b"
)
"""An imperative, or a command, or a question about a slip: the reader sees at once what to do."""


def problems_of(file: Path) -> ConfigError:
    values, secret_keys = load_stack_file(file)
    values, secret_keys, _ = with_placeholder_token(values, secret_keys)
    with pytest.raises(ConfigError) as raised:
        load_config(values, secret_keys)
    return raised.value


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_each_mistake_is_told_with_path_consequence_and_fix(case: Case, broken_stack: Write) -> None:
    problems = problems_of(broken_stack(case.stack, case.changes)).problems
    assert {problem.path for problem in problems} == {case.path, *case.beside}
    told = next(problem for problem in problems if problem.path == case.path)
    assert case.found in told.found
    assert case.consequence in told.text
    assert case.fix in told.fix


FORMS = {
    "unknown key": (
        "eks",
        "pools[1].maxNode: 3",
        "pools[1].maxNode: unknown key 'maxNode' for eks pools. Did you mean maxNodes?",
    ),
    "not supported by this cloud": (
        "gke",
        "pools[1].maxPods: 30",
        "pools[1].maxPods: 'maxPods' is a key of aks pools, but the cluster is gke. Remove it: it has no effect here.",
    ),
    "missing": (
        "eks",
        "pools[1].name: <removed>",
        "pools[1].name: required, but not set. Add `name: ...` (text): name of the pool, unique in the stack.",
    ),
    "wrong type": (
        "gke",
        "pools[1].maxNodes: many",
        "pools[1].maxNodes: 'many' is text, but maxNodes takes a whole number. Write a whole number.",
    ),
    "unknown value": (
        "gke",
        "pools[1].arch: arm",
        "pools[1].arch: unknown value 'arm'. Did you mean arm64? It takes one of amd64, arm64.",
    ),
    "out of range": (
        "gke",
        "pools[1].diskSizeGb: 1",
        "pools[1].diskSizeGb: 1 is too small. Use 10 or more.",
    ),
    "malformed": (
        "eks",
        "cluster.region: eu-central-1a",
        "cluster.region: 'eu-central-1a' is not a valid AWS region. Write a region, such as eu-central-1, not a zone.",
    ),
    "conflicting pair": (
        "gke",
        "pools[1].minNodes: 30",
        (
            "pools[1].minNodes: 30 is above maxNodes, 20: the cloud refuses the pool. "
            "Set minNodes to 20 or less, or maxNodes to 30 or more."
        ),
    ),
    "not offered": (
        "gke",
        "runner.tags: [arm]",
        (
            "runner.tags: not offered. Set it where the runner is created: in GitLab's UI, or by token.create "
            "(token.create.tags). GitLab keeps a glrt- runner's tags on its side, and registering with them fails "
            "('... is reserved')."
        ),
    ),
}
"""Each kind of mistake has one form: `path: what is wrong[: what it causes]. What to do.`"""


@pytest.mark.parametrize(("stack", "changes", "told"), FORMS.values(), ids=FORMS)
def test_each_kind_of_mistake_is_told_in_one_form(stack: str, changes: str, told: str, broken_stack: Write) -> None:
    assert [str(problem) for problem in problems_of(broken_stack(stack, changes)).problems] == [told]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_mistake_is_told_shortly_what_is_wrong_first_then_the_fix(case: Case, broken_stack: Write) -> None:
    for problem in problems_of(broken_stack(case.stack, case.changes)).problems:
        assert problem.found, "what is wrong"
        assert ". " not in f"{problem.found}{problem.consequence}", "one sentence, and at most one consequence"
        assert len(problem.found) <= 160
        assert len(problem.consequence) <= 200
        assert len(problem.text) <= 480
        assert re.match(HOW_A_FIX_BEGINS, problem.fix), problem.fix


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_nothing_is_declared_for_a_stack_with_a_mistake(
    case: Case, broken_stack: Write, run_program: Program, tmp_path: Path
) -> None:
    values, secret_keys = load_stack_file(broken_stack(case.stack, case.changes))
    values, secret_keys, _ = with_placeholder_token(values, secret_keys)
    values, stub = with_stub_access(values, tmp_path / "kubeconfig")
    (tmp_path / "kubeconfig").write_text(stub or "")
    with pytest.raises(pulumi.RunError) as raised:
        run_program(values, secret_keys)
    assert raised.value.__notes__ == ["asked for: []"]
    assert str(raised.value).startswith(case.path) or f"\n{case.path}" in str(raised.value)


def test_the_same_program_declares_a_stack_without_a_mistake(
    broken_stack: Write, run_program: Program, tmp_path: Path
) -> None:
    """The check above is worth something: the recorder sees what a good stack declares."""
    values, stub = with_stub_access(load_stack_file(broken_stack("local", ""))[0], tmp_path / "kubeconfig")
    (tmp_path / "kubeconfig").write_text(stub or "")
    assert "kubernetes:helm.sh/v3:Release" in run_program(values, ())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cluster.access.kubeconfig: {}: no such file or directory: the cluster could not be reached."),
        ('{"contexts": [{"name": "kind-a"}]}', "cluster.access.context: 'multiarch-rehearsal' is not in {}: "),
    ],
    ids=["kubeconfig absent", "context absent"],
)
def test_nothing_is_declared_for_a_cluster_that_cannot_be_found(
    content: str | None, said: str, broken_stack: Write, run_program: Program, tmp_path: Path
) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    if content:
        kubeconfig.write_text(content)
    values, secret_keys = load_stack_file(broken_stack("local", f"cluster.access.kubeconfig: {kubeconfig}"))
    with pytest.raises(pulumi.RunError) as raised:
        run_program(values, secret_keys)
    assert str(raised.value).startswith(said.format(kubeconfig))
    assert "\n" not in str(raised.value)
    assert raised.value.__notes__ == ["asked for: []"]


def test_nothing_is_declared_when_the_package_that_creates_runners_is_missing(
    broken_stack: Write, run_program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name == "pulumi_gitlab" else find_spec(name, package)

    monkeypatch.setattr("importlib.util.find_spec", found)
    values, secret_keys = load_stack_file(broken_stack("gke", "runner.token: {create: {runnerType: instance}}"))
    with pytest.raises(pulumi.RunError) as raised:
        run_program(values, secret_keys)
    assert str(raised.value).startswith("runner.token.create: pulumi-gitlab is not installed")
    assert raised.value.__notes__ == ["asked for: []"]


def test_a_gitlab_token_in_plain_text_is_told_and_never_shown(broken_stack: Write) -> None:
    values, secret_keys = load_stack_file(broken_stack("gke", "runner.token: {create: {runnerType: instance}}"))
    values = {**values, "gitlab:token": "glpat-Zk3yVq8TnX"}
    with pytest.raises(ConfigError) as raised:
        load_config(values, secret_keys)
    [problem] = raised.value.problems
    assert (problem.path, problem.found) == ("gitlab:token", "given in plain text")
    assert "pulumi config set --secret gitlab:token" in problem.fix
    assert "Zk3y" not in str(problem)
    config = load_config(values, {*secret_keys, "gitlab:token"})
    assert config.gitlab_token == "glpat-Zk3yVq8TnX"
    assert "Zk3y" not in repr(config)


def test_all_mistakes_are_told_at_once_and_in_a_fixed_order(broken_stack: Write) -> None:
    changes = """
        poools: []
        pools[0].maxNodes: '5'
        pools[1].labels: {kubernetes.io/arch: arm64}
        runner.privileged: true
        runnerToken: glpat-secretsecret
    """
    paths = [problem.path for problem in problems_of(broken_stack("gke", changes)).problems]
    assert paths == [
        "poools",
        "pools[0].maxNodes",
        "pools[1].labels[kubernetes.io/arch]",
        "runner.privileged",
        "runnerToken",
        "runnerToken",
    ]


@pytest.mark.parametrize(
    ("token", "found"),
    [
        ("glrt-Zk3yVq8TnX\n", "newline"),
        ("glrt-Zk3y Vq8TnX", "white space"),
        ("GR1348941Zk3yVq8TnX", "registration token"),
        ("glrtr-Zk3yVq8TnX", "registration"),
        ("glpat-Zk3yVq8TnX", "not a runner authentication token"),
        ("", "empty"),
    ],
)
@pytest.mark.parametrize("secret", [True, False])
def test_a_token_that_cannot_work_is_told_and_never_shown(token: str, found: str, *, secret: bool) -> None:
    values, _ = load_stack_file(Path(__file__).parents[3] / "stacks" / "Pulumi.gke.yaml")
    key = f"{NAMESPACE}:runnerToken"
    with pytest.raises(ConfigError) as raised:
        load_config({**values, key: token}, {key} if secret else set())
    assert {problem.path for problem in raised.value.problems} == {"runnerToken"}
    assert any(found in problem.found for problem in raised.value.problems)
    assert any("plain text" in problem.found for problem in raised.value.problems) is not secret
    assert "Zk3y" not in str(raised.value)


@pytest.mark.parametrize(
    "changes",
    ["runner.token: glrt-Zk3yVq8TnX", "runner.gitlabUrl: [glrt-Zk3yVq8TnX]", "pools[0].arch: glrt-Zk3yVq8TnX"],
)
def test_a_token_in_the_wrong_place_is_never_shown(changes: str, broken_stack: Write) -> None:
    assert "Zk3y" not in str(problems_of(broken_stack("gke", changes)))


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ("runner.token: glrt-Zk3yVq8TnX01", "runner.token"),
        ("runner.runnerToken: glrt-Zk3yVq8TnX01", "runner.runnerToken"),
        ("runner.allowedImages: [a/**, 'glpat-Zk3yVq8TnX01']", "runner.allowedImages[1]"),
        ("pools[0].labels: {token: glrt-Zk3yVq8TnX01}", "pools[0].labels.token"),
        ("poools: GR1348941Zk3yVq8TnX01", "poools"),
    ],
)
def test_a_token_in_plain_text_is_told_wherever_it_stands(changes: str, path: str, broken_stack: Write) -> None:
    problems = problems_of(broken_stack("gke", changes)).problems
    [told] = [problem for problem in problems if problem.found == "a GitLab token in plain text"]
    assert told.path == path
    assert "Git history" in told.consequence
    assert "pulumi config set --secret multiarch-runner:runnerToken" in told.fix
    assert "Zk3y" not in " ".join(map(str, problems))


def test_a_stack_without_any_token_is_told_how_to_set_one() -> None:
    values, secret_keys = load_stack_file(Path(__file__).parents[3] / "stacks" / "Pulumi.gke.yaml")
    with pytest.raises(ConfigError) as raised:
        load_config(values, secret_keys)
    [problem] = raised.value.problems
    assert problem.path == "runnerToken"
    assert "could not log in to GitLab" in problem.consequence
    assert "pulumi config set --secret multiarch-runner:runnerToken" in problem.fix


def test_a_misspelt_namespace_is_told() -> None:
    values, _ = load_stack_file(Path(__file__).parents[3] / "stacks" / "Pulumi.local.yaml")
    with pytest.raises(ConfigError, match="Did you mean multiarch-runner:"):
        load_config({**values, "multiarch_runner:pools": "[]"}, ())
