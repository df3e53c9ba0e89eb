"""The entry of a plugin process: `python <generated folder> <engine address>` ends here."""

import sys

from pulumi.provider.experimental.server import main as serve_forever

from multiarch.model.providers.registry import provider_for
from multiarch.rehearse.engine.bridge import RehearsalPlugin


def serve(package: str) -> None:
    """Serve the package's rehearsal provider until the engine ends the process.

    Raises LookupError for a package that has none.
    """
    provider = provider_for(package)
    if provider is None:
        raise LookupError(f"the rehearsal has no provider for {package!r}")
    serve_forever(sys.argv[1:], provider.version, RehearsalPlugin(provider))
