"""`multiarch doctor`: why does my job hang? A check-list with fixes for a cluster that has a runner. Read-only."""
