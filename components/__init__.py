"""Node pools of two architectures and one GitLab runner, as Pulumi components around pure cores."""
