"""Node pools: what a stack file says of them, what is wrong with that, and the components that make them."""
