"""The program that `pulumi up` runs: check everything, then node pools, then the one runner on top of them."""

import pulumi

from components.clouds.connection import connect
from components.config import read_stack_config
from components.problems import ConfigError
from components.runner.arguments import runner_args
from components.runner.component import MultiArchRunner


def main() -> None:
    """Declare the stack. Raises ConfigError before anything is declared."""
    config = read_stack_config()
    cluster = connect(config.cluster)
    pools = [cluster.declare(pool) for pool in config.pools]
    # A component's children don't wait for its depends_on: the release itself waits for the pools' names.
    args = runner_args(config, nodes=[pool.names for pool in pools])
    opts = pulumi.ResourceOptions(providers=[cluster.provider], depends_on=pools)
    runner = MultiArchRunner("runner", args, opts)
    for said, pool in zip(config.pools, pools, strict=True):
        pulumi.export(
            f"pool-{said.name}",
            {"names": pool.names, "arch": pool.arch, "labels": pool.labels, "taints": pool.taints},
        )
    pulumi.export("namespace", runner.namespace)
    pulumi.export("jobNamespace", runner.job_namespace)
    pulumi.export("release", runner.release_name)


try:
    main()
except ConfigError as error:
    # The language host shows a RunError's text alone: a user's mistake needs no traceback.
    raise pulumi.RunError(str(error)) from error
