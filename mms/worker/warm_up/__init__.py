"""What a process finds out about its model before it takes requests.

To be imported from outside: :class:`mms.worker.warm_up.exploration.Exploration`; ``warm_up`` for a
worker that was forked; ``sample``, ``made_up_request`` and ``answer_advice``.
"""
