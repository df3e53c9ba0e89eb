"""The rehearsal under the real Pulumi engine, with the rehearsal providers served as plugins."""
