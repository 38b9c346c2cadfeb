"""The source of the package, which each process of the tests reads once."""

import ast
from functools import cache


@cache
def tree(path):
    """What Python reads in a file."""
    return ast.parse(path.read_text(encoding='utf-8'))
