"""The real GitLab Runner against a small GitLab: what the runner and its helper ask for, and nothing more.

Written after gitlab-runner 19.4 (`network/gitlab.go`, `network/trace.go`, `common/network.go`, `common/spec`,
`shells/abstract.go`, `commands/helpers/artifacts_*.go`); a comment that names a file without saying where means that.
"""
