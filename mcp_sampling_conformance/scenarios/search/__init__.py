"""The search with generated examples: what breaks a rule that the fixed tables of answers and requests did not break.

Hypothesis makes the examples on a thread of its own and shrinks the first that breaks a rule (``hunt``). A task that
holds the connection to the system under test tries them and says what broke. Both share a ``Search``, and take
``turns``.
"""
