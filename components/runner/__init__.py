"""The one GitLab Runner that serves every architecture: its configuration, its Helm values, its access, its release."""
