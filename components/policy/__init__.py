"""What must hold for every stack, whoever wrote it: rules as plain functions over declared resources.

`violations(resources)` judges recorded resources without an engine; `__main__.py` is the Pulumi policy pack around the
same functions. The rules read what is *declared* and share no code with the components that declare it, so that a
mistake there is not repeated here.
"""
