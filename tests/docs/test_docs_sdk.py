"""The clients of docs/sdk.md: generated, installed and run against a live server."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import urllib3
from doc_models import make_all
from doc_pages import blocks, read, section
from doc_session import Session

PAGE = read('docs/sdk.md')
# What a client would fetch from the network is in the environment of the tests.
PIP = {'PIP_NO_INDEX': '1', 'PIP_NO_DEPS': '1', 'PIP_NO_BUILD_ISOLATION': '0',
       'PIP_DISABLE_PIP_VERSION_CHECK': '1'}
# What the Makefile puts there for them.
CLIENTS = Path(sys.prefix) / 'clients'
NODE_MODULES = CLIENTS / 'javascript' / 'node_modules'
NODE = Path(sys.executable).with_name('node')


@pytest.fixture(scope='module')
def session(tmp_path_factory):
    """The page's server, and a terminal beside it."""
    folder = tmp_path_factory.mktemp('sdk')
    make_all(folder)
    session = Session(folder, env={**PIP, 'PIP_TARGET': str(folder / 'site')},
                      pythonpath=[folder / 'site', CLIENTS / 'python'])
    intro, _, _ = PAGE.partition('\n## ')
    play(session, intro)
    yield session
    session.close()


def play(session, text):
    for block in blocks(text):
        if block.mark:
            session.play(block)


@pytest.mark.skipif(not (CLIENTS / 'python').is_dir() and urllib3.__version__ < '2',
                    reason='needs urllib3 2 for the client: make .venv/.test brings it')
def test_the_python_client_asks_a_live_server(session):
    play(session, section(PAGE, 'Python'))
    client = session.folder / 'site' / 'openapi_client'
    assert client.is_dir(), 'the client that was asked is the one that was installed'


@pytest.mark.skipif(not NODE_MODULES.is_dir() or not NODE.exists(), reason='needs Node and what '
                    'npm fetches for the client: make .venv/.test brings both')
def test_the_javascript_client_asks_a_live_server(session):
    generate, *rest = (block for block in blocks(section(PAGE, 'JavaScript')) if block.mark)
    (session.folder / 'build').mkdir(exist_ok=True)
    session.play(generate)
    (session.folder / 'node_modules').symlink_to(NODE_MODULES)
    subprocess.run([shutil.which('npm', path=NODE.parent), 'run', 'build'], check=True,
                   cwd=session.folder / 'build', capture_output=True, timeout=120,
                   env={**os.environ, 'PATH': f'{NODE.parent}{os.pathsep}{os.environ["PATH"]}'})
    for block in rest:
        session.play(block)
