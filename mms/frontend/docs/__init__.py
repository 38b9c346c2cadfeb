"""``/docs``: the OpenAPI document as a page, which Swagger UI makes.

To be imported from outside: ``page``, by whoever puts a server together.
"""
