"""What a person reads on the terminal: the bars, and the announcement of a server.

To be imported from outside: all modules.
"""
