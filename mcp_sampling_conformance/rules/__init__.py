"""The rules: one module a topic of REQUIREMENTS (or a side of it), each rule beside its check.

To add one, write it into the module of its topic; a new module goes into ``registry.MODULES``.
"""
