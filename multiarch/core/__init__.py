"""What every command shares: verdicts, exit codes, output, redaction, the environment of a child process."""
