"""`python -m archmerge`."""

from archmerge.cli import entry

if __name__ == "__main__":
    entry()
