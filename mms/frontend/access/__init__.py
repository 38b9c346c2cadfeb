"""Who may ask: tokens, what each of them is good for, and who is refused.

To be imported from outside: ``control``, ``scopes``, ``tokens`` and ``token_file``, by whoever puts
the server together; ``refusals``, by what makes answers of them.
"""
