"""Connections: heads, bodies, limits, the server that accepts and drains.

To be imported from outside: :mod:`mms.frontend.http.server` and :mod:`mms.frontend.http.binding`,
and :mod:`mms.frontend.http.body` by the predictor; the rest is its own.
"""
