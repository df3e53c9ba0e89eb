"""HTTP as registries need it: kept-alive connections, retries at the registry's pace, one total deadline."""
