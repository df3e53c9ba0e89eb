"""What a configuration's values must look like, as part of a key's type; each form and its words are said once.

A bound is pydantic's own (`Annotated[int, Field(ge=1)]`), a text's form is a `Form`, and whatever else a key's value
must be by itself is a validator that raises `wrong`. components/reading.py tells all of them as Problems.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeVar

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from components.secret_text import blotted, secret_in

T = TypeVar("T", bound=str)

WRONG: Final = "wrong"
"""The type of the errors that `wrong` makes."""
LONGEST_SHOWN: Final = 60
"""Characters of a value in a message."""


def wrong(found: str, fix: str, consequence: str = "") -> PydanticCustomError:
    """Return what a key's validator raises. `found` begins with the value by `quoted`, or leaves it out."""
    return PydanticCustomError(WRONG, "not as it must be", {"found": found, "fix": fix, "consequence": consequence})


def quoted(text: str) -> str:
    """Render a text for a message: short, on one line, in quotes, secrets blotted out."""
    return repr(brief(text))


def brief(text: str) -> str:
    """Cut a text for a message, secrets blotted out before."""
    text = blotted(text)
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 3] + "..."


@dataclass(frozen=True, slots=True)
class Form:
    """What the whole of a text must look like: to be stated in its type, `Annotated[str, Form(pattern, what, write)]`.

    `pattern` is one that Python and editors read alike. `what` names such a text (`name of a Secret`), `write` says how
    it is written, for somebody who has written another.
    """

    pattern: str
    what: str
    write: str

    def fits(self, text: str) -> bool:
        """Tell whether a text has this form."""
        return re.fullmatch(self.pattern, text) is not None

    def check(self, text: str) -> str:
        """Return the text, or raise what `wrong` makes of it."""
        if self.fits(text):
            return text
        raise wrong(f"{quoted(text)} is not a valid {self.what}" if text.strip() else "empty", f"Write {self.write}.")

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check the text after its type."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Tell editors."""
        return {**handler(schema), "pattern": f"^({self.pattern})$"}


NotBlank = Annotated[str, Form(r"[\s\S]*\S[\s\S]*", "not blank", "some text")]
"""A text with more than white space in it."""


INT32: Final = 2**31 - 1
INT64: Final = 2**63 - 1
Int32 = Annotated[int, Field(le=INT32)]
"""A whole number that the clouds, Kubernetes or the chart read as 32 bits, or multiply as a length of time."""
Int64 = Annotated[int, Field(le=INT64)]
"""A whole number that GitLab Runner or GitLab reads as Go's int."""


def once(listed: list[T]) -> list[T]:
    """Check that no text is in a list twice."""
    if len(set(listed)) == len(listed):
        return listed
    twice = next(text for text in listed if listed.count(text) > 1)
    raise wrong(f"{quoted(twice)} is listed twice", "List each once.")


@dataclass(frozen=True, slots=True)
class NoSecret:
    """What a text is that does not look like a secret; no part of one that does is shown."""

    instead: str
    """What to do instead."""

    def check(self, text: str) -> str:
        """Return the text, or raise what `wrong` makes of it."""
        if secret := secret_in(text):
            raise wrong(f"looks like {secret}", self.instead)
        return text

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check the text after its type."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))
