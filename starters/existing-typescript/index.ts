// One GitLab Runner whose jobs choose between the amd64 and arm64 nodes that a cluster has.
import * as kubernetes from "@pulumi/kubernetes";
import * as multiarch from "@pulumi/multiarch-runner";
import * as pulumi from "@pulumi/pulumi";

const config = new pulumi.Config();
const clusterName = config.require("clusterName");

const cluster = new kubernetes.Provider("cluster", {
    kubeconfig: config.require("kubeconfig"),
    context: config.require("context"),
    // What the cluster is: without it, another context or path would replace everything in it.
    clusterIdentifier: `existing/${clusterName}`,
});

const amd64 = new multiarch.ExistingNodes("amd64", {
    pool: { name: "amd64", arch: multiarch.Arch.AMD64 },
});
const arm64 = new multiarch.ExistingNodes("arm64", {
    pool: { name: "arm64", arch: multiarch.Arch.ARM64 },
});

const runner = new multiarch.MultiArchRunner("runner", {
    clusterType: "existing",
    pools: [
        { name: "amd64", arch: multiarch.Arch.AMD64 },
        { name: "arm64", arch: multiarch.Arch.ARM64 },
    ],
    // The release waits until the pools are there.
    nodes: [amd64.names, arm64.names],
    // Jobs at the same time, of both architectures together.
    runner: { gitlabUrl: config.require("gitlabUrl"), concurrent: 20 },
    token: config.requireSecret("runnerToken"),
}, { providers: [cluster] });

export const namespace = runner.namespace;
export const jobNamespace = runner.jobNamespace;
