"""JSON Schemas of strangers: small values that fit one, and whether a value does.

A schema comes from the system under test, which may be hostile. So every step is counted and their number is bounded
(``work``), no ``$ref`` is followed out of the schema, and no pattern is given to a backtracking engine (``patterns``).
A schema is first made flat, without references and combinators (``flat``); values are made of that (``make``,
``scalars``) and checked against the schema as it came (``check``).
"""
