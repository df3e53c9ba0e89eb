"""The check-list: pure functions from what was gathered to answers."""
