"""Differences that are known and let be: built-in rules, and the user's own."""

from multiarch.drift.ignore.apply import apply_rules, expired, unmatched
from multiarch.drift.ignore.built_in import BUILT_IN
from multiarch.drift.ignore.file import load_rules
from multiarch.drift.ignore.rule import Rule

__all__ = ["BUILT_IN", "Rule", "apply_rules", "expired", "load_rules", "unmatched"]
