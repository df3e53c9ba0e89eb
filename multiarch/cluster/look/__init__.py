"""A read-only look at a cluster."""
