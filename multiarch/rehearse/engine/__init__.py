"""The rehearsal under the real Pulumi engine, with the rehearsal providers served as plugins."""

from multiarch.rehearse.engine.rehearsal import Change, EngineRun, run_engine

__all__ = ["Change", "EngineRun", "run_engine"]
