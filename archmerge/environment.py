"""What a credential helper gets of the environment: it finds its own login, and is given no other.

Not among it: `ARCHMERGE_PASSWORD`, GitLab's `CI_*` with the job's token, and whatever else the shell holds.
"""

from __future__ import annotations

from collections.abc import Mapping

NAMES = (
    *("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TZ", "LANG", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    # Keyrings: secretservice, pass.
    *("DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS", "GNUPGHOME", "GPG_TTY"),
)
STARTS = (
    *("LC_", "XDG_", "PASSWORD_STORE_"),
    # Logins of ecr-login, gcr, gcloud, acr-env, env and the like.
    *("DOCKER_", "AWS_", "GOOGLE_", "CLOUDSDK_", "GCE_METADATA_", "AZURE_", "ACR_", "IDENTITY_", "MSI_"),
)


def helper_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what a helper gets: the names above, and those that begin so, but no logins of other hosts."""
    kept = {name: value for name, value in environ.items() if name in NAMES or name.startswith(STARTS)}
    kept.pop("DOCKER_AUTH_CONFIG", None)
    return kept
