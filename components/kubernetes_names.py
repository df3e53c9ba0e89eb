"""What Kubernetes lets names, labels and annotations be called, each as a pattern of the whole text.

Source: k8s.io/apimachinery pkg/util/validation/validation.go.
"""

import re
from typing import Final

_LABEL: Final = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_SUBDOMAIN: Final = rf"(?![^/]{{254}}){_LABEL}(\.{_LABEL})*"
"""At most 253 characters, of labels that have no bound of their own."""
_QUALIFIED: Final = r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"

DNS_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
"""A namespace, a volume, a host's own name."""
OBJECT_NAME: Final = re.compile(_SUBDOMAIN)
"""Most objects: labels with dots between them."""
QUALIFIED_NAME: Final = re.compile(_QUALIFIED)
"""A key of a label or annotation behind its prefix."""
META_KEY: Final = re.compile(rf"({_SUBDOMAIN}/)?{_QUALIFIED}")
"""A key of a label, or of a taint."""
LABEL_VALUE: Final = re.compile(rf"({_QUALIFIED})?")
"""It may be empty."""


def is_annotation_key(text: str) -> bool:
    """Tell whether an annotation may be called so: its key is checked in lower case (api/validation/objectmeta.go)."""
    return META_KEY.fullmatch(text.lower()) is not None
