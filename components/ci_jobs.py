"""What of the CI templates' jobs the program goes by as well. ci/render.py writes the templates with it."""

from typing import Final

RETRIES: Final = 2
"""How often a job is tried again whose runner broke; GitLab allows no more."""
ATTEMPTS: Final = RETRIES + 1
BUILDS: Final = 2
"""Jobs that build one image: one for each architecture."""
