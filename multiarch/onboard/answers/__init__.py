"""What a look can't know: asked in a terminal, or given by flags and files."""
