"""The stack file: its text, and how it gets to its place."""
