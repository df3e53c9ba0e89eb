// amd64 and arm64 node pools in a GKE cluster, and one GitLab Runner whose jobs choose between them.
import * as kubernetes from "@pulumi/kubernetes";
import * as multiarch from "@pulumi/multiarch-runner";
import * as pulumi from "@pulumi/pulumi";

const config = new pulumi.Config();
const project = config.require("project");
const clusterName = config.require("clusterName");
const location = config.require("location");

const cluster = new kubernetes.Provider("cluster", {
    kubeconfig: config.require("kubeconfig"),
    context: config.require("context"),
    // What the cluster is: without it, another context or path would replace everything in it.
    clusterIdentifier: `gke/${project}/${location}/${clusterName}`,
});

const amd64 = new multiarch.GkeNodePool("amd64", {
    project,
    location,
    clusterName,
    pool: { name: "amd64", machineType: "e2-standard-8", maxNodes: 20 },
});
// Only its architecture: T2A machines where the region has them, else N4A or C4A.
const arm64 = new multiarch.GkeNodePool("arm64", {
    project,
    location,
    clusterName,
    pool: { name: "arm64", arch: multiarch.Arch.ARM64, maxNodes: 20 },
});

const runner = new multiarch.MultiArchRunner("runner", {
    clusterType: "gke",
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
