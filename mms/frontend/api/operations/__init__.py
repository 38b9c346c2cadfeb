"""What the OpenAPI document tells of each endpoint: a module for each of :mod:`mms.frontend.api`.

From outside: each module, by whoever makes the routes that it tells of.
"""
