"""How archmerge is packed; not part of what is packed."""
