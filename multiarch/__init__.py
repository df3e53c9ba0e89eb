"""The `multiarch` command: the tools around the Pulumi program."""
