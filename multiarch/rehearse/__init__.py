"""The rehearsal: the unmodified program, proved on a real Kubernetes control plane without a cloud account."""
