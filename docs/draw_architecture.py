"""Draws docs/architecture.svg: the parts of the package and what each of them imports.

Run it after a change of what imports what; tests/test_architecture.py says when that is due::

    python docs/draw_architecture.py
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / 'docs' / 'architecture.svg'

# From the ground up; a part may import the parts before it, and itself.
FLOORS = ['version', 'errors', 'runtime', 'devices', 'event_loop', 'log', 'ipc', 'archive',
          'config', 'arg_parser', 'model_loader', 'client', 'management_command',
          'predict_command', 'mxnet_compat',
          'pictures', 'utils', 'mxnet_engine', 'model_service', 'worker', 'from_onnx', 'exporter',
          'export_model', 'metrics', 'batching', 'pool', 'serving', 'frontend', 'fronts',
          'terminal', 'bootstrap', 'mxnet_model_server', '__main__']
# Both the front process and the processes of models are built on it.
GROUND = {'version', 'errors', 'runtime', 'devices', 'config', 'log', 'ipc', 'archive'}
FRONT = {'event_loop', 'metrics', 'batching', 'pool', 'serving', 'frontend', 'fronts',
         'terminal', 'bootstrap', 'mxnet_model_server', '__main__'}
MODEL = {'mxnet_compat', 'pictures', 'utils', 'mxnet_engine', 'model_service', 'worker'}
# The exporter looks at services as a worker does; it runs none of the front.
TOOLS = {'arg_parser', 'model_loader', 'client', 'management_command', 'predict_command',
         'from_onnx', 'exporter', 'export_model'}

WINGS = {'Front process: gevent, WSGI, never MXNet': FRONT,
         'Model process: MXNet and the service': MODEL,
         'Tools: commands and clients': TOOLS}
GROUND_TITLE = 'Common ground'

MARGIN, GAP, TITLE = 24, 36, 34
BOX_WIDTH, BOX_HEIGHT, BOX_GAP, ROW_GAP = 142, 44, 16, 40

Graph = Mapping[str, set[str]]


class Box(NamedTuple):
    """Where a part stands, in pixels from the picture's top left."""

    x: int
    y: int


class Column(NamedTuple):
    """A wing: its parts, row by row from the top."""

    title: str
    rows: list[list[str]]

    @property
    def width(self) -> int:
        """In pixels."""
        most = max(map(len, self.rows))
        return max(most * (BOX_WIDTH + BOX_GAP) - BOX_GAP, 8 * len(self.title)) + 2 * MARGIN

    @property
    def height(self) -> int:
        """In pixels."""
        return len(self.rows) * (BOX_HEIGHT + ROW_GAP) - ROW_GAP + TITLE + 2 * MARGIN


def modules() -> dict[str, list[Path]]:
    """Part of the package -> its files."""
    parts: dict[str, list[Path]] = {}
    for path in sorted((ROOT / 'mms').rglob('*.py')):
        inside = path.relative_to(ROOT / 'mms')
        if str(inside) != '__init__.py':
            parts.setdefault(inside.parts[0].removesuffix('.py'), []).append(path)
    return parts


def imported(path: Path) -> Iterator[str]:
    """Parts of the package that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.ImportFrom) and node.module == 'mms':
            yield from (alias.name for alias in node.names if alias.name in FLOORS)
        elif isinstance(node, ast.ImportFrom) and (node.module or '').startswith('mms.'):
            yield str(node.module).split('.')[1]
        elif isinstance(node, ast.Import):
            yield from (alias.name.split('.')[1] for alias in node.names
                        if alias.name.startswith('mms.'))


def graph() -> dict[str, set[str]]:
    """Part -> the other parts that it imports."""
    return {part: {name for path in paths for name in imported(path)} - {part}
            for part, paths in modules().items()}


def column(title: str, wing: set[str], imports: Graph) -> Column:
    """A wing, in which each part stands above all that it imports."""
    level: dict[str, int] = {}
    for part in [name for name in FLOORS if name in wing]:
        below = [level[name] for name in imports[part] if name in level]
        level[part] = max(below, default=-1) + 1
    rows = [[part for part in FLOORS if level.get(part) == number]
            for number in range(max(level.values()), -1, -1)]
    return Column(title, rows)


def direct(wing: set[str], imports: Graph) -> Iterator[tuple[str, str]]:
    """Imports inside a wing, without those that another way says already."""
    for part in sorted(wing):
        inside = imports[part] & wing
        for name in sorted(inside):
            others = inside - {name}
            if not any(name in reachable(other, imports) for other in others):
                yield part, name


def reachable(part: str, imports: Graph) -> set[str]:
    """All parts that a part imports, or that those import."""
    found: set[str] = set()
    waiting = [part]
    while waiting:
        for name in imports[waiting.pop()] - found:
            found.add(name)
            waiting.append(name)
    return found


def placed(one: Column, left: int, top: int) -> dict[str, Box]:
    """Where each part of a wing stands."""
    boxes = {}
    for number, row in enumerate(one.rows):
        width = len(row) * (BOX_WIDTH + BOX_GAP) - BOX_GAP
        x = left + (one.width - width) // 2
        for part in row:
            boxes[part] = Box(x, top + TITLE + MARGIN + number * (BOX_HEIGHT + ROW_GAP))
            x += BOX_WIDTH + BOX_GAP
    return boxes


def frame(title: str, left: int, top: int, width: int, height: int) -> str:
    """The outline of a wing."""
    return (f'<rect class="wing" x="{left}" y="{top}" width="{width}" height="{height}" rx="8"/>'
            f'<text class="title" x="{left + width // 2}" y="{top + 24}">{title}</text>')


def drawn_box(part: str, box: Box, files: int) -> str:
    """One part."""
    count = f'{files} modules' if files > 1 else '1 module'
    middle = box.x + BOX_WIDTH // 2
    return (f'<rect class="part" x="{box.x}" y="{box.y}" width="{BOX_WIDTH}" '
            f'height="{BOX_HEIGHT}" rx="4"/>'
            f'<text class="name" x="{middle}" y="{box.y + 19}">{part}</text>'
            f'<text class="count" x="{middle}" y="{box.y + 35}">{count}</text>')


def drawn_import(upper: Box, lower: Box) -> str:
    """An arrow from a part to one that it imports."""
    x1, y1 = upper.x + BOX_WIDTH // 2, upper.y + BOX_HEIGHT
    x2, y2 = lower.x + BOX_WIDTH // 2, lower.y - 3
    bend = ROW_GAP // 2 + 4
    return (f'<path class="import" d="M{x1} {y1} C{x1} {y1 + bend} {x2} {y2 - bend} {x2} {y2}" '
            'marker-end="url(#tip)"/>')


STYLE = '''<style>
text { font-family: sans-serif; text-anchor: middle; fill: #1f2933; }
.title { font-size: 15px; font-weight: bold; }
.name { font-size: 13px; }
.count { font-size: 11px; fill: #52606d; }
.wing { fill: #f5f7fa; stroke: #9aa5b1; }
.part { fill: #ffffff; stroke: #3e4c59; }
.import { fill: none; stroke: #2b6cb0; stroke-width: 1.2; opacity: 0.75; }
.start { fill: none; stroke: #c05621; stroke-width: 1.6; stroke-dasharray: 6 4; }
.note { font-size: 12px; fill: #c05621; }
</style>
<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7"
orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="#2b6cb0"/></marker></defs>'''


def picture() -> str:
    """The whole picture, as SVG."""
    imports, files = graph(), modules()
    columns = [column(title, wing, imports) for title, wing in WINGS.items()]
    ground = column(GROUND_TITLE, GROUND, imports)
    width = max(sum(one.width for one in columns) + GAP * (len(columns) - 1), ground.width)
    tallest = max(one.height for one in columns)
    below = MARGIN + tallest + GAP + 20
    drawing, boxes, left = [], {}, MARGIN
    for one in columns:
        drawing.append(frame(one.title, left, MARGIN, one.width, tallest))
        boxes.update(placed(one, left, MARGIN + tallest - one.height))
        left += one.width + GAP
    drawing.append(frame(GROUND_TITLE, MARGIN, below, width, ground.height))
    boxes.update(placed(ground._replace(title=' ' * (width // 8)), MARGIN, below))
    middle = MARGIN + width // 2
    drawing.append(f'<text class="note" x="{middle}" y="{below - 14}">'
                   'each wing stands on the ground; none imports another, but the tools a model '
                   'process; pool starts worker.main and speaks with it through ipc</text>')
    for wing in (*WINGS.values(), GROUND):
        drawing += [drawn_import(boxes[upper], boxes[lower])
                    for upper, lower in direct(wing, imports)]
    drawing += [drawn_box(part, box, len(files[part])) for part, box in boxes.items()]
    size = f'{width + 2 * MARGIN} {below + ground.height + MARGIN}'
    lines = '\n'.join(drawing)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}">\n'
            f'<rect width="100%" height="100%" fill="#ffffff"/>\n{STYLE}\n{lines}\n</svg>\n')


def main() -> int:
    """Write the picture, or say whether it is the one of the code."""
    parser = argparse.ArgumentParser(description='Draw docs/architecture.svg from the imports of '
                                                 'the package.')
    parser.add_argument('--check', action='store_true',
                        help='write nothing; exit 1 when the picture is out of date')
    if parser.parse_args().check:
        return int(PICTURE.read_text(encoding='utf-8') != picture())
    PICTURE.write_text(picture(), encoding='utf-8')
    return 0


if __name__ == '__main__':
    sys.exit(main())
