"""What needs AWS's SDK: the lookup of an EKS cluster, and the node pool, a thin shell around arguments.py.

It makes a managed node group with its launch template, tags for Cluster Autoscaler and, unless one is given, the node
role. It makes no cluster, no network and no autoscaler.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NotRequired, TypedDict

import pulumi
from pulumi_aws import autoscaling, ec2, eks, iam
from pulumi_aws.eks import outputs as eks_outputs

from components.clouds.component import NodePool, cluster_name_of, no_cluster, resolved_pool
from components.clouds.connection import Connection, provider_for
from components.clouds.contract import ResolvedPool
from components.clouds.eks import EKS
from components.clouds.eks.arguments import (
    IGNORE_CHANGES,
    POOL_TAG,
    Scaling,
    assume_role_policy,
    autoscaler_hints,
    desired_size,
    kubeconfig,
    launch_template,
    node_group,
    role_policies,
    tags,
)
from components.clouds.eks.sections import EksCluster, EksPool
from components.clouds.kubeconfig import Endpoint
from components.clouds.sdk import keywords
from components.reading import text_of

ARGUMENTS: Final[Mapping[str, type]] = {
    "arguments": eks.NodeGroupArgs,
    "launch_template_arguments": ec2.LaunchTemplateArgs,
}


def connect(cluster: EksCluster) -> Connection:
    """Look the cluster up: its subnets are needed even where a kubeconfig is stated."""
    found = eks.get_cluster_output(name=cluster.name, region=cluster.region)
    made = None
    if cluster.access is None:
        made = found.apply(
            lambda it: kubeconfig(
                Endpoint(server=it.endpoint, ca=it.certificate_authorities[0].data),
                name=cluster.name,
                region=cluster.region,
            )
        )
    subnets = found.apply(lambda it: list(it.vpc_config.subnet_ids))

    def declare(pool: ResolvedPool[EksPool]) -> NodePool:
        args = EksNodePoolArgs(
            pool=pool.section, region=cluster.region, cluster_name=cluster.name, cluster_subnet_ids=subnets
        )
        return EksNodePool(pool.name, args)

    identity = f"eks/{cluster.region}/{cluster.name}"
    return Connection(provider=provider_for(cluster.access, made, identity), declare=declare)


class EksNodePoolArgs(TypedDict):
    """Arguments of an EKS node pool."""

    pool: EksPool
    """The pool, as in a stack file's `pools`."""

    region: str
    """AWS region of the cluster."""

    cluster: NotRequired[eks.Cluster]
    """The cluster, if this program makes it: the pool then waits for it."""

    cluster_name: NotRequired[pulumi.Input[str]]
    """Name of the cluster; left out, that of `cluster`. A plain text is best: with an output, EKS can't be asked how
    many nodes the group has now, and new bounds are then sent with the number that the state has."""

    cluster_subnet_ids: NotRequired[pulumi.Input[list[pulumi.Input[str]]]]
    """The cluster's subnets, for a pool that names none of its own."""


class EksNodePool(NodePool):
    """An EKS managed node group of one architecture, with an explicit AMI type."""

    def __init__(self, name: str, args: EksNodePoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        cluster, cluster_name = args.get("cluster"), cluster_name_of(args, name)
        region = text_of(args, "region", name)
        pool = resolved_pool(EKS, args, region, name)
        super().__init__("multiarch-runner:index:EksNodePool", name, None, opts)
        role_arn, attachments = self._role(name, pool, region)
        template = self._launch_template(name, pool, region)
        there = _group_of(cluster_name, pool.name, region)
        desired = desired_size(pool.section, None if there is None else _scaling(there))
        group = eks.NodeGroup(
            f"{name}-group",
            cluster_name=cluster_name,
            region=region,
            node_role_arn=role_arn,
            subnet_ids=_subnets(name, pool.section, there, args),
            # The number itself: "$Latest" differs from what AWS returns, forever.
            launch_template=eks.NodeGroupLaunchTemplateArgs(id=template.id, version=template.latest_version.apply(str)),
            **keywords(eks.NodeGroupArgs, node_group(pool, desired)),
            opts=pulumi.ResourceOptions(
                parent=self,
                # Nodes that start before their role may do its work never join; on deletion they hang.
                depends_on=[*attachments, *([] if cluster is None else [cluster])],
                ignore_changes=[
                    # The autoscaler's number stays; new bounds take it along, as it is and not as the state has it.
                    *(IGNORE_CHANGES if desired is None else ()),
                    # Where nobody could ask for them, those that the group was made in stay.
                    *(() if pool.section.subnet_ids or isinstance(cluster_name, str) else ("subnetIds",)),
                ],
                delete_before_replace=pool.deleted_first,
                protect=pool.protect or None,
            ),
        )
        self._hints(name, pool, group, region)
        self.publish(pool, [group.node_group_name])

    def _role(
        self, name: str, pool: ResolvedPool[EksPool], region: str
    ) -> tuple[pulumi.Input[str], list[pulumi.Resource]]:
        given = pool.section.node_role_arn
        if given is not None:
            return given, []
        role = iam.Role(
            f"{name}-role",
            assume_role_policy=assume_role_policy(),
            tags=tags(pool),
            opts=pulumi.ResourceOptions(parent=self),
        )
        attachments: list[pulumi.Resource] = [
            iam.RolePolicyAttachment(
                f"{name}-role-{short}", role=role.name, policy_arn=arn, opts=pulumi.ResourceOptions(parent=self)
            )
            for short, arn in role_policies(pool, region).items()
        ]
        return role.arn, attachments

    def _launch_template(self, name: str, pool: ResolvedPool[EksPool], region: str) -> ec2.LaunchTemplate:
        return ec2.LaunchTemplate(
            f"{name}-template",
            region=region,
            **keywords(ec2.LaunchTemplateArgs, launch_template(pool)),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _hints(self, name: str, pool: ResolvedPool[EksPool], group: eks.NodeGroup, region: str) -> None:
        scaling_group = group.resources.apply(_scaling_group)
        for key, value in autoscaler_hints(pool).items():
            autoscaling.Tag(
                f"{name}-hint-{key.partition('node-template/')[2]}",
                autoscaling_group_name=scaling_group,
                region=region,
                tag=autoscaling.TagTagArgs(key=key, value=value, propagate_at_launch=False),
                opts=pulumi.ResourceOptions(parent=self),
            )


def _group_of(cluster: pulumi.Input[str], pool: str, region: str) -> eks.GetNodeGroupResult | None:
    """Return the pool's group as EKS has it; None where there is none.

    Not asked for a cluster whose name only the engine knows: this program makes it, or could not look it up before.
    """
    if not isinstance(cluster, str):
        return None
    for name in eks.get_node_groups(cluster_name=cluster, region=region).names or ():
        group = eks.get_node_group(cluster_name=cluster, node_group_name=name, region=region)
        if (group.tags or {}).get(POOL_TAG) == pool and group.scaling_configs:
            return group
    return None


def _scaling(there: eks.GetNodeGroupResult) -> Scaling:
    config = there.scaling_configs[0]
    return Scaling(least=int(config.min_size), most=int(config.max_size), desired=int(config.desired_size))


def _scaling_group(resources: Sequence[eks_outputs.NodeGroupResource]) -> str:
    """Return the name of the one Auto Scaling group that EKS makes for a node group."""
    names = [str(group.name) for resource in resources for group in resource.autoscaling_groups or ()]
    if not names:
        raise ValueError(
            "EKS names no Auto Scaling group for the node group: set autoscalerTags: false to go without it"
        )
    return names[0]


def _subnets(
    name: str, pool: EksPool, there: eks.GetNodeGroupResult | None, args: EksNodePoolArgs
) -> pulumi.Input[list[pulumi.Input[str]]]:
    """Return the subnets: as stated, else those of the group that is there.

    A group can't change them: it would be replaced when its cluster gets another subnet. Another cluster has no such
    group, and a successor is made where its pool is.
    """
    if pool.subnet_ids is not None:
        return list(pool.subnet_ids)
    if there is not None:
        return list(there.subnet_ids)
    subnets = args.get("cluster_subnet_ids")
    cluster = args.get("cluster")
    if subnets is not None:
        return subnets
    if cluster is None:
        raise no_cluster(name, "subnet_ids")
    found: pulumi.Output[list[pulumi.Input[str]]] = cluster.vpc_config.apply(lambda config: list(config.subnet_ids))
    return found


COMPONENT: Final = EksNodePool
