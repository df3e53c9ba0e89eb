"""Rehearsal providers: plain classes that refuse what the real APIs refuse."""
