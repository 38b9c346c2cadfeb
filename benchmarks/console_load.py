"""How much the console loads, and how soon it is seen.

::

    python benchmarks/console_load.py

A server with one small model is opened in headless Chromium, each time with an empty cache. The
first view is there when the card of the model is, with its state: after the page, its scripts and
both of its first questions. It takes Playwright (``pip install playwright``) and a Chromium:
``--chromium`` names one that is not on the path.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from dense import build_archive

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
    return process, process.stdout.readline().split('at ')[1].split()[0]


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


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--visits', type=int, default=10, help='how often it is opened')
    parser.add_argument('--chromium', default=shutil.which('chromium'), help='the browser')
    options = parser.parse_args()
    if options.chromium is None:
        print('console_load.py: there is no chromium on the path: --chromium FILE names one',
              file=sys.stderr)
        return 1
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        process, url = serve(Path(folder))
        try:
            browser = driver.chromium.launch(executable_path=options.chromium,
                                             args=['--no-sandbox'])
            measured = [visit(browser, url) for _ in range(options.visits)]
            browser.close()
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
