"""Two nodes with real kubelets, one for each architecture, on this machine: docs/real-nodes.md."""
