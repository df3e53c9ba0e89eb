"""`python -m archmerge`."""

import sys

from archmerge.cli import main

if __name__ == "__main__":
    sys.exit(main())
