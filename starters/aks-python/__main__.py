"""amd64 and arm64 node pools in an AKS cluster, and one GitLab Runner whose jobs choose between them."""

import pulumi
import pulumi_kubernetes as kubernetes
import pulumi_multiarch_runner as multiarch

config = pulumi.Config()
resource_group = config.require("resourceGroup")
cluster_name = config.require("clusterName")

cluster = kubernetes.Provider(
    "cluster",
    kubeconfig=config.require("kubeconfig"),
    context=config.require("context"),
    # What the cluster is: without it, another context or path would replace everything in it.
    cluster_identifier=f"aks/{resource_group}/{cluster_name}",
)

amd64 = multiarch.AksNodePool(
    "amd64",
    resource_group_name=resource_group,
    cluster_name=cluster_name,
    pool={"name": "amd64", "machine_type": "Standard_D8s_v6", "max_nodes": 20},
)
arm64 = multiarch.AksNodePool(
    "arm64",
    resource_group_name=resource_group,
    cluster_name=cluster_name,
    pool={"name": "arm64", "machine_type": "Standard_D8ps_v6", "max_nodes": 20},
)

runner = multiarch.MultiArchRunner(
    "runner",
    cluster_type="aks",
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
