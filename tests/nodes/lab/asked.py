"""Why the tiers of real nodes and their images run only when they are asked for."""

ASKED_FOR = "needs root, changes this machine meanwhile, and builds containerd, runc and BuildKit once: make test-nodes"
