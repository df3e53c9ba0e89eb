"""Checks against the living cluster and registry: what no `pulumi` command sees."""
