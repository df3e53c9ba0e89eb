"""The mirrored helper image, rehearsed: stand-ins for GitLab's images, a local registry, and the real provider."""
