"""One GitLab Runner whose jobs choose between the amd64 and arm64 nodes that a cluster has."""

import pulumi
import pulumi_kubernetes as kubernetes
import pulumi_multiarch_runner as multiarch

config = pulumi.Config()
cluster_name = config.require("clusterName")

cluster = kubernetes.Provider(
    "cluster",
    kubeconfig=config.require("kubeconfig"),
    context=config.require("context"),
    # What the cluster is: without it, another context or path would replace everything in it.
    cluster_identifier=f"existing/{cluster_name}",
)

amd64 = multiarch.ExistingNodes("amd64", pool={"name": "amd64", "arch": multiarch.Arch.AMD64})
arm64 = multiarch.ExistingNodes("arm64", pool={"name": "arm64", "arch": multiarch.Arch.ARM64})

runner = multiarch.MultiArchRunner(
    "runner",
    cluster_type="existing",
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
