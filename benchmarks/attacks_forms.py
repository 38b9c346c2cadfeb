"""What forms, JSON and Python literals made to be expensive cost a worker.

::

    python benchmarks/attacks_forms.py
    python benchmarks/attacks_forms.py --seconds 120 --seed 7

Each body is read as a worker reads it, in a process of its own whose memory has a limit. First come
those that are known, then, with --seconds, made-up ones: the worst of them are changed further.
Memory is what the process grows by at its peak, beside the body; time is that of its thread.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import os
import random
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from mms.errors import RequestError
from mms.ipc.request import CLASSIC, Request
from mms.worker.codecs.form import read_form
from mms.worker.codecs.inputs import read_inputs

LIST = {'input_type': 'application/json', 'inputs': [{'data_name': 'data'}]}
PICTURE = {**LIST, 'input_type': 'image/jpeg'}
URLENCODED = 'application/x-www-form-urlencoded'
MULTIPART = 'multipart/form-data; boundary=x'
FIELD = b'Content-Disposition: form-data; name="data"'
MOST_BYTES = 16 * 1024**3
LONGEST_S = 60
KEPT = 12
SHOWN = 15


class Body(NamedTuple):
    """A body to be made: so many repetitions of a middle between two ends."""

    name: str
    kind: str
    before: bytes
    unit: bytes
    after: bytes
    signature: dict = LIST

    def made(self, size: int) -> bytearray:
        """About so many bytes."""
        times = max(1, (size - len(self.before) - len(self.after)) // max(1, len(self.unit)))
        return bytearray(self.before + self.unit * times + self.after)


class Cost(NamedTuple):
    """What one body took."""

    body: Body
    size: int
    memory: int
    seconds: float
    answer: str

    @property
    def bytes_a_byte(self) -> float:
        """Peak memory for each byte of the body."""
        return self.memory / self.size

    @property
    def megabytes_a_second(self) -> float:
        """Speed."""
        return self.size / 1e6 / max(self.seconds, 1e-6)


def part(name: str, before: bytes, unit: bytes, after: bytes = b'', head: bytes = FIELD,
         signature: dict = LIST) -> Body:
    """A multipart form of one part."""
    return Body(name, MULTIPART, b'--x\r\n' + head + b'\r\n\r\n' + before, unit,
                after + b'\r\n--x--\r\n', signature)


def known() -> Iterator[Body]:
    """Those that were expensive once, and their kin."""
    for text in (b'0,', b'-6,', b'257,', b'0.1,', b'1e1,', b'[],', b'[0],', b'[0.1],', b'{},',
                 b'{"":0},', b'"",', b'"ab",', b'[5.1, 3.5, 1.4, 0.2], ', b'[0.12345678],',
                 b'0.12345678901234567, ', b'[[[[[[0]]]]]],', b'12345678901234567890,'):
        shown = text.decode()
        yield part(f'JSON [{shown}...]', b'[', text, text.rstrip(b', ') + b']')
        yield part(f'JSON [{{"a": [{shown}...]}}]', b'[{"a":[', text, text.rstrip(b', ') + b']}]')
    yield part('JSON of one text', b'["', b'a', b'"]')
    yield part('JSON of one text with a smile', b'["\xf0\x9f\x98\x80', b'a', b'"]')
    yield part('JSON, wrong at its end', b'[', b'0.1,', b'x]')
    yield part('JSON, open brackets', b'[', b'[')
    yield part('JSON, quotes', b'[', b'"')
    yield part('JSON, one integer', b'[', b'1', b']')
    yield part("literal ['a', 1,1,...]", b"['a',", b'1,', b'1]')
    yield part("literal ['\\'', 1,1,...]", b"['\\'',", b'1,', b'1]')
    for unit in (b'\\n', b'\n', b'\\x41', b"\\'", b'\\\\', b'\\d', b'\\N{BULLET}', b'[', b'-a',
                 b'\xc3\xa9'):
        yield part(f"literal ['{unit!r}...']", b"['", unit, b"']")
    for unit in (b"'ab',", b"'ab' ", b'True,', b'(1, 2), ', b"{'a': 1},", b'#\n', b'1_', b'(',
                 b'a'):
        yield part(f'literal [{unit!r}...]', b"['',", unit, b']')
    same_hash = [str(number * (2**61 - 1)).encode() for number in range(40_000)]
    yield part('literal {numbers of one hash}', b"['',{", b','.join(same_hash) + b',', b'0}]')
    yield part('literal {numbers of one hash: 0}', b"['',{", b':0,'.join(same_hash) + b':0,',
               b'0:0}]')
    for unit in (b'%', b'%41', b'%FF', b'%FFa', b'%zz', b'+', b'=', b'&', b'A%0A'):
        yield Body(f'urlencoded {unit.decode()}', URLENCODED, b'data=', unit, b'')
        yield Body(f'urlencoded picture {unit.decode()}', URLENCODED, b'data=', unit, b'', PICTURE)
    yield Body('urlencoded name', URLENCODED, b'', b'n', b'=1')
    yield Body('urlencoded base64', URLENCODED, b'data=', base64.b64encode(b'\xff\xd8\xff'), b'',
               PICTURE)
    head = b'--x\r\n' + FIELD
    last = b'\r\n\r\n[1]\r\n--x--\r\n'
    for unit in (b'\r\na: b', b'\r\n ', b';', b'\n', b'\\"'):
        yield Body(f'head {unit!r}', MULTIPART, head, unit, last)
    yield Body('name of a part', MULTIPART, head[:-1], b'n', b'"' + last)
    for unit in (b'\n', b'\r\n--', b'\r\n--xa', b'--x ', b'\0'):
        yield part(f'data {unit!r}', b'', unit)
        yield Body(f'preamble {unit!r}', MULTIPART, b'', unit, b'\r\n' + head + last)
        yield Body(f'no end {unit!r}', MULTIPART, head + b'\r\n\r\n', unit, b'')
    yield Body('parts', MULTIPART, b'', head + b'\r\n\r\n1\r\n', b'--x--')


PIECES = (b'[', b']', b'{', b'}', b'(', b')', b',', b':', b'"', b"'", b'\\', b'\\\\', b'0', b'1',
          b'-', b'.5', b'0.1', b'1e5', b'-6', b'257', b'a', b'ab', b'""', b"''", b'"ab"',
          b"'ab'", b'[]', b'{}', b'{"":0}', b'[0]', b'null', b'True', b' ', b'\n', b'\r', b'\t',
          b'#', b'\xc3\xa9', b'\xf0\x9f\x98\x80', b'\xff', b'\\u0101', b'\\x41', b'\\n', b'%',
          b'%41', b'%FF', b'%C3%A9', b'+', b'&', b'=', b';', b'--', b'--x', b'\r\n--x', b'\r\n',
          b'\r\n\r\n', FIELD, b'name*0=a', b'b64,', b'NaN', b'12345678901234567890')
# What a made-up text lies between.
ENDS = ((b'[', b'0]'), (b'["",', b'0]'), (b"['',", b'0]'), (b'["', b'"]'), (b"['", b"']"),
        (b"['\\x41", b"']"), (b'[{"a":[', b'0]}]'), (b'', b''))


def made_up(chance: random.Random, best: Sequence[Body]) -> Body:
    """A new body, or a changed one of the worst so far."""
    if best and chance.random() < 0.6:
        body = chance.choice(best)
        field = chance.choice(('before', 'unit', 'after'))
        pieces = bytearray(getattr(body, field))
        place = chance.randrange(len(pieces) + 1)
        pieces[place:place + chance.randrange(4)] = chance.choice((b'', *PIECES))
        return body._replace(**{'name': 'made up', field: bytes(pieces)})
    unit = b''.join(chance.choice(PIECES) for _ in range(chance.randrange(1, 6)))
    before, after = chance.choice(ENDS)
    if chance.random() < 0.3:
        return Body('made up', URLENCODED, b'data=' + before, unit, after,
                    chance.choice((LIST, PICTURE)))
    if chance.random() < 0.2:
        return Body('made up', MULTIPART, b'--x\r\n' + FIELD, unit, b'\r\n\r\n1\r\n--x--\r\n')
    return part('made up', before, unit, after, signature=chance.choice((LIST, LIST, PICTURE)))


def cost_of(body: Body, size: int) -> Cost:
    """Read it in a process of its own."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        with contextlib.suppress(BaseException):
            os.close(reading)
            os.write(writing, _read(body, size).encode())
        os._exit(0)
    os.close(writing)
    with open(reading, encoding='utf-8') as pipe:
        words = pipe.read().split(' ', 3)
    os.waitpid(pid, 0)
    if len(words) < 4:
        return Cost(body, size, MOST_BYTES, LONGEST_S, f'no answer in {LONGEST_S} s, or killed')
    return Cost(body, int(words[0]), int(words[1]), float(words[2]), words[3])


def _read(body: Body, size: int) -> str:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (LONGEST_S, LONGEST_S))
    request = Request(CLASSIC, body.kind, body.made(size))
    Path('/proc/self/clear_refs').write_text('5')
    before, start = _peak(), time.thread_time()
    try:
        read_inputs(read_form(request, body.signature), body.signature, 10**8)
        answer = '200'
    except RequestError as error:
        answer = f'{error.status} {str(error)[:150]}'
    except BaseException as error:
        answer = f'500 {type(error).__name__}'
    seconds = time.thread_time() - start
    return f'{len(request.body)} {_peak() - before} {seconds} {answer}'


def _peak() -> int:
    """Largest memory since it was cleared: that of `resource` is a parent's too."""
    lines = Path('/proc/self/status').read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith('VmHWM'))


def report(title: str, costs: Sequence[Cost], limit: int = SHOWN) -> None:
    """The first ones, as a table."""
    print(f'\n{title}')
    for cost in costs[:limit]:
        text = cost.body.name
        if text == 'made up':
            text = f'{cost.body.before[-40:]!r} {cost.body.unit!r}* {cost.body.after[:20]!r}'
        print(f'{cost.bytes_a_byte:8.2f} bytes a byte {cost.megabytes_a_second:9.1f} MB/s '
              f'{cost.size / 1e6:6.1f} MB  {text[:90]}  -> {cost.answer[:90]}')


def search(seconds: float, size: int, seed: int) -> list[Cost]:
    """Make bodies up for so long; all that were read."""
    chance = random.Random(seed)
    costs: list[Cost] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        by_memory = sorted(costs, key=lambda cost: -cost.bytes_a_byte)[:KEPT]
        by_time = sorted(costs, key=lambda cost: cost.megabytes_a_second)[:KEPT]
        body = made_up(chance, [cost.body for cost in (*by_memory, *by_time)])
        costs.append(cost_of(body, size))
    return costs


def main() -> int:
    """Print what they cost, and the worst."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--megabytes', type=float, default=16, help='of a body (default: 16)')
    parser.add_argument('--seconds', type=float, default=0, help='to make bodies up (default: 0)')
    parser.add_argument('--seed', type=int, default=0, help='of the made-up ones (default: 0)')
    options = parser.parse_args()
    size = int(options.megabytes * 1e6)
    costs = [cost_of(body, size) for body in known()]
    report('Known', costs, len(costs))
    costs += search(options.seconds, size, options.seed)
    report('Most memory', sorted(costs, key=lambda cost: -cost.bytes_a_byte))
    report('Slowest', sorted(costs, key=lambda cost: cost.megabytes_a_second))
    wrong = [cost for cost in costs if cost.answer.startswith('500')]
    report('Faults of the server', wrong)
    return bool(wrong)


if __name__ == '__main__':
    sys.exit(main())
