"""Connections: heads, bodies, limits, the server that accepts and drains.

To be imported from outside: :mod:`mms.frontend.http.server`, :mod:`mms.frontend.http.binding`,
:mod:`mms.frontend.http.limits`, :mod:`mms.frontend.http.unix_socket`, :mod:`mms.frontend.http.tls`
and :mod:`mms.frontend.http.tls_files`, :mod:`mms.frontend.http.body` and
:mod:`mms.frontend.http.inflating` by the predictor, and :mod:`mms.frontend.http.admission` and
:mod:`mms.frontend.http.open_connections` by who hands connections over; the rest is its own.
"""
