"""The protocols that are spoken: what each endpoint takes and gives.

To be imported from outside: each module, by the table of routes alone.
"""
