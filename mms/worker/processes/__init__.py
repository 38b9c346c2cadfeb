"""Forks, threads and parents of a model's processes.

To be imported from outside: all modules.
"""
