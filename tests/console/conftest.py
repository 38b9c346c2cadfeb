"""A browser for the tests of the console, and what is asked of every page that it shows."""

import os
import sys
from contextlib import contextmanager

import pytest
from debian_programs import environment, path_of
from extras import require
from harness import REPO

# test_web_page_in_a_browser.py takes its page from the documentation.
sys.path.insert(0, str(REPO / 'tests' / 'docs'))

# What a reader of the results may want to see: build/ is ignored by git.
SCREENSHOTS = REPO / 'build' / 'console'
WIDTHS = {'wide': (1400, 900), 'phone': (400, 800)}


# Not of the session: while it is driven, nobody else can run a loop of asyncio in the thread.
@pytest.fixture(scope='module')
def chromium():
    """The browser, with a camera that shows a test card."""
    require('playwright', 'axe_playwright_python')
    if path_of('chromium') is None:
        pytest.skip('needs chromium, which python tests/debian_programs.py .venv/debian unpacks')
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=path_of('chromium'), env=environment(), args=[
                '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream',
                *(['--no-sandbox'] if os.getuid() == 0 else [])])
        yield browser
        browser.close()


class Visit:
    """A page, and what went wrong on it."""

    def __init__(self, page):
        self.page = page
        self.hosts = set()
        self.wrong = []
        page.on('request', lambda request: self._asked(request.url))
        page.on('pageerror', lambda error: self.wrong.append(str(error)))
        page.on('console', lambda said: said.type == 'error' and self.wrong.append(said.text))

    def _asked(self, url):
        if not url.startswith(('blob:', 'data:')):
            self.hosts.add(url.split('/')[2])

    def shot(self, name):
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f'{name}.png', full_page=True)

    def violations(self):
        """What axe-core finds wrong for those who do not see or use a mouse."""
        from axe_playwright_python.base import AXE_SCRIPT

        # As a script of the page it would be refused.
        self.page.evaluate(AXE_SCRIPT)
        found = self.page.evaluate('axe.run()')['violations']
        return [(each['id'], each['impact'], [node['html'] for node in each['nodes']])
                for each in found]

    def is_wider_than_its_window(self):
        return self.page.evaluate(
            'document.documentElement.scrollWidth > document.documentElement.clientWidth')


@contextmanager
def visiting(browser, url, width='wide', **options):
    """A page of the console; at its end nothing of another host was asked, and nothing failed."""
    size = dict(zip(('width', 'height'), WIDTHS[width]))
    context = browser.new_context(viewport=size, accept_downloads=True, **options)
    visit = Visit(context.new_page())
    try:
        visit.page.goto(url)
        yield visit
        assert visit.hosts == {url.split('/')[2]}
        assert visit.wrong == []
    finally:
        context.close()


@pytest.fixture
def visit(chromium):
    return lambda url, *arguments, **options: visiting(chromium, url, *arguments, **options)
