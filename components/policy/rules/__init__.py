"""The checks, one module per subject. Each docstring: what is wanted, why, and `Source:`."""
