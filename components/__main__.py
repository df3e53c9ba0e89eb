"""Offer the components to programs in other Pulumi languages: `pulumi package add <this repository>/components`.

The public surface is the schema that comes of these classes (tests/golden/components.schema.json).
"""

import sys
from pathlib import Path

# Run by path, the repository's root is off the module path and this folder is on it: the root takes its place.
sys.path[0] = str(Path(__file__).resolve().parents[1])

from pulumi.provider import main  # noqa: E402 - not by the path, but sorted with what is

from archmerge import __version__  # noqa: E402 - found by the path above
from components.clouds import CLOUDS  # noqa: E402 - likewise
from components.runner.component import MultiArchRunner  # noqa: E402 - likewise
from components.sections_schema import SectionProvider  # noqa: E402 - likewise

if __name__ == "__main__":
    # A host serves every cloud, so that here, and nowhere else, all their SDKs are imported.
    offered = [*(cloud.shell().COMPONENT for cloud in CLOUDS.values()), MultiArchRunner]
    main(SectionProvider(offered, "multiarch-runner", __version__), sys.argv[1:])
