"""What onboarding shows: a terminal's view and JSON."""
