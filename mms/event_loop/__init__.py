"""Work on gevent's loop: guarded greenlets, turns, threads beside it.

To be imported from outside: all modules; the front process alone, since workers run no event loop.
"""
