"""The promise with real containers: a stack's own jobs build an image on two real nodes, and it runs on both."""
