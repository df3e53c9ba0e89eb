"""What an Azure VM size has, read off its name alone.

Not from the tables of components/clouds: a rehearsal must be able to contradict the program.
"""

import re

from multiarch.model.nodes.machines import Machine

_ARM = re.compile(r"^Standard_[A-Z]+[0-9]+(-[0-9]+)?[a-oq-z]*p[a-z]*_|_GB[0-9]+_")  # `p` among the features
_NAME = re.compile(r"^Standard_(?P<family>[A-Z]+)(?P<cpus>[0-9]+)(-[0-9]+)?(?P<features>[a-z]*)")
_RATIO = {"D": 4.0, "E": 8.0, "F": 2.0, "B": 4.0, "L": 8.0, "M": 16.0}


def machine_of(name: str) -> Machine:
    """Read an Azure VM size: `Standard_D8ps_v6`."""
    match = _NAME.match(name)
    if match is None:
        return Machine("amd64", 2, 8.0)
    cpus = int(match["cpus"])
    ratio = 2.0 if "l" in match["features"] else _RATIO.get(match["family"][0], 4.0)
    return Machine("arm64" if _ARM.search(name) else "amd64", cpus, cpus * ratio)
