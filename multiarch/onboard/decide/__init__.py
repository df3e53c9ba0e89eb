"""What follows from a look: what can't work, what to propose, what to warn of. Pure."""
