"""The models that are served: registry, queues, where their workers run.

To be imported from outside: :class:`mms.serving.registry.Registry` with its ``events``,
``model_factory`` and ``placement`` for what they are told, ``caller`` for who waits for an answer,
``server_state``, ``model_state``, ``health_monitor`` and ``readiness``, ``watcher`` and
``watched_files``, ``model_options``, ``load_failures``, ``served_model``, ``gauges`` for who
scrapes, and :mod:`mms.serving.embedding`.
"""
