"""A protocol's payload to inputs, and answers to its payload.

To be imported from outside: the codec of each protocol; what parses and checks text is their own.
"""
