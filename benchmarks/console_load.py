"""How much the console loads, and how soon it is seen.

::

    python benchmarks/console_load.py

A server with one small model is opened in headless Chromium, each time with an empty cache. The
first view is there when the card of the model is, with its state: after the page, its scripts and
both of its first questions. It takes Playwright and a Chromium: in the environment that ``make
test`` has made both are there. ``--chromium`` names another one.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Optional

from dense import build_archive
from processes import REPO, BenchmarkError
from scratch import in_scratch

FIRST_VIEW = '''() => new Promise((seen) => {
  const look = () => {
    const found = document.querySelector('.card .badge.state-ready');
    if (found) seen(performance.now()); else requestAnimationFrame(look);
  };
  look();
})'''
LOADED = '''() => performance.getEntriesByType('resource').concat(
  performance.getEntriesByType('navigation')).filter(
  (each) => !each.name.endsWith('/state') && !each.name.endsWith('/models')).map(
  (each) => each.encodedBodySize)'''
PAINT = '() => performance.getEntriesByName("first-contentful-paint")[0].startTime'


def serve(folder: Path) -> tuple[subprocess.Popen[str], str]:
    """A server, and its URL."""
    archive = build_archive(folder)
    process = subprocess.Popen(
        [sys.executable, '-m', 'mms', '--models', f'm={archive}', '--workers', '1', '--port', '0'],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    _, is_up, url = process.stdout.readline().partition(' at ')
    if not is_up:
        raise BenchmarkError('the server does not start')
    return process, url.split()[0]


def visit(browser: Any, url: str) -> tuple[float, float, int, int]:
    """Milliseconds to the first paint and to the first view; files, and their bytes."""
    context = browser.new_context()
    page = context.new_page()
    # The first page of a process that draws costs what every other page would.
    page.goto(f'{url}/ping')
    page.goto(f'{url}/console', wait_until='commit')
    view_ms = page.evaluate(FIRST_VIEW)
    sizes = page.evaluate(LOADED)
    paint_ms = page.evaluate(PAINT)
    context.close()
    return paint_ms, view_ms, len(sizes), sum(sizes)


@contextmanager
def opened(chromium: Optional[str]) -> Iterator[Any]:
    """The browser.

    Raises
    ------
    BenchmarkError
        There is none, or it does not start.
    """
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        raise BenchmarkError('Playwright is not installed: make test does it') from None
    path, environment = (chromium, dict(os.environ)) if chromium else browser_of_tests()
    see_that_it_runs(path, environment)
    with sync_playwright() as driver:
        try:
            browser = driver.chromium.launch(executable_path=path, env=environment,
                                             args=['--no-sandbox'])
        except Error as error:
            raise BenchmarkError(f'{path} does not start: {error.message.splitlines()[0]}'
                                 ) from None
        yield browser
        browser.close()


def browser_of_tests() -> tuple[str, dict[str, str]]:
    """Its path, and the variables with which it finds its libraries."""
    sys.path.append(str(REPO / 'tests'))
    from debian_programs import environment, path_of

    path = path_of('chromium')
    if path is None:
        raise BenchmarkError('there is no chromium: make test unpacks one, --chromium FILE names '
                             'another')
    return path, environment()


def see_that_it_runs(path: str, environment: Mapping[str, str]) -> None:
    """What it says itself of a library that is missing is a line; Playwright's, thirty."""
    try:
        done = subprocess.run([path, '--version'], env=environment, capture_output=True,
                              text=True, check=False)
    except OSError as error:
        raise BenchmarkError(f'{path} does not start: {error.strerror}') from None
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f'exit status {done.returncode}']
        raise BenchmarkError(f'{path} does not start: {said[-1]}')


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--visits', type=int, default=10, help='how often it is opened')
    parser.add_argument('--chromium', metavar='FILE',
                        help='the browser; by default the one of the tests')
    options = parser.parse_args()
    return in_scratch(lambda folder: run(folder, options.chromium, options.visits))


def run(folder: Path, chromium: Optional[str], visits: int) -> int:
    """Open the console so often, and print what that took."""
    with opened(chromium) as browser:
        process, url = serve(folder)
        try:
            measured = [visit(browser, url) for _ in range(visits)]
        finally:
            process.terminate()
            process.wait()
    _, _, files, size = measured[0]
    print(f'{files} files, {size / 1000:.1f} KB as they are sent')
    for place, name in enumerate(('first paint', 'first view')):
        times = sorted(row[place] for row in measured)
        print(f'{name}: median {statistics.median(times):.0f} ms, '
              f'{times[0]:.0f} to {times[-1]:.0f} ms')
    return 0


if __name__ == '__main__':
    sys.exit(main())
