"""Language hosts for the package trial: what `pulumi package add` asks of one, for Python and Node.js.

The CLI's own hosts come with its installer. These generate with the same generators (tools/sdkgen), install from what
is on this machine already, and run Node.js programs by the SDK's own entry.
"""

import json
import os
import re
import site
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pulumi.runtime.proto import language_pb2 as messages

from multiarch.rehearse.engine.language import LanguageHost, main
from multiarch.rehearse.engine.program import SHOWN

SDKGEN = "MULTIARCH_TEST_SDKGEN"
"""Environment variable: where the program sdkgen is."""


class PackageHost(LanguageHost):
    language: str

    def GeneratePackage(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        del context
        command = [os.environ[SDKGEN], self.language, request.directory, request.loader_target]
        done = subprocess.run(command, input=request.schema, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return messages.GeneratePackageResponse()


class PythonPackageHost(PackageHost):
    language = "python"

    def Link(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        del context
        requirements = Path(request.info.program_directory, "requirements.txt")
        lines = [*requirements.read_text().splitlines(), *(one.path for one in request.packages)]
        requirements.write_text("\n".join(lines) + "\n")
        return messages.LinkResponse(import_instructions="linked into requirements.txt")

    def InstallDependencies(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802 - the protocol's name
        """Make the environment as pip would; what requirements.txt asks for must be on this machine already."""
        del context
        info = request.info
        place = Path(info.root_directory, dict(info.options)["virtualenv"]).resolve()
        if not place.exists():
            venv.create(place, with_pip=False, symlinks=True)
        requirements = Path(info.program_directory, "requirements.txt")
        if requirements.exists():
            packages = next(place.glob("lib/python*/site-packages"))
            added = [f"import site; site.addsitedir({path!r})\n" for path in satisfied(requirements)]
            packages.joinpath("borrowed.pth").write_text("".join(added))
            for setup in Path(info.program_directory).glob("sdks/*/setup.py"):
                write_metadata(setup, packages)
        yield messages.InstallDependenciesResponse(stdout=b"installed\n")


def satisfied(requirements: Path) -> list[str]:
    """Folders that satisfy the requirements: those named, and this Python's own if pip finds the rest there."""
    lines = requirements.read_text().splitlines()
    folders = [path for line in lines if (path := requirements.parent / line).is_dir()]
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-index", "--quiet", "-r", "/dev/stdin"]
    rest = "\n".join(line for line in lines if not (requirements.parent / line).is_dir())
    copy = requirements.with_name(".requirements-without-folders.txt")  # beside it: `-r` and `-c` are relative to it
    copy.write_text(rest)
    command[-1] = copy.name
    try:
        done = subprocess.run(command, cwd=requirements.parent, capture_output=True, text=True, check=False)
    finally:
        copy.unlink()
    if done.returncode or "Would install" in done.stdout:
        raise RuntimeError(f"{requirements} asks for more than is here: {done.stdout}{done.stderr}")
    return [*map(str, folders), *site.getsitepackages()]


def write_metadata(setup: Path, packages: Path) -> None:
    """What `pip install` would note of a generated SDK; it asks for its own version."""
    version = re.search(r'^VERSION = "(.+)"$', setup.read_text(), re.MULTILINE)
    name = next(one.parent.name for one in setup.parent.glob("*/_utilities.py"))
    assert version is not None
    place = packages / f"{name}-{version[1]}.dist-info"
    place.mkdir(exist_ok=True)
    (place / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version[1]}\n")


class NodePackageHost(PackageHost):
    language = "nodejs"

    def Run(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        """Run the program by the SDK's own entry, which takes it as arguments."""
        del context
        folder = request.info.program_directory
        flags = {
            "monitor": request.monitor_address,
            "engine": self._engine,
            "organization": request.organization,
            "project": request.project,
            "root-directory": request.info.root_directory,
            "stack": request.stack,
            "pwd": folder,
            "parallel": str(request.parallel),
        }
        command = ["node", "node_modules/@pulumi/pulumi/cmd/run/index.js"]
        command += [word for name, value in flags.items() for word in (f"--{name}", value)]
        command += [*(["--dry-run"] if request.dryRun else []), request.info.entry_point]
        environment = {
            **os.environ,
            "PULUMI_NODEJS_TYPESCRIPT": "true",
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
        }
        done = subprocess.run(command, cwd=folder, env=environment, check=False)
        return messages.RunResponse(bail=done.returncode == SHOWN, error="failed" if done.returncode else "")

    def Link(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        del context
        path = Path(request.info.program_directory, "package.json")
        document = json.loads(path.read_text())
        for one in request.packages:
            name = json.loads(Path(request.info.program_directory, one.path, "package.json").read_text())["name"]
            document.setdefault("dependencies", {})[name] = f"file:{one.path}"
        path.write_text(json.dumps(document))
        return messages.LinkResponse(import_instructions="linked into package.json")

    def InstallDependencies(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802 - the protocol's name
        del context
        command = ["npm", "install", "--no-audit", "--no-fund", "--omit-lockfile-registry-resolved"]
        done = subprocess.run(command, cwd=request.info.program_directory, capture_output=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr.decode())
        yield messages.InstallDependenciesResponse(stdout=done.stdout)


def serve_python() -> None:
    main(PythonPackageHost)


def serve_node() -> None:
    main(NodePackageHost)
