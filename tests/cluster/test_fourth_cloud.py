"""The made-up fourth cloud, rehearsed whole: its pools' nodes, the runner by Helm, and jobs of both architectures."""

from pathlib import Path

from multiarch.rehearse.control_plane.sources import Binaries
from tests.grown import grow, run


def test_every_claim_about_a_stack_of_a_fourth_cloud_is_proved(binaries: Binaries, tmp_path: Path) -> None:
    assert binaries  # built or found before: the command takes them from the cache
    done = run(grow(tmp_path), "multiarch.cli", "rehearse", "--stack", "nimbus")
    assert done.returncode == 0, done.stdout + done.stderr
