"""Many small models in one server."""

from __future__ import annotations

from models import SMALL
from report import lines, number
from sections import Figure, Section

from parts.run import Run, told
from parts.startup import Start, start

HEAD = ('models', 'contender', 'setting', 'ready, s', 'CPU, s', 'memory, MB', 'one more model, s',
        'one more model, MB', 'idle, of a core')
LEGEND = """\
*ready* and *CPU*: from the start to a healthy answer; *memory*: of all processes, after an answer
of each model. *One more model*: the difference to a server with one, divided by the others. *Idle*:
processor time of all processes while nobody asks."""


def measure(run: Run) -> list[Section]:
    """Return the table of one small archive, served under many names."""
    count, built = run.lengths.models, run.built(SMALL)
    rows, figures = [], []
    for contender in run.contenders:
        with told(f'{count} models, {contender.name}'):
            one: Start = start(contender, {'m0': built})
            many = start(contender, {f'm{index}': built for index in range(count)},
                         run.lengths.idle_s)
            rows.append((str(count), contender.name, str(contender.lean()), number(many.ready_s),
                         number(many.cpu_s), f'{many.memory_mb:.0f}',
                         f'{(many.ready_s - one.ready_s) / (count - 1):.2f}',
                         f'{(many.memory_mb - one.memory_mb) / (count - 1):.1f}',
                         f'{many.idle_cores:.1%}'))
            figures += [Figure(f'{count} small models, start to ready, s', contender.name,
                               many.ready_s),
                        Figure(f'{count} small models, memory, MB', contender.name,
                               many.memory_mb)]
    table = lines([HEAD, ('---:', '---', '---', *['---:'] * 6), *rows])
    return [Section('many', 'Many models', table, LEGEND, tuple(figures))]
