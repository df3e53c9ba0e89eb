"""Let the kernel run the other architecture's programs by QEMU: one entry of binfmt_misc of our own name.

Flags: P keeps the program's own name for it (without, busybox cannot tell which applet is meant), O and C hand it the
open file with the program's own credentials, F opens QEMU at once, so that it is found from within any container.
An entry that was there before stays as it is: the kernel asks the newest first.
"""

from pathlib import Path

from multiarch.core.environment import Child, environment
from multiarch.rehearse.nodes.architectures import Arch
from multiarch.rehearse.nodes.system import call, is_mount

FOLDER = Path("/proc/sys/fs/binfmt_misc")
FLAGS = "POCF"
_ELF = r"\x7fELF\x02\x01\x01\x00" + r"\x00" * 8 + r"\x02\x00"
_ELF_MASK = r"\xff" * 4 + r"\xff\xff\xff\x00" + r"\xff" * 8 + r"\xfe\xff\xff\xff"
"""Of any 64-bit little-endian program, whatever its ABI; position-independent ones (type 3) too."""
_MACHINES = {Arch.AMD64: r"\x3e\x00", Arch.ARM64: r"\xb7\x00"}
"""The ELF header's e_machine."""


def entry_name(arch: Arch) -> str:
    """Name of our entry."""
    return f"multiarch-nodes-{arch}"


def registration(arch: Arch, emulator: Path) -> str:
    """Return what is written to `register` (kernel: Documentation/admin-guide/binfmt-misc.rst)."""
    return f":{entry_name(arch)}:M::{_ELF}{_MACHINES[arch]}:{_ELF_MASK}:{emulator}:{FLAGS}"


def find_emulator(arch: Arch) -> Path | None:
    """Return a statically linked QEMU for the architecture's programs, or None.

    Debian's own path comes first: by that name its QEMU knows that it gets the program's own name (P).
    """
    folders = ("/usr/libexec/qemu-binfmt/{}-binfmt-P", "/usr/bin/qemu-{}-static", "/usr/local/bin/qemu-{}-static")
    paths = [Path(folder.format(arch.machine)) for folder in folders]
    return next((path for path in paths if path.is_file()), None)


def is_mounted() -> bool:
    """Tell whether binfmt_misc's own file system is there."""
    return is_mount(FOLDER)


def is_registered(name: str) -> bool:
    """Tell whether there is an entry by this name."""
    return (FOLDER / name).exists()


def mount() -> None:
    """Mount binfmt_misc's file system."""
    call("mount", "-t", "binfmt_misc", "binfmt_misc", str(FOLDER), env=environment(Child.OWN))


def unmount() -> None:
    """Unmount it, if it is mounted."""
    if is_mounted():
        call("umount", str(FOLDER), env=environment(Child.OWN))


def register(arch: Arch, emulator: Path) -> None:
    """Make our entry."""
    (FOLDER / "register").write_text(registration(arch, emulator), encoding="ascii")


def remove(name: str) -> None:
    """Remove an entry, if it is there."""
    if is_registered(name):
        (FOLDER / name).write_text("-1", encoding="ascii")
