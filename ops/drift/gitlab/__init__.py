"""The one GitLab issue that tells a project's drift."""

from ops.drift.gitlab.api import IssueError
from ops.drift.gitlab.issue import Action, IssueOutcome, keep_issue
from ops.drift.gitlab.settings import DEFAULT_LABEL, IssueSettings

__all__ = ["DEFAULT_LABEL", "Action", "IssueError", "IssueOutcome", "IssueSettings", "keep_issue"]
