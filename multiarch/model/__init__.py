"""What a stack brings: its plan, the providers' stand-ins, its nodes, the executor's pods. Shared by all commands."""
