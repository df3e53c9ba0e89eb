"""MultiArchImage: an image of several architectures, merged from one image each, as a Pulumi resource.

`resource` is what a program declares. The other modules are the provider behind it, a process of its own.
"""
