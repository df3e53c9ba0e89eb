"""The runner's registration in GitLab, made by the stack. The one module that needs `multiarch-runner[gitlab]`."""

import pulumi
import pulumi_gitlab as gitlab

from components.runner.settings import CreatedRunner, RunnerConfig


def create_runner(
    name: str,
    runner: RunnerConfig,
    create: CreatedRunner,
    parent: pulumi.Resource,
    login: pulumi.Input[str] | None = None,
) -> pulumi.Output[str]:
    """Declare the runner in GitLab and return its token, a secret.

    `login` is the GitLab token that may create it; without one the provider takes `GITLAB_TOKEN`. A provider of its
    own never reads the stack's `gitlab:token`: only Pulumi's default providers do.

    The token is known only to the stack's state: importing such a runner later can't bring it back.
    """
    provider = gitlab.Provider(
        f"{name}-gitlab",
        base_url=f"{runner.gitlab_url.rstrip('/')}/api/v4/",
        token=login,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    created = gitlab.UserRunner(
        f"{name}-registration",
        runner_type=f"{create.runner_type.value}_type",
        group_id=create.group_id,
        project_id=create.project_id,
        tag_lists=list(create.tags),
        untagged=create.run_untagged,
        locked=create.locked,
        access_level="ref_protected" if create.protected else "not_protected",
        maximum_timeout=runner.job_timeout,
        description=create.description,
        opts=pulumi.ResourceOptions(parent=parent, provider=provider),
    )
    return pulumi.Output.secret(created.token)
