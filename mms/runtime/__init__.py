"""What any process of this package is: its signals, streams, folders, memory.

To be imported from outside: all modules; they import only :mod:`mms.errors` and each other.
"""
