"""What is in each image, and how it differs from the one whose place it takes. Layers first, then what is made of them.

`have.py` makes the layers that need packages or compilers, and keeps them; what is a few lines is made each time.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Final, Literal

from archmerge.packaging import make_zipapp
from multiarch.rehearse.images.archive import Entry, folder, link, packed, text
from multiarch.rehearse.images.model import Image, Layer, layer_of
from multiarch.rehearse.nodes.architectures import Arch

Name = Literal["pause", "base", "helper", "merge", "buildkit"]
Images = Mapping[Name, Mapping[str, Image]]
"""Each image by its name, and each of its architectures."""

LAYERS: Final[Mapping[Name, tuple[str, ...]]] = {
    "pause": ("base", "pause"),
    "base": ("base",),
    "helper": ("base",),
    "merge": ("base", "python"),
    "buildkit": ("base", "buildkit"),
}
"""What must have been made, by packages or compilers, for an image of each name."""
PACKAGES: Final[Mapping[str, tuple[str, ...]]] = {
    "base": ("busybox-static",),
    "pause": ("tini",),
    "python": ("python3.11",),
    "buildkit": ("uidmap",),
    "registry": ("docker-registry",),
}
"""Debian's packages that each layer is made of; what these need comes with them."""
KEPT: Final[Mapping[str, tuple[str, ...]]] = {
    "base": ("bin/busybox",),
    "pause": ("usr/bin/tini-static",),
    "python": ("lib/", "lib64/", "usr/lib/", "usr/bin/python3.11", "etc/python3.11/"),
    "buildkit": ("lib/", "lib64/", "usr/lib/", "usr/bin/newuidmap", "usr/bin/newgidmap"),
    "registry": ("usr/bin/docker-registry",),
}
"""How paths begin that are taken of these packages."""

MAPPERS: Final[Mapping[str, int]] = {"usr/bin/newgidmap": 6, "usr/bin/newuidmap": 7}
"""CAP_SETGID and CAP_SETUID. Debian's two programs have the setuid bit, and as root they need more than the capability
of that name: where jobs have only the two, root may not open another user's uid_map. With the file's own capability
they stay the user's. Alpine's, in BuildKit's own image, give root up themselves, which Debian leaves out."""
USER: Final = 1000
HOME: Final = "home/user"
SCRATCH: Final = f"{HOME}/.local/share/buildkit"
_CONFIG_FILE: Final = f"{HOME}/.config/buildkit/buildkitd.toml"
_RUN: Final = f"run/user/{USER}"
_PATH: Final = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_USERS: Final = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n"
_GROUP: Final = "root:x:0:\nnogroup:x:65534:\n"
_HELPER: Final = """#!/bin/sh
# In place of the helper image's own: a shell that waits for what it is told.
exec sh
"""


def base_files(applets: list[str]) -> list[Entry]:
    """Return what the base has beside busybox itself: a link for each applet, two users, and the usual folders."""
    links = [link(path, "/bin/busybox") for path in applets if path != "bin/busybox"]
    folders = [folder(path) for path in ("dev", "etc", "proc", "root", "sys", "var")]
    rest = [folder("tmp", 0o1777), text("etc/passwd", _USERS), text("etc/group", _GROUP)]
    return [*links, *folders, *rest]


def buildkit_files(daemonless: str) -> list[Entry]:
    """Return what the BuildKit image has beside programs: its user, as BuildKit's own image has it, and its script."""
    own = [folder(path, owner=USER) for path in _below_home()]
    ids = f"user:{100_000}:{65_536}\n"
    return [
        *own,
        folder(_RUN, 0o700, USER),
        text("etc/passwd", f"{_USERS}user:x:{USER}:{USER}:user:/{HOME}:/bin/sh\n"),
        text("etc/group", f"{_GROUP}user:x:{USER}:\n"),
        text("etc/subuid", ids),
        text("etc/subgid", ids),
        text("usr/bin/buildctl-daemonless.sh", daemonless, 0o755),
    ]


def without_setuid(entries: Iterable[Entry]) -> list[Entry]:
    """Return the files with the two programs' capabilities in place of their setuid bits."""
    return [
        replace(entry, mode=0o755, capability=MAPPERS[entry.path]) if entry.path in MAPPERS else entry
        for entry in entries
    ]


def _below_home() -> list[str]:
    rest = (".config", ".config/buildkit", ".local", ".local/share", ".local/share/buildkit", ".local/tmp")
    return [HOME, *(f"{HOME}/{name}" for name in rest)]


def images_of(layers: Mapping[str, Layer], native: str, names: Collection[Name] = tuple(LAYERS)) -> Images:
    """Return images. `layers` are `base-amd64` and so on; `native` is this machine's architecture."""
    return {name: {arch: _image(name, arch, layers, native) for arch in Arch} for name in LAYERS if name in names}


def _image(name: Name, arch: Arch, layers: Mapping[str, Layer], native: str) -> Image:
    base = layers[f"base-{arch}"]
    match name:
        case "base":
            return Image(arch=arch, layers=(base,), run={"Env": [_PATH], "Cmd": ["sh"]})
        case "pause":
            return _pause(arch, base, layers[f"pause-{arch}"])
        case "helper":
            return _helper(arch, base)
        case "merge":
            return _merge(arch, base, layers[f"python-{arch}"])
        case "buildkit":
            return _buildkit(arch, base, layers[f"buildkit-{native}"], native)


def _pause(arch: str, base: Layer, tini: Layer) -> Image:
    run = {
        "User": "65535:65535",
        "Entrypoint": ["/usr/bin/tini-static", "--", "/bin/busybox", "sleep", "infinity"],
    }
    differs = "Debian's tini and busybox's sleep, in place of Kubernetes' pause"
    return Image(arch=arch, layers=(base, tini), run=run, differs=differs)


def _helper(arch: str, base: Layer) -> Image:
    script = layer_of(packed([text("usr/bin/gitlab-runner-build", _HELPER, 0o755)]))
    differs = (
        "not GitLab's helper: no gitlab-runner-helper and no git. Sources and artifacts go over a pipe; caches, "
        "submodules and uploads to GitLab are missing"
    )
    return Image(arch=arch, layers=(base, script), run={"Env": [_PATH], "Cmd": ["sh"]}, differs=differs)


def _merge(arch: str, base: Layer, python: Layer) -> Image:
    differs = "Debian's Python 3.11 and busybox's shell, in place of Alpine's"
    run = {"Env": [_PATH], "Cmd": ["archmerge", "--help"]}
    return Image(arch=arch, layers=(base, python, _zipapp_layer()), run=run, differs=differs)


def _buildkit(arch: str, base: Layer, programs: Layer, native: str) -> Image:
    env = {
        "HOME": f"/{HOME}",
        "USER": "user",
        "XDG_RUNTIME_DIR": f"/{_RUN}",
        "TMPDIR": f"/{HOME}/.local/tmp",
        "BUILDKIT_HOST": f"unix:///{_RUN}/buildkit/buildkitd.sock",
    }
    differs = "made of BuildKit's own sources, with Debian's newuidmap and busybox: no git, so no build from a git URL"
    if arch != native:
        # Else its programs would say that the machine is what they are compiled for, and build for that.
        env["BUILDKITD_FLAGS"] = f"--oci-worker-platform=linux/{arch}"
        differs += (
            f". Its own programs (buildkitd, rootlesskit, runc, newuidmap) are {native} ones: qemu-user can't make the "
            f"namespaces that they need. The shell and every RUN are {arch}, emulated"
        )
    run = {
        "User": f"{USER}:{USER}",
        "Env": [_PATH, *(f"{name}={value}" for name, value in env.items())],
        "Entrypoint": ["rootlesskit", "buildkitd"],
        "Volumes": {f"/{SCRATCH}": {}},
    }
    return Image(arch=arch, layers=(base, programs), run=run, differs=differs)


def taking_from(image: Image, registry: str, mirrored: Iterable[str] = ("docker.io",)) -> Image:
    """Return a BuildKit image whose daemon speaks plain HTTP with a registry, and takes the images of others from it.

    So a Dockerfile's `FROM busybox` works where Docker Hub is not reached and the registry has `library/busybox`.
    """
    tables = [f'[registry."{name}"]\n  mirrors = ["{registry}"]\n' for name in mirrored]
    content = "".join([f'[registry."{registry}"]\n  http = true\n', *tables])
    folders = [folder(path, owner=USER) for path in _below_home()]
    return image.extended(packed([*folders, text(_CONFIG_FILE, content, owner=USER)]))


@cache
def _zipapp_layer() -> Layer:
    at = "usr/local/lib/archmerge.pyz"
    command = f'#!/bin/sh\nexec python3 -IS /{at} "$@"\n'
    content = Entry(path=at, content=make_zipapp.content(with_yaml=False))
    return layer_of(packed([content, text("usr/local/bin/archmerge", command, 0o755)]))
