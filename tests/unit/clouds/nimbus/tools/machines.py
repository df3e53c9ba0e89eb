"""What a Nimbus droplet has, read off its name alone."""

from multiarch.model.nodes.machines import Machine


def machine_of(name: str) -> Machine:
    """Return what `flake-8` has: 4 GiB beside each vCPU."""
    family, _, vcpus = name.partition("-")
    return Machine("arm64" if family == "flake" else "amd64", int(vcpus), 4.0 * int(vcpus))
