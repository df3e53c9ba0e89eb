"""What the Pulumi CLI says: the cloud against the state, and the cloud against the program."""
