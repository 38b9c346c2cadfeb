"""What the page on the architecture, and the guide for contributors, name is there."""

import ast
import importlib
import re
from functools import cache

import pytest
from harness import REPO
from sources import tree

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
    """Of files and folders; what lies in `build` is there when a test has made it."""
    return [span for span in spans(page) if re.fullmatch(r'[\w./-]+', span) and '/' in span
            and span.split('/')[0] not in ('', 'build') and (REPO / span.split('/')[0]).is_dir()]


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


FOLDERS = sorted(path.parent for path in (REPO / 'mms').rglob('*/__init__.py'))
LISTING = re.compile(r'(?:To be imported f|F)rom outside: (.*)', re.DOTALL)


def name_of(path):
    return '.'.join(path.relative_to(REPO).with_suffix('').parts).removesuffix('.__init__')


def imported(path):
    """Dotted names that a module imports, those inside functions too."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom):
            yield from (f'{node.module}.{alias.name}' for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@cache
def imports():
    """Each module of the package with each name that it imports."""
    return {(importer, name) for path in (REPO / 'mms').rglob('*.py')
            for importer in [name_of(path)] for name in imported(path)}


def said_of(folder):
    """What a package says of who may import what of it; empty where it says nothing."""
    doc = ast.get_docstring(tree(folder / '__init__.py'))
    found = LISTING.search(doc)
    return found.group(1) if found else ''


@pytest.mark.parametrize('folder', [each for each in FOLDERS if said_of(each)], ids=name_of)
def test_what_is_imported_from_outside_of_a_package_is_what_it_says(folder):
    package, said = name_of(folder), said_of(folder)
    if re.match('all modules|each module', said) and ' but ' not in said:
        return
    used = {name.removeprefix(f'{package}.').split('.')[0] for importer, name in imports()
            if name.startswith(f'{package}.') and not f'{importer}.'.startswith(f'{package}.')}
    modules = {path.stem for path in folder.glob('*.py')} & used
    is_listed_by_exception = said.startswith('all modules but')
    for module in modules:
        assert bool(re.search(rf'\b{module}\b', said)) is not is_listed_by_exception, module
