import subprocess
import sys

import multiarch.rehearse.control_plane as package


def test_every_public_name_is_there() -> None:
    assert set(package._HOME) == set(package.__all__)
    assert all(getattr(package, name).__name__ for name in package.__all__ if name != "Mode")
    assert not hasattr(package, "no_such_name")


def test_the_kubernetes_client_is_imported_only_where_it_is_used() -> None:
    names = "ControlPlane, stop_kept"
    code = f"import sys; from multiarch.rehearse.control_plane import {names}; print('kubernetes' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
