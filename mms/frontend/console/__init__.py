"""``/console``: a page that shows how the models do, and lets a person try them.

To be imported from outside: ``addresses``, ``live``, ``pages`` and ``routes``, by whoever puts the
server together.
"""
