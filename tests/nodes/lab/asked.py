"""Why most tests of real nodes and their images run only when they are asked for: one run of all is always there."""

ASKED_FOR = "takes minutes as root, and changes this machine meanwhile: make test-nodes"
