"""A drift report's renderings for people and machines."""
