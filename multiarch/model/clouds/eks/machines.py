"""What an EC2 instance type has, read off its name alone.

Not from the tables of components/clouds: a rehearsal must be able to contradict the program.
"""

import re

from multiarch.model.nodes.machines import Machine

_ARM = re.compile(r"^(a1|[a-z]+[0-9]+g[a-z]*|[a-z0-9]+-gb[0-9]+)\.")  # `g` right after the generation is Graviton
_NAME = re.compile(r"^(?P<family>[a-z]+)[^.]*\.(?P<count>[0-9]*)(?P<size>[a-z]+)")
_SIZES = {"nano": 2, "micro": 2, "small": 2, "medium": 1, "large": 2, "xlarge": 4}
_RATIO = {"c": 2.0, "m": 4.0, "t": 4.0, "a": 2.0, "r": 8.0, "x": 16.0, "i": 8.0}


def machine_of(name: str) -> Machine:
    """Read an EC2 instance type: `m7g.2xlarge`."""
    match = _NAME.match(name)
    if match is None:
        return Machine("amd64", 2, 8.0)
    cpus = _SIZES.get(match["size"], 64) * int(match["count"] or 1)
    return Machine("arm64" if _ARM.match(name) else "amd64", cpus, cpus * _RATIO.get(match["family"][0], 4.0))
