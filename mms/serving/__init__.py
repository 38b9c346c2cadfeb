"""The models that are served: registry, queues, where their workers run.

To be imported from outside: :class:`mms.serving.registry.Registry` and
:mod:`mms.serving.embedding`.
"""
