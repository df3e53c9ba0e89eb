"""amd64 and arm64 node pools in a GKE cluster, and one GitLab Runner whose jobs choose between them."""

import pulumi
import pulumi_kubernetes as kubernetes
import pulumi_multiarch_runner as multiarch

config = pulumi.Config()
project = config.require("project")
cluster_name = config.require("clusterName")
location = config.require("location")

cluster = kubernetes.Provider(
    "cluster",
    kubeconfig=config.require("kubeconfig"),
    context=config.require("context"),
    # What the cluster is: without it, another context or path would replace everything in it.
    cluster_identifier=f"gke/{project}/{location}/{cluster_name}",
)

amd64 = multiarch.GkeNodePool(
    "amd64",
    project=project,
    location=location,
    cluster_name=cluster_name,
    pool={"name": "amd64", "machine_type": "e2-standard-8", "max_nodes": 20},
)
# Only its architecture: T2A machines where the region has them, else N4A or C4A.
arm64 = multiarch.GkeNodePool(
    "arm64",
    project=project,
    location=location,
    cluster_name=cluster_name,
    pool={"name": "arm64", "arch": multiarch.Arch.ARM64, "max_nodes": 20},
)

runner = multiarch.MultiArchRunner(
    "runner",
    cluster_type="gke",
    pools=[
        {"name": "amd64", "arch": multiarch.Arch.AMD64},
        {"name": "arm64", "arch": multiarch.Arch.ARM64},
    ],
    # The release waits until the pools are there.
    nodes=[amd64.names, arm64.names],
    # Jobs at the same time, of both architectures together.
    runner={"gitlab_url": config.require("gitlabUrl"), "concurrent": 20},
    token=config.require_secret("runnerToken"),
    opts=pulumi.ResourceOptions(providers=[cluster]),
)

pulumi.export("namespace", runner.namespace)
pulumi.export("jobNamespace", runner.job_namespace)
