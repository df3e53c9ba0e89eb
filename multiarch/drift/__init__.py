"""`multiarch drift`: what in the cloud, in the cluster and in the registry is no longer what the program says."""
