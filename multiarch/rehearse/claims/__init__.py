"""The claims: what the package promises of every stack, put to the proof on a cluster."""

from multiarch.rehearse.claims.stack import Plane, rehearse_stack

__all__ = ["Plane", "rehearse_stack"]
