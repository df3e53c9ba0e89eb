"""Two rehearsals never share a cluster."""

from pathlib import Path

import pytest

from components.problems import ConfigError
from multiarch.rehearse.turn import sole_rehearsal


def test_a_second_rehearsal_on_the_same_cluster_is_refused_and_another_cluster_is_free(tmp_path: Path) -> None:
    with sole_rehearsal("https://a:6443", tmp_path):
        with pytest.raises(ConfigError, match="another rehearsal is running on https://a:6443"):
            sole_rehearsal("https://a:6443", tmp_path).__enter__()
        with sole_rehearsal("https://b:6443", tmp_path):
            pass


def test_the_turn_is_given_back_also_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), sole_rehearsal("https://a:6443", tmp_path):
        raise RuntimeError
    with sole_rehearsal("https://a:6443", tmp_path):
        pass
