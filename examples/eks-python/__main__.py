"""amd64 and arm64 node groups in an EKS cluster, and one GitLab Runner whose jobs choose between them."""

import pulumi
import pulumi_kubernetes as kubernetes
import pulumi_multiarch_runner as multiarch

config = pulumi.Config()
cluster_name = config.require("clusterName")
region = config.require("region")
subnet_ids = config.require_object("subnetIds")

cluster = kubernetes.Provider(
    "cluster",
    kubeconfig=config.require("kubeconfig"),
    context=config.require("context"),
    # What the cluster is: without it, another context or path would replace everything in it.
    cluster_identifier=f"eks/{region}/{cluster_name}",
)

amd64 = multiarch.EksNodePool(
    "amd64",
    region=region,
    cluster_name=cluster_name,
    cluster_subnet_ids=subnet_ids,
    pool={"name": "amd64", "machine_type": "m7i.2xlarge", "max_nodes": 20},
)
arm64 = multiarch.EksNodePool(
    "arm64",
    region=region,
    cluster_name=cluster_name,
    cluster_subnet_ids=subnet_ids,
    pool={"name": "arm64", "machine_type": "m7g.2xlarge", "max_nodes": 20},
)

runner = multiarch.MultiArchRunner(
    "runner",
    cluster_type="eks",
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
