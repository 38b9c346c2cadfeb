"""What the page on the architecture, and the guide for contributors, name is there."""

import importlib
import re

import pytest
from harness import REPO

PAGES = ['docs/architecture.md', 'CONTRIBUTING.md']
PACKAGES = {path.parent.name for path in (REPO / 'mms').glob('*/__init__.py')}


def spans(page):
    text = (REPO / page).read_text(encoding='utf-8')
    return sorted(set(re.findall(r'`([^`\n]+)`', text)))


def dotted(page):
    """Names of modules, and of what is in them."""
    for span in spans(page):
        name = span.removeprefix('mms.')
        if re.fullmatch(r'[A-Za-z_]+(\.[A-Za-z_]+)+', name) and name.split('.')[0] in PACKAGES:
            yield name


def paths(page):
    return [span for span in spans(page) if re.fullmatch(r'[\w./-]+', span) and '/' in span
            and span.split('/')[0] and (REPO / span.split('/')[0]).is_dir()]


def found(name):
    """The module, or the attribute of a module, of a dotted name."""
    parts = name.split('.')
    for count in range(len(parts), 0, -1):
        try:
            thing = importlib.import_module('.'.join(['mms', *parts[:count]]))
        except ModuleNotFoundError:
            continue
        for part in parts[count:]:
            thing = getattr(thing, part)
        return thing
    raise LookupError(name)


@pytest.mark.parametrize('name', sorted({name for page in PAGES for name in dotted(page)}))
def test_a_module_that_a_page_names_is_there(name):
    assert found(name)


@pytest.mark.parametrize('path', sorted({path for page in PAGES for path in paths(page)}))
def test_a_path_that_a_page_names_is_there(path):
    assert (REPO / path).exists()


@pytest.mark.parametrize('package', sorted(PACKAGES))
def test_each_package_says_what_lives_there(package):
    assert (importlib.import_module(f'mms.{package}').__doc__ or '').strip()
