"""`allowed_images` and `allowed_services`: doublestar patterns (common/allowed_images.go)."""

import re
from collections.abc import Sequence

from multiarch.model.executor.job import RefusedError


def check_image(image: str, allowed: Sequence[str], internal: Sequence[str]) -> None:
    """Raise RefusedError unless `image` matches an allowed pattern, is the runner's own, or nothing is restricted."""
    if not allowed or image in internal or any(matches(pattern, image) for pattern in allowed):
        return
    raise RefusedError(f"disallowed image: '{image}' matches none of {', '.join(allowed)}")


def matches(pattern: str, text: str) -> bool:
    """Match as Go's doublestar v4 does: `*` stays within a path segment, `**` as a whole segment crosses them."""
    return re.fullmatch(_translate(pattern), text, re.DOTALL) is not None


def _translate(pattern: str) -> str:  # noqa: C901 - one branch per metacharacter reads best in one place
    out: list[str] = []
    depth = index = 0
    while index < len(pattern):
        char = pattern[index]
        index += 1
        if char == "*":
            start_of_segment = index == 1 or pattern[index - 2] in "/{,"
            if start_of_segment and pattern.startswith("*/", index):
                out.append("(?:.*/)?")
                index += 2
            elif (
                start_of_segment and pattern.startswith("*", index) and pattern[index + 1 : index + 2] in ("", ",", "}")
            ):
                out.append(".*")
                index += 1
            else:
                out.append("[^/]*")
        elif char == "?":
            out.append("[^/]")
        elif char == "[" and (end := pattern.find("]", index + 1)) > 0:
            body = pattern[index:end].replace("\\", "\\\\")
            out.append(f"[^/{body[1:]}]" if body[0] in "!^" else f"[{body}]")
            index = end + 1
        elif char == "{":
            depth += 1
            out.append("(?:")
        elif char == "}" and depth:
            depth -= 1
            out.append(")")
        elif char == "," and depth:
            out.append("|")
        elif char == "\\" and index < len(pattern):
            out.append(re.escape(pattern[index]))
            index += 1
        else:
            out.append(re.escape(char))
    return "".join(out) if not depth else "(?!)"
