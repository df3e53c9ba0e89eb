"""Where the CI templates come from: shell scripts, inputs and layouts, and the command that puts them together."""
