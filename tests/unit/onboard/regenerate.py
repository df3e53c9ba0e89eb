"""`python -m tests.unit.onboard.regenerate`: write the golden stack files anew. Read the diff first."""

import sys

from tests.unit.onboard.cases import CASES, GOLDEN


def main() -> int:
    """Write every golden file."""
    GOLDEN.mkdir(exist_ok=True)
    for name, case in CASES.items():
        (GOLDEN / f"Pulumi.{name}.yaml").write_text(case.text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
