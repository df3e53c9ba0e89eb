"""Pools and runners that are there already: how Pulumi takes them over, instead of making a second one."""
