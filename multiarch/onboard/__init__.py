"""`multiarch onboard` and `multiarch doctor`: look at a cluster, write its stack file, say why its jobs hang."""
