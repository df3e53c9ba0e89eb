"""Start the provider. Pulumi runs this folder by path, with the engine's address as its argument."""

import sys
from pathlib import Path

# Run by path, the repository's root is off the module path and this folder is on it: the root takes its place.
sys.path[0] = str(Path(__file__).resolve().parents[2])

from archmerge import __version__  # noqa: E402 - found by the path above
from components.helper_image.provider import ImageProvider  # noqa: E402 - found by the path above
from components.helper_image.serving import serve  # noqa: E402 - found by the path above

if __name__ == "__main__":
    serve(sys.argv[1:], __version__, ImageProvider())
