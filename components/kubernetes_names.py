"""What Kubernetes lets names, labels and annotations be called: each as a pattern of the whole text, and as a type.

Source: k8s.io/apimachinery pkg/util/validation/validation.go.
"""

import re
from ipaddress import ip_address, ip_network
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from components.forms import Form, NoSecret, quoted, wrong

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


def _annotation_key(text: str) -> str:
    if is_annotation_key(text):
        return text
    raise wrong(f"{quoted(text)} is not a valid annotation key", f"Write {_KEY}.")


def _address(text: str) -> str:
    try:
        ip_address(text)
    except ValueError:
        raise wrong(
            f"{quoted(text)} is not an IP address", "Write one, such as 10.0.0.10; a name is not possible here."
        ) from None
    return text


_RANGE: Final = "Write it as 203.0.113.0/24, or 203.0.113.7/32 for one address; policies can't name hosts."


def _cidr(text: str) -> str:
    try:
        ip_network(text)
    except ValueError as error:
        reason = str(error).removeprefix(repr(text)).strip()
        raise wrong(f"{quoted(text)} is not an address range ({reason})", _RANGE) from None
    # Python takes more than the API server: an address alone, a netmask, an interface.
    if not re.fullmatch(r"[0-9a-fA-F:.]+/[0-9]+", text):
        raise wrong(f"{quoted(text)} has no prefix length", _RANGE)
    return text


_KEY: Final = "letters, digits, '-', '_' and '.', after an optional prefix and '/'"
_NO_SECRET: Final = NoSecret(
    "Remove it: anyone who can read the object would have it. A cloud identity needs no secret."
)

DnsLabel = Annotated[str, Form(DNS_LABEL.pattern, "Kubernetes name", "at most 63 lower-case letters, digits and '-'")]
ObjectName = Annotated[
    str,
    Form(OBJECT_NAME.pattern, "name of a Kubernetes object", "at most 253 lower-case letters, digits, '-' and '.'"),
]
HostName = Annotated[str, Form(OBJECT_NAME.pattern, "host name", "lower-case letters, digits, '-' and '.'")]
LabelKey = Annotated[str, _NO_SECRET, Form(META_KEY.pattern, "key of a label or taint", _KEY)]
LabelValue = Annotated[
    str,
    _NO_SECRET,
    Form(
        LABEL_VALUE.pattern,
        "value of a label or taint",
        "at most 63 letters, digits, '-', '_' and '.', a letter or digit first and last",
    ),
]
AnnotationKey = Annotated[str, _NO_SECRET, AfterValidator(_annotation_key)]
AnnotationValue = Annotated[str, _NO_SECRET]
IpAddress = Annotated[str, AfterValidator(_address)]
Cidr = Annotated[str, AfterValidator(_cidr)]
Port = Annotated[int, Field(ge=1, le=65535)]
