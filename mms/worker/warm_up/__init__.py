"""What a process finds out about its model before it takes requests.

To be imported from outside: :class:`mms.worker.warm_up.exploration.Exploration` and samples.
"""
