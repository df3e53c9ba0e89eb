"""The rehearsal under the real Pulumi engine, with the rehearsal providers served as plugins."""

from multiarch.rehearse.engine.rehearsal import Change, EngineReport, run_engine

__all__ = ["Change", "EngineReport", "run_engine"]
