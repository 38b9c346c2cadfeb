"""A protocol's payload to inputs, and answers to its payload.

To be imported from outside: the ``registry`` of codecs, what a ``codec`` is, the ``classic`` one,
and ``json_answer``; what parses and checks text is their own.
"""
