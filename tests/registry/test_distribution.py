"""The wheel, as `pip wheel archmerge/` makes it. (It downloads setuptools, so it is no unit test.)"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import archmerge

PACKAGE = Path(archmerge.__file__).parent
UNREACHABLE = ("No matching distribution", "Could not find a version", "Connection", "Temporary failure")


def test_the_wheel_holds_the_package_its_types_and_depends_on_pyyaml_alone(tmp_path: Path) -> None:
    # A copy: building in place would leave build/ and *.egg-info beside the sources.
    copy = tmp_path / "source"
    subprocess.run(["cp", "-r", str(PACKAGE), str(copy)], check=True)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(tmp_path), str(copy)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode and any(word in ran.stderr for word in UNREACHABLE):
        pytest.skip(f"PyPI, for setuptools, can't be reached: {ran.stderr.strip()[-200:]}")
    assert ran.returncode == 0, ran.stderr
    (wheel,) = tmp_path.glob("archmerge-*.whl")
    assert wheel.name == f"archmerge-{archmerge.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = archive.read(f"archmerge-{archmerge.__version__}.dist-info/METADATA").decode()
    modules = [path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if "packaging" not in path.parts]
    assert {"archmerge/py.typed", *(f"archmerge/{path}" for path in modules)} <= names
    assert [line for line in metadata.splitlines() if line.startswith("Requires-Dist")] == ["Requires-Dist: PyYAML>=6"]
