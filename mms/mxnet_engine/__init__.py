"""MXNet networks: symbols, parameters, shapes and contexts.

To be imported from outside: all modules, by services and workers; this is one engine, others may
stand beside it.
"""
