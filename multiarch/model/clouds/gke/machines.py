"""What a Compute Engine machine type has, read off its name alone.

Not from the tables of components/clouds: a rehearsal must be able to contradict the program.
"""

import re

from multiarch.model.nodes.machines import Machine

_ARM = re.compile(r"^(t2a|c4a|n4a|a4x)-")  # Axion, Altra and Grace machines
_NAME = re.compile(r"^[a-z0-9]+-(?P<shape>[a-z]+)(-(?P<cpus>[0-9]+))?")
_RATIO = {"standard": 4.0, "highmem": 8.0, "highcpu": 2.0}


def machine_of(name: str) -> Machine:
    """Read a Compute Engine machine type: `t2a-standard-8`. A size that is not in the name counts as 2 vCPUs."""
    match = _NAME.match(name)
    cpus = int(match["cpus"]) if match and match["cpus"] else 2
    ratio = _RATIO.get(match["shape"], 4.0) if match else 4.0
    return Machine("arm64" if _ARM.match(name) else "amd64", cpus, cpus * ratio)
