"""Connections: heads, bodies, limits, the server that accepts and drains.

To be imported from outside: :mod:`mms.frontend.http.server`; the rest is its own.
"""
