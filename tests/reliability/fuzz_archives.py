"""Archives that somebody has spoiled on purpose: each opens, or is refused in one line.

    python tests/reliability/fuzz_archives.py --inputs 5000 --seed 1

Each input is a real archive with one to three changes: of its bytes, of its structure, or of a
member. A process of its own with a limit of memory opens it as the server does, and looks at it as
``mxnet-model-export --inspect`` does.
"""

import argparse
import io
import json
import os
import random
import resource
import shutil
import signal
import struct
import sys
import tempfile
import time
import zipfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / 'tests' / 'fixtures' / 'mms04'
MEMORY_BYTES = 3 * 1024**3
SECONDS = 20
LONGEST_LINE = 2000

ODD_NAMES = [
    '..', '.', '/', '/etc/passwd', '../../evil', 'C:\\x', 'C:x', '\\\\host\\share\\x', 'a\0b',
    'x' * 300, 'x' * 60000, '\u202eleak', '\ud7ff', 'CON', 'A', 'a', 'ä', 'a\u0308', '\n',
    'MANIFEST.json/', 'sub/MANIFEST.json', 'signature.json ', '', ' ', '-rf', '~', '%s']
ODD_VALUES = [
    'null', 'true', '0', '-1', '1e999', 'NaN', '-Infinity', '1' * 5000, '"\\ud800"', '"x"', '[]',
    '{}', '[' * 3000, '{"a":' * 3000, '""', '"../../etc/passwd"', '"/dev/zero"', '"/proc/self/mem"',
    '9' * 400, '1.5', '"\\u0000"', '"a\\nb"', '[0,-1]', '[1e400]', '[[[[0]]]]', '["\\ud800"]',
    f'[{",".join(["0"] * 5000)}]', f'"{"y" * 5000}"']
ODD_SERVICES = [
    b'\0', b'\xff\xfe', b'# coding: nonsense\n', b'# coding: utf-7\n+AAA-\n', b'(' * 20000,
    b'-' * 50000 + b'1', b'[' * 90 + b']' * 90, b'x' + b'.x' * 20000, b'def f(\n',
    b'class A(A): pass\n', b'class A(B): pass\nclass B(A): pass\n', b'from service import *\n',
    b'import ' + b'a.' * 5000 + b'b\n', b'if 1:\n' * 1000, b'x = ' + b'9' * 100000, b'\t \tx\n',
    b''.join(b' ' * n + b'if 1:\n' for n in range(98)) + b' ' * 98 + b'pass\n',
    b'lambda:' * 5000 + b'0', b'f"{' * 200,
    b'class S(' + b','.join(b'C%d' % n for n in range(20000)) + b'): pass\n']


class Fuzzer:
    """Makes spoiled archives, the same ones of the same seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.archives = [path.read_bytes() for path in sorted(FIXTURES.glob('*.model'))
                         if path.stat().st_size < 2**20]

    def make(self):
        """Names of what was done, and the bytes."""
        data = self.random.choice(self.archives)
        done = []
        for _ in range(self.random.choice((1, 1, 1, 2, 3))):
            change = self.random.choice(self.CHANGES)
            done.append(change.__name__)
            try:
                data = change(self, data)
            except Exception:
                # What an earlier change has left cannot be taken apart.
                data = self.bytes_flipped(data)
            if len(data) > 2**22:
                # Tens of thousands of members; the next change would take it apart again.
                break
        return '+'.join(done), data

    # ---- of the bytes

    def bytes_flipped(self, data):
        made = bytearray(data)
        for _ in range(self.random.choice((1, 1, 5, 50))):
            if made:
                made[self.random.randrange(len(made))] = self.random.randrange(256)
        return bytes(made)

    def cut_off(self, data):
        return data[:self.random.randrange(len(data) + 1)]

    def begun_late(self, data):
        return data[self.random.randrange(len(data) + 1):]

    def padded(self, data):
        more = self.random.choice((b'\0' * 4096, b'#!/bin/sh\n', b'PK\x05\x06' + b'\0' * 18,
                                   b'PK\x03\x04' * 1000, data))
        return more + data if self.random.random() < 0.5 else data + more

    def end_spoiled(self, data):
        """Counts, sizes, offsets and the comment of the end of the directory."""
        at = data.rfind(b'PK\x05\x06')
        if at < 0:
            return self.cut_off(data)
        fields = list(struct.unpack('<4s4H2LH', data[at:at + 22]))
        field = self.random.randrange(1, 8)
        most = 2**32 if field in (5, 6) else 2**16
        fields[field] = self.random.choice((0, 1, most - 1, most - 2, most // 2,
                                            self.random.randrange(most)))
        return data[:at] + struct.pack('<4s4H2LH', *fields) + data[at + 22:]

    def header_spoiled(self, data, magic=b'PK\x03\x04', size=30):
        places = [at for at in range(len(data) - size) if data[at:at + 4] == magic]
        if not places:
            return self.bytes_flipped(data)
        at = self.random.choice(places) + self.random.randrange(4, size)
        value = self.random.choice((b'\0\0', b'\xff\xff', b'\x01\x00', b'\x00\x80', b'\x63\x00',
                                    b'\x08\x00', b'\x0c\x00', b'\x0e\x00'))
        return data[:at] + value + data[at + 2:]

    def entry_spoiled(self, data):
        return self.header_spoiled(data, b'PK\x01\x02', 46)

    def ended_in_zip64(self, data):
        at = data.rfind(b'PK\x05\x06')
        odd = self.random.choice((0, 1, 2**63, 2**64 - 1, at, len(data) * 10))
        end = struct.pack('<4sQ2H2L4Q', b'PK\x06\x06', 44, 45, 45, 0, 0, odd,
                          self.random.choice((0, 5, 2**40)), odd, self.random.choice((0, 2**63)))
        return data[:at] + end + struct.pack('<4sLQL', b'PK\x06\x07', 0, at, 1) + data[at:]

    # ---- of the structure

    def rewritten(self, data, change=lambda archive: None, spoil=lambda name, contents: contents):
        out = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, 'w') as new:
            for info in old.infolist():
                new.writestr(info.filename, spoil(info.filename, old.read(info)),
                             self.random.choice((0, 8, 8, 12, 14)))
            change(new)
        return out.getvalue()

    def odd_name_added(self, data):
        name = self.random.choice(ODD_NAMES)
        return self.rewritten(data, lambda new: new.writestr(name or 'x', b'odd'))

    def special_added(self, data):
        def add(new):
            info = zipfile.ZipInfo(self.random.choice(('link', 'synset.txt', 'signature.json')))
            info.external_attr = self.random.choice((0o120777, 0o10644, 0o20644, 0o60644, 0o140644,
                                                     0o40755, 0o104755, 0)) << 16
            new.writestr(info, '/etc/passwd')
        return self.rewritten(data, add)

    def many_added(self, data):
        count = self.random.choice((100, 10_001, 70_000))
        if count > 100 and self.random.random() < 0.9:
            count = 100
        return self.rewritten(data, lambda new: [new.writestr(f'{n}', b'') for n in range(count)])

    def claim_spoiled(self, data):
        """What the list says of a member, and its header does not."""
        def claim(new):
            info = self.random.choice(new.filelist)
            field = self.random.choice(('file_size', 'compress_size', 'header_offset', 'CRC',
                                        'compress_type', 'flag_bits'))
            wide = 2**16 if field in ('compress_type', 'flag_bits') else 2**32
            setattr(info, field, self.random.choice((0, 1, wide - 1, wide // 2, 12, 14,
                                                     self.random.randrange(wide))))
        return self.rewritten(data, claim)

    def overlapping(self, data):
        def overlap(new):
            for number in range(self.random.choice((1, 50, 2000))):
                twin = zipfile.ZipInfo(f'twin{number}')
                for field in ('header_offset', 'compress_size', 'file_size', 'CRC',
                              'compress_type'):
                    setattr(twin, field, getattr(new.filelist[0], field))
                new.filelist.append(twin)
        return self.rewritten(data, overlap)

    def bomb_added(self, data):
        def add(new):
            kind = self.random.choice((8, 12, 14))
            new.writestr('zeros', bytes(self.random.choice((10**6, 10**7, 5 * 10**7))), kind)
            if self.random.random() < 0.7:
                new.getinfo('zeros').file_size = self.random.choice((0, 10, 2**20, 2**32 - 1))
        return self.rewritten(data, add)

    def nested(self, data):
        return self.rewritten(data, lambda new: new.writestr('inner.model', data))

    # ---- of a member

    def text_spoiled(self, data, member='MANIFEST.json'):
        def spoil(name, contents):
            if name != member:
                return contents
            text = contents.decode()
            kind = self.random.randrange(5)
            if kind == 0:
                return self.random.choice((*ODD_VALUES, '', '\ufeff' + text, text * 2)).encode(
                    'utf-8', 'surrogatepass')
            value = self.random.choice(ODD_VALUES)
            fields = [at for at in range(len(text)) if text[at] == ':']
            if kind == 1 and fields:
                at = self.random.choice(fields)
                return f'{text[:at]}: {value}, "spoiled": {text[at + 1:]}'.encode()
            if kind == 2:
                parsed = json.loads(text)
                self._put(parsed, value)
                return json.dumps(parsed).replace('"@odd@"', value).encode()
            if kind == 3:
                return text.encode(self.random.choice(('utf-16', 'utf-32', 'utf-8-sig')))
            return self.bytes_flipped(contents)
        return self.rewritten(data, spoil=spoil)

    def _put(self, value, _odd):
        """One value, wherever it stands, becomes an odd one."""
        while True:
            keys = list(value) if isinstance(value, dict) else list(range(len(value)))
            if not keys:
                return
            key = self.random.choice(keys)
            if not isinstance(value[key], (dict, list)) or self.random.random() < 0.2:
                value[key] = '@odd@'
                return
            value = value[key]

    def signature_spoiled(self, data):
        return self.text_spoiled(data, 'signature.json')

    def symbol_spoiled(self, data):
        with zipfile.ZipFile(io.BytesIO(data)) as old:
            names = [name for name in old.namelist() if name.endswith('-symbol.json')]
        return self.text_spoiled(data, names[0]) if names else self.signature_spoiled(data)

    def params_spoiled(self, data):
        def spoil(name, contents):
            if not name.endswith('.params'):
                return contents
            made = bytearray(contents)
            at = self.random.choice((0, 8, 16, 24, 28, 32, 36, 40, 48))
            width = self.random.choice((1, 4, 8))
            made[at:at + width] = self.random.choice((b'\xff', b'\0', b'\x80', b'\x7f')) * width
            return bytes(made[:self.random.choice((len(made), len(made) // 2, at + 1))])
        return self.rewritten(data, spoil=spoil)

    def labels_spoiled(self, data):
        text = self.random.choice((b'\xff' * 1000, b'x' * 10**6, b'\n' * 10**6, b'a\0b\n', b''))
        return self.rewritten(data, lambda new: new.writestr('synset.txt', text))

    def service_spoiled(self, data):
        odd = self.random.choice(ODD_SERVICES)
        return self.rewritten(
            data, spoil=lambda name, contents: odd if name.endswith('.py') else contents)

    CHANGES = [bytes_flipped, cut_off, begun_late, padded, end_spoiled, end_spoiled,
               header_spoiled, header_spoiled, entry_spoiled, entry_spoiled, ended_in_zip64,
               odd_name_added, special_added, many_added, claim_spoiled, claim_spoiled,
               overlapping, bomb_added, nested, text_spoiled, text_spoiled, signature_spoiled,
               signature_spoiled, symbol_spoiled, params_spoiled, labels_spoiled, service_spoiled]


class Slow(Exception):
    """An input takes too long."""


def _alarm(_signal, _frame):
    raise Slow


def tree(folder):
    """All that is below a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob('*'))


def outcome(archive, workspace):
    """What the package makes of an archive: the class of its refusal, or that it opened.

    Raises
    ------
    AssertionError
        It breaks a promise.
    """
    from mms.archive.contents import contents_of
    from mms.archive.location import Location
    from mms.archive.reader import open_model
    from mms.errors import ArchiveError
    from mms.exporter.inspection import inspect_folder

    contents_of(str(archive))
    try:
        model = open_model('net', Location.parse(str(archive)), str(workspace))
    except ArchiveError as error:
        message = str(error)
        assert message.isprintable(), message
        assert len(message) < LONGEST_LINE, message
        assert not os.listdir(workspace), 'something is left in the workspace'
        return type(error).__name__
    found = inspect_folder(model.model_dir, 'it')
    assert '\n' not in found.refusal, found.refusal
    assert len(found.refusal) < LONGEST_LINE, found.refusal
    shutil.rmtree(Path(model.model_dir).parent)
    return 'opened, not served' if found.refusal else 'opened'


def run(inputs, seed, keep=None):
    """Try so many; how they ended, and those that broke a promise: (number, changes, why)."""
    fuzzer, outcomes, broken, slowest = Fuzzer(seed), Counter(), [], 0.0
    signal.signal(signal.SIGALRM, _alarm)
    with tempfile.TemporaryDirectory(prefix='fuzz-') as text:
        folder = Path(text)
        workspace, archive = folder / 'workspace', folder / 'it.model'
        workspace.mkdir()
        before = resource.getrlimit(resource.RLIMIT_AS)
        for number in range(inputs):
            changes, data = fuzzer.make()
            archive.write_bytes(data)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, before[1]))
            began = time.monotonic()
            signal.alarm(SECONDS)
            try:
                outcomes[outcome(archive, workspace)] += 1
                assert tree(folder) == ['it.model', 'workspace'], tree(folder)
            except (Exception, Slow) as error:
                broken.append((number, changes, f'{type(error).__name__}: {error}'[:300]))
                if keep:
                    Path(keep, f'{seed}-{number}.model').write_bytes(data)
                shutil.rmtree(workspace, ignore_errors=True)
                workspace.mkdir()
            finally:
                signal.alarm(0)
                resource.setrlimit(resource.RLIMIT_AS, before)
            slowest = max(slowest, time.monotonic() - began)
    return outcomes, broken, slowest


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--inputs', type=int, default=5000)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--keep', metavar='DIR', help='folder for the inputs that break a promise')
    args = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    outcomes, broken, slowest = run(args.inputs, args.seed, args.keep)
    for name, count in outcomes.most_common():
        print(f'{count:7}  {name}')
    for number, changes, why in broken:
        print(f'BROKEN  {number}  {changes}: {why!a}')
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f'{args.inputs} inputs, {len(broken)} broken promises, {slowest:.1f} s for the slowest, '
          f'{most:.0f} MB at most')
    return 1 if broken else 0


if __name__ == '__main__':
    sys.exit(main())
