"""Settings of all tests."""

from hypothesis import settings

# A deadline is a timed test: on a busy machine it fails for what is right. Speed is for bench/.
settings.register_profile("project", deadline=None)
settings.load_profile("project")
