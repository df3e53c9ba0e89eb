"""The rehearsal's verdicts, and their renderings for people and machines."""
