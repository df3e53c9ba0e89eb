"""The images run, the other architecture's emulated; BuildKit with a job's rights and no more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml

from components.runner.classes import ROOTLESS_BUILDKIT, ROOTLESS_CAPABILITIES, ROOTLESS_USER
from multiarch.model.executor.variables import expand, expand_all
from multiarch.model.pipeline.jobs import PipelineJob, component_jobs
from multiarch.rehearse.images import archive, push, taking_from
from multiarch.rehearse.images.have import have_registry
from multiarch.rehearse.mirror.registry import LocalRegistry
from multiarch.rehearse.nodes.architectures import emulated_here
from tests.images.lab import Box, Confined, Ran, pulled, why_no_emulation
from tests.repository import ROOT
from tests.templates.lab.interpolation import interpolated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from multiarch.rehearse.images.model import Image
    from multiarch.rehearse.images.recipes import Images, Name

MACHINE: Final = {"amd64": "x86_64", "arm64": "aarch64"}
COMPONENT: Final = ROOT / "templates" / "multi-arch-image" / "template.yml"
BUILDS: Final = "/builds/group/app"
AS_A_JOB: Final = Confined(capabilities=ROOTLESS_CAPABILITIES, escalation=True)
"""What ROOTLESS_BUILDKIT grants; a test below holds it to that."""
DOCKERFILE: Final = """ARG BASE_IMAGE_NAME
FROM ${BASE_IMAGE_NAME}
RUN uname -m >/built-on && mkdir /kept && chown 7:8 /kept && chmod 4755 /built-on
RUN grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status
USER 1000
RUN touch /tmp/mine
CMD ["cat", "/built-on"]
"""


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path: Path) -> Iterator[None]:
    """A container's end takes its processes and mounts with it, also BuildKit's daemon and what it mounted."""
    yield
    assert [line for line in Path("/proc/self/mounts").read_text().splitlines() if str(tmp_path) in line] == []
    roots = [path for path in Path("/proc").glob("[0-9]*/root") if _link(path).startswith(str(tmp_path))]
    assert roots == [], "processes of a container are still there"


def _link(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:  # it has just ended, or is the kernel's
        return ""


@pytest.fixture(params=["amd64", "arm64"])
def arch(request: pytest.FixtureRequest) -> str:
    wanted: str = request.param
    if wanted == emulated_here() and (why := why_no_emulation()):
        pytest.skip(why)
    return wanted


def box(runc: Path, folder: Path, image: Image, **scratch: Path) -> Box:
    folder.mkdir(parents=True)
    return Box(runc, folder, image, {at.replace("_", "/"): path for at, path in scratch.items()})


@pytest.mark.parametrize("name", ["base", "helper", "merge", "buildkit"])
def test_an_image_runs_programs_of_its_architecture(
    name: Name, arch: str, images: Images, runc: Path, tmp_path: Path
) -> None:
    ran = box(runc, tmp_path / "box", images[name][arch]).run(["sh", "-c", "uname -m; busybox uname -m"])
    assert ran == Ran(0, f"{MACHINE[arch]}\n" * 2)


def test_the_sandbox_image_waits_as_nobody_and_ends_when_it_is_told(
    arch: str, images: Images, runc: Path, tmp_path: Path
) -> None:
    image = images["pause"][arch]
    program, *rest = image.run["Entrypoint"]
    assert rest == ["--", "/bin/busybox", "sleep", "infinity"]
    script = f"{program} {' '.join(rest)} & sleep 1; kill -0 $! && kill $!; wait $!; echo $?; id -u"
    ran = box(runc, tmp_path / "box", image).run(["/bin/sh", "-c", script])
    assert ran.output.splitlines()[-2:] == ["143", "65535"], ran.output


def test_the_helper_gives_sources_and_passes_artifacts_on(
    arch: str, images: Images, runc: Path, tmp_path: Path
) -> None:
    sources = tmp_path / "sources"
    (sources / "web").mkdir(parents=True)
    (sources / "web" / "Dockerfile").write_text("FROM scratch\n")
    (sources / "link").symlink_to("web/Dockerfile")
    image = images["helper"][arch].extended(archive.packed(archive.tree("sources", sources)))
    script = """set -e
    multiarch-helper sources /builds; cd /builds; cat link; stat -c %a web web/Dockerfile
    multiarch-helper pack web >/tmp/artifacts; multiarch-helper unpack /next </tmp/artifacts; cat /next/web/Dockerfile
    multiarch-helper nonsense 2>&1 || echo "exit $?" """
    ran = box(runc, tmp_path / "box", image).run(["sh", "-c", script])
    assert ran.code == 0, ran.output
    assert ran.output.splitlines()[:4] == ["FROM scratch", "777", "666", "FROM scratch"]
    assert ran.output.splitlines()[-1] == "exit 2"


def test_what_buildkit_is_granted_here_is_what_a_job_gets() -> None:
    granted: Any = ROOTLESS_BUILDKIT.build_container
    assert granted["capabilities"] == {"drop": ["ALL"], "add": list(AS_A_JOB.capabilities)}
    assert granted["allow_privilege_escalation"] is AS_A_JOB.escalation
    assert granted["run_as_user"] == granted["run_as_group"] == ROOTLESS_USER


class Project:
    """A project whose pipeline is the component `multi-arch-image` with BuildKit, and a folder as its checkout."""

    def __init__(self, folder: Path, images: Images, runc: Path, registry: LocalRegistry, name: str) -> None:
        self.folder, self.images, self.runc = folder, images, runc
        self.image = f"{registry.host}/{name}"
        self.host = registry.host
        inputs = {"builder": "buildkit", "image": self.image, "insecure-registry": True, "cache": False}
        self.jobs = component_jobs(
            "multi-arch-image", builder="buildkit", image=self.image, insecure_registry=True, cache=False
        )
        self.text = yaml.safe_load(interpolated(COMPONENT, inputs))
        self.checkout = folder / "checkout"
        self.checkout.mkdir(mode=0o777)
        self.checkout.chmod(0o777)
        (self.checkout / "Dockerfile").write_text(DOCKERFILE)

    def build(self, arch: str, confined: Confined = AS_A_JOB) -> Ran:
        """Run a build job's script in the BuildKit image, as a job's build container."""
        scratch = self.folder / f"scratch-{arch}"
        scratch.mkdir()
        os.chown(scratch, ROOTLESS_USER, ROOTLESS_USER)
        (mounted,) = ROOTLESS_BUILDKIT.scratch.values()
        image = taking_from(self.images["buildkit"][arch], self.host)
        own = Box(self.runc, self.folder / f"build-{arch}", image, {mounted: scratch, BUILDS: self.checkout})
        own.folder.mkdir()
        return self.run(own, f"image-build: [{arch}]", ".image-builder-buildkit", confined)

    def merge(self, arch: str) -> Ran:
        """Run the merge job's script in the merge image."""
        own = Box(self.runc, self.folder / "merge", self.images["merge"][arch], {BUILDS: self.checkout})
        own.folder.mkdir()
        return self.run(own, "image-merge", "image-merge", Confined())

    def run(self, own: Box, job: str, scripted: str, confined: Confined) -> Ran:
        variables = self.variables(self.jobs[job])
        return own.run(["sh", "-c", "\n".join(self.text[scripted]["script"])], confined, **variables)

    def variables(self, job: PipelineJob) -> dict[str, str]:
        given = {
            "CI_PROJECT_DIR": BUILDS,
            "CI_COMMIT_SHORT_SHA": "0123abcd",
            "CI_COMMIT_REF_SLUG": "main",
            "CI_COMMIT_BRANCH": "main",
            "CI_DEFAULT_BRANCH": "main",
            "BASE_IMAGE_NAME": "base:1",  # of Docker Hub, says the name
        }
        known = expand_all({**given, **job.variables}.items())
        return {name: expand(value, known) for name, value in known}


@pytest.fixture
def project(images: Images, runc: Path, registry: LocalRegistry, tmp_path: Path) -> Project:
    with registry.session() as session:
        push(images["base"], session.registry(registry.host), "library/base", "1")
    return Project(tmp_path, images, runc, registry, tmp_path.name.replace("_", "-"))


def test_the_templates_own_jobs_build_both_architectures_without_privileges_and_merge_them(
    project: Project, runc: Path, registry: LocalRegistry, tmp_path: Path
) -> None:
    if why := why_no_emulation():
        pytest.skip(why)
    for arch in MACHINE:
        ran = project.build(arch)
        assert ran.code == 0, ran.output
        assert json.loads((project.checkout / "digests" / f"{arch}.json").read_text())["platform"] == f"linux/{arch}"
    merged = project.merge("amd64")
    assert merged.code == 0, merged.output
    repository = project.image.partition("/")[2]
    with registry.session() as session:
        index = session.registry(registry.host).manifest(repository, "main")
        assert {str(entry.platform) for entry in index.images} == {"linux/amd64", "linux/arm64"}
        for entry in index.images:
            assert entry.platform is not None
            image = pulled(session, registry.host, repository, entry.digest)
            assert image.arch == entry.platform.architecture
            ran = box(runc, tmp_path / f"run-{image.arch}", image).run(image.run["Cmd"])
            assert ran == Ran(0, f"{MACHINE[image.arch]}\n")
            kept = (tmp_path / f"run-{image.arch}" / "bundle" / "rootfs" / "kept").stat()
            assert (kept.st_uid, kept.st_gid) == (7, 8)


@pytest.mark.parametrize(
    "less",
    [
        pytest.param(AS_A_JOB._replace(capabilities=("SETGID",)), id="SETUID"),
        pytest.param(AS_A_JOB._replace(capabilities=("SETUID",)), id="SETGID"),
        pytest.param(AS_A_JOB._replace(escalation=False), id="escalation"),
    ],
)
def test_a_build_fails_without_any_of_what_a_job_is_granted(project: Project, less: Confined) -> None:
    """So none of it is granted in vain, and a stack that leaves one out fails here as it would anywhere."""
    native = emulated_here().other
    ran = project.build(native, less)
    assert ran.code != 0
    assert "map" in ran.output, ran.output


def test_debians_registry_serves_without_being_installed(images: Images) -> None:
    program = have_registry()
    with LocalRegistry(program=program) as own, own.session() as session:
        assert own.program == f"{program.name} on this machine"
        push(images["pause"], session.registry(own.host), "pause", "1")
        assert len(session.registry(own.host).manifest("pause", "1").images) == len(MACHINE)


def test_images_are_had_again_without_making_anything(images: Images) -> None:
    code = "from multiarch.rehearse.images import have_images; print(len(have_images()))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PATH": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == f"{len(images)}\n", done.stderr
