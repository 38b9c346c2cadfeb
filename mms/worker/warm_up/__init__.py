"""What a process finds out about its model before it takes requests.

To be imported from outside: :class:`mms.worker.warm_up.exploration.Exploration`; ``warm_up`` for a
worker that was forked; ``made_up_requests``, ``warm_up_report`` and ``answer_advice``.
"""
