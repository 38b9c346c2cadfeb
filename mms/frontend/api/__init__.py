"""The protocols that are spoken: what each endpoint takes and gives.

To be imported from outside: each module, by the table of routes; :mod:`mms.frontend.api.openapi`
and :mod:`mms.frontend.api.swagger` by whoever puts the server together.
"""
