"""Why the scheduler does not place a pod: recomputed from pod and nodes, with its own message as evidence."""
