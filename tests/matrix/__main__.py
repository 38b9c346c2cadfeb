"""Every Python here with the lowest and the highest NumPy allowed: ``make matrix``.

Makes a fresh environment for each in a temporary folder, runs the tests marked ``core``
in it, and prints a table. Exit status 1 if any failed.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fresh import HIGHEST, LOWEST, Fresh, Row
from supported import REPO, pythons, versions
from table import PAGE, table, write

LEFT_OUT = shutil.ignore_patterns('.git', '.venv', '*.egg-info', 'build', 'dist', '__pycache__',
                                  '.*_cache')


def main():
    words = arguments()
    with tempfile.TemporaryDirectory(prefix='mms-matrix-') as folder:
        rows = run(Path(folder), words)
    print(table(rows))
    if words.write:
        write(PAGE, rows)
    return 0 if rows and all(row.good for row in rows) else 1


def arguments():
    parser = argparse.ArgumentParser(prog='make matrix', description=__doc__)
    parser.add_argument('--only', nargs='*', default=versions(), metavar='3.X',
                        help='these Python versions alone')
    parser.add_argument('--jobs', type=int, default=1, help='so many environments at a time')
    parser.add_argument('--write', action='store_true', help='put the table into docs/install.md')
    return parser.parse_args()


def run(folder, words):
    """A Row for every environment, in the order of versions."""
    found = {version: python for version, python in pythons().items() if version in words.only}
    for version in words.only:
        if version not in found:
            print(f'There is no Python {version} here.', file=sys.stderr)
    if not found:
        return []
    checkout = Path(shutil.copytree(REPO, folder / 'checkout', ignore=LEFT_OUT))
    wheel = build(folder, checkout, next(iter(found.values())))
    files = core_files(checkout)

    def one(version, end):
        fresh = Fresh(folder / f'{version}-{end}', version, found[version], end)
        return attempt(fresh, wheel, checkout, files)

    with ThreadPoolExecutor(words.jobs) as pool:
        return list(pool.map(lambda pair: one(*pair), [
            (version, end) for version in found for end in (LOWEST, HIGHEST)]))


def build(folder, checkout, python):
    subprocess.run([python, '-m', 'pip', 'wheel', '--quiet', '--no-deps', '--wheel-dir',
                    str(folder), str(checkout)], check=True)
    [wheel] = folder.glob('*.whl')
    return wheel


def core_files(checkout):
    """Test files that say ``pytest.mark.core``; the others may need what is not installed."""
    return [path for path in sorted((checkout / 'tests').rglob('test_*.py'))
            if 'pytest.mark.core' in path.read_text(encoding='utf-8')]


def attempt(fresh, wheel, checkout, files):
    try:
        fresh.make(wheel)
        row = fresh.test(checkout, files)
    except RuntimeError as error:
        row = Row(fresh.version, fresh.end, 'not installed', '', 0, 1, 0)
        print(error, file=sys.stderr)
    print(f'Python {row.python}, NumPy {row.numpy}: {row.passed} passed, {row.failed} failed, '
          f'{row.skipped} skipped', file=sys.stderr)
    if not row.good:
        print(fresh.log.read_text()[-8000:], file=sys.stderr)
    return row


if __name__ == '__main__':
    sys.exit(main())
