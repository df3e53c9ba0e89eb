"""Offer the components to programs in other Pulumi languages: `pulumi package add <this repository>/components`.

The public surface is the schema that comes of these classes (tests/golden/components.schema.json).
"""

import sys
from pathlib import Path

# Run by path, the repository's root is off the module path and this folder is on it: the root takes its place.
sys.path[0] = str(Path(__file__).resolve().parents[1])

from pulumi.provider.experimental import component_provider_host  # noqa: E402 - not by the path, but sorted with what is

from components.clouds import CLOUDS  # noqa: E402 - found by the path above
from components.runner.release import MultiArchRunner  # noqa: E402 - likewise

if __name__ == "__main__":
    component_provider_host(
        name="multiarch-runner",
        # A host serves every cloud, so that here, and nowhere else, all their SDKs are imported.
        components=[*(cloud.shell().COMPONENT for cloud in CLOUDS.values()), MultiArchRunner],
        version="0.1.0",
    )
