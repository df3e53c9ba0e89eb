"""The report in a terminal and as JSON."""
