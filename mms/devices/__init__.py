"""Processors and GPUs: what they are called, and which of them are there.

To be imported from outside: all modules; GPUs are looked for in a process that ends.
"""
