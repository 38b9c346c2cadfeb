"""Links lead somewhere."""

import re

import pytest
from doc_pages import DOCS, PAGES, name_of, prose, read

LINK = re.compile(r'\]\(([^)\s]+)\)')
HEADING = re.compile(r'^#+ (.+)$', re.M)


def anchors(page):
    """The anchors that a page's headings get: lower case, blanks to hyphens, signs dropped."""
    headings = HEADING.findall(prose(page.read_text(encoding='utf-8')))
    return {re.sub(r'[^\w -]', '', heading.lower()).replace(' ', '-') for heading in headings}


@pytest.mark.parametrize('page', PAGES, ids=name_of)
def test_relative_links_resolve(page):
    for link in LINK.findall(prose(page.read_text(encoding='utf-8'))):
        if '://' in link:
            continue
        path, _, anchor = link.partition('#')
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def test_the_readme_links_every_page():
    linked = set(LINK.findall(read('README.md')))
    for page in PAGES:
        assert name_of(page) in linked | {'README.md'}, f'README.md has no link to {page.name}'


@pytest.mark.parametrize('page', DOCS, ids=name_of)
def test_a_page_has_one_title_and_no_trailing_blanks(page):
    text = page.read_text(encoding='utf-8')
    assert re.match(r'# \S', text)
    assert len(re.findall(r'^# ', prose(text), re.M)) == 1
    assert not re.search(r'[ \t]$', text, re.M)
