"""Asks a server for predictions: what is decided is written once, and done in two ways.

A conversation (``conversation``) is a generator of steps: work that takes time, a request, a
pause. :class:`Client` and :class:`AsyncClient` do these, each in its way, and hand back what came
of them; all else is in modules that neither wait nor connect.

To be imported from outside: all modules, by commands. Programs import from :mod:`mms.client`.
"""
