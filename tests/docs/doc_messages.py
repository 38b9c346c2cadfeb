"""The messages that the package raises, as its source has them."""

import ast
from functools import cache

from harness import REPO
from sources import tree

# Shorter pieces, such as ', ' or ' and ', tell no message from another.
_SHORTEST_PIECE = 6


def raised(classes, argument=0, under='mms'):
    """Fixed pieces of each message that the source writes out -> where it is raised.

    Parameters
    ----------
    classes
        Names that are called to make the error.
    argument
        Which argument is the message.
    under
        File or folder to look in.
    """
    root = REPO / under
    files = [root] if root.is_file() else sorted(root.rglob('*.py'))
    found = {}
    for file in files:
        for node in _calls(file):
            if _name(node.func) in classes:
                pieces = tuple(_pieces(node.args[argument:argument + 1]))
                if pieces:
                    found[pieces] = f'{file.relative_to(REPO)}:{node.lineno}'
    return found


def says(message, pieces):
    """Whether `message` has all pieces, in their order."""
    for piece in pieces:
        _, met, message = message.partition(piece)
        if not met:
            return False
    return True


@cache
def _calls(file):
    return [node for node in ast.walk(tree(file)) if isinstance(node, ast.Call)]


def _name(function):
    return getattr(function, 'id', getattr(function, 'attr', ''))


def _pieces(arguments):
    for message in arguments:
        for piece in message.values if isinstance(message, ast.JoinedStr) else [message]:
            text = piece.value if isinstance(piece, ast.Constant) else ''
            if isinstance(text, str) and len(text.strip()) >= _SHORTEST_PIECE:
                yield text.strip()
