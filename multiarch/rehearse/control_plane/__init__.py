"""The cluster a rehearsal proves on: the embedded control plane, or one of the user's."""
