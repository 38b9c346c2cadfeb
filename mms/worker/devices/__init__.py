"""What a process knows of its GPU: whether it computes, and has failed.

To be imported from outside: all modules.
"""
