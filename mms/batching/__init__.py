"""Which requests run together, and on how many threads: decisions without sockets or clocks.

To be imported from outside: all modules, by the scheduler.
"""
