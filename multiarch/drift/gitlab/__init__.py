"""The one GitLab issue that tells a project's drift."""

from multiarch.drift.gitlab.api import IssueError
from multiarch.drift.gitlab.issue import Action, IssueOutcome, keep_issue
from multiarch.drift.gitlab.settings import DEFAULT_LABEL, IssueSettings

__all__ = ["DEFAULT_LABEL", "Action", "IssueError", "IssueOutcome", "IssueSettings", "keep_issue"]
