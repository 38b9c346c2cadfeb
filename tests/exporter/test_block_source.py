"""The source of classes, as far as it can be had: also of cells of a notebook."""

import linecache
import sys
import types
from itertools import count

import pytest

from mms.exporter.networks.block_source import NoSource, source_of, takes_no_arguments

NUMBERS = count()


def notebook(*cells):
    """The names of a notebook whose cells were run."""
    module = types.ModuleType('notebook_of_a_test')
    sys.modules[module.__name__] = module
    for cell in cells:
        name = f'<cell {next(NUMBERS)}>'
        linecache.cache[name] = len(cell), None, cell.splitlines(keepends=True), name
        exec(compile(cell, name, 'exec'), vars(module))
    return vars(module)


@pytest.fixture(autouse=True)
def forgotten():
    yield
    sys.modules.pop('notebook_of_a_test', None)


def run_elsewhere(source):
    names = {'__name__': 'elsewhere'}
    exec(source, names)
    return names


def test_what_a_class_uses_comes_with_it_in_the_order_of_need():
    names = notebook(
        'import math\nfrom json import dumps as text\nSCALE, unused = 3, object()\n'
        'def scaled(value):\n    return [SCALE * each for each in value]\n',
        'def same(function):\n    return function\n'
        'class Base:\n    factor = SCALE + 1\n    def __init__(self, start=SCALE):\n'
        '        self.start = start\n',
        'class Net(Base):\n    @same\n    def run(self, value):\n        unused = self.start\n'
        '        return text(scaled([math.floor(value), unused]))\n')
    found = run_elsewhere(source_of(names['Net']))
    assert found['Net']().run(2.5) == names['Net']().run(2.5) == '[6, 9]'
    assert found['Net'].factor == 4
    assert 'unused' not in found


def test_the_last_definition_of_a_cell_counts_and_decorators_go_along():
    names = notebook('class Net:\n    def run(self):\n        return 1\n',
                     'def marked(cls):\n    cls.mark = 5\n    return cls\n'
                     '@marked\nclass Net:\n    def run(self):\n        return 2\n')
    found = run_elsewhere(source_of(names['Net']))['Net']
    assert (found().run(), found.mark) == (2, 5)


@pytest.mark.parametrize(('cell', 'reason'), [
    ('data = object()\nclass Net:\n    def run(self):\n        return data\n',
     'it uses data, which is of object'),
    ('class Net:\n    def run(self):\n        return nothing\n',
     'it uses nothing, which is not there'),
    ('def make():\n    class Net:\n        def run(self):\n            return 1\n    return Net\n'
     'Net = make()\n', 'Net is not defined at the top of a cell or file'),
    ('Net = type("Net", (), {})\n', 'Net is not defined at the top of a cell or file')])
def test_what_cannot_be_written_down_is_told(cell, reason):
    names = notebook(cell)
    with pytest.raises(NoSource) as caught:
        source_of(names['Net'])
    assert str(caught.value) == reason


def test_a_class_that_has_to_be_told_something_is_known():
    class Told:
        def __init__(self, size):
            self.size = size

    class Free:
        def __init__(self, size=3, **more):
            self.size = size

    assert not takes_no_arguments(Told)
    assert takes_no_arguments(Free)
