"""The messages that the package raises, as its source has them."""

import ast

from harness import REPO


def fixed_parts(classes, argument=0, under='mms'):
    """Longest fixed piece of each message -> where it is raised.

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
        for node in ast.walk(ast.parse(file.read_text(encoding='utf-8'))):
            if isinstance(node, ast.Call) and _name(node.func) in classes:
                for part in _longest_piece(node.args[argument:argument + 1]):
                    found[part] = f'{file.relative_to(REPO)}:{node.lineno}'
    return found


def _name(function):
    return getattr(function, 'id', getattr(function, 'attr', ''))


def _longest_piece(arguments):
    """The piece as a list; an empty list for a message that is not written out there."""
    if not arguments:
        return []
    [message] = arguments
    pieces = message.values if isinstance(message, ast.JoinedStr) else [message]
    texts = [piece.value for piece in pieces
             if isinstance(piece, ast.Constant) and isinstance(piece.value, str)]
    return [max(texts, key=len).strip()] if texts else []
