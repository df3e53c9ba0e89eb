"""The public face of the runner's configuration: its types and its checks."""

from components.runner.settings import RunnerConfig

__all__ = ["RunnerConfig"]
