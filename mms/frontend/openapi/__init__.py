"""OpenAPI documents, made of what each route says of itself.

To be imported from outside: ``operation``, ``refusals`` and ``schemas``, by whoever describes a
route; ``document`` and ``endpoint``, by whoever puts a server together.
"""
