"""What went wrong, in the words of the resource: archmerge speaks of its own command line."""

import re

from archmerge import ArchmergeError

_OWN_WORDS = (
    (re.compile(r"\s*--allow-mismatch publishes it as what it is.*", re.DOTALL), ""),
    (re.compile(r"say --platforms (\S+)\."), r"name it \1 in `sources`."),
    (re.compile(r"(?:allow it with|say) --plain-http \S+"), "name the host in `plainHttp`"),
    (re.compile(r"--cacert FILE, "), ""),
    (re.compile(r"give credentials that may do this"), "give `credentials` (or a docker config) that may do this"),
)


class PlainError(Exception):
    """A failure that is told as it is, without the provider's own traceback."""


def plain_error(error: ArchmergeError, doing: str) -> PlainError:
    """Return archmerge's error as the resource's."""
    text = str(error)
    for pattern, words in _OWN_WORDS:
        text = pattern.sub(words, text)
    return PlainError(f"{doing}: {text}")
