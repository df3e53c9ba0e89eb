"""`python -m tests.golden.regenerate [STACK ...]`: write the golden previews anew. Read the diff first."""

import sys

from tests.golden.preview import STACKS, difference, golden_file, preview_text


def main(stacks: list[str]) -> int:
    """Write each stack's golden preview, and say what changed."""
    for stack in stacks or STACKS:
        text = preview_text(stack)
        changed = difference(stack, text)
        golden_file(stack).write_text(text, encoding="utf-8")
        sys.stdout.write(f"{stack}: {'changed' if changed else 'unchanged'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
