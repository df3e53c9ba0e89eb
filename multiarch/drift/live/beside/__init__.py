"""What was added beside a stack's own objects, and widens what its jobs or its runner may do."""
