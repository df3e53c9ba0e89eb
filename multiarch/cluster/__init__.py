"""Kubernetes clusters of any kind, reached by kubeconfig and context: connection, API, and what can go wrong."""
