"""A server that serves signed archives alone, from wherever they come."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
import requests
from extras import needs
from harness import until, write_archive

from mms.archive.writer import sign_archive

pytestmark = needs('cryptography')


@pytest.fixture(scope='module')
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp('keys')
    for name in ('mine', 'other'):
        subprocess.run(['openssl', 'genpkey', '-algorithm', 'ed25519', '-out',
                        folder / f'{name}.key'], check=True, capture_output=True)
        subprocess.run(['openssl', 'pkey', '-in', folder / f'{name}.key', '-pubout', '-out',
                        folder / f'{name}.pub'], check=True, capture_output=True)
    return folder


def sign(archive, keys, name='mine'):
    sign_archive(str(archive), str(keys / f'{name}.key'))


def test_a_server_serves_signed_archives_alone_from_every_source(serve, tmp_path, keys):
    trusted, watched, store = tmp_path / 'trusted.pub', tmp_path / 'watched', tmp_path / 'store'
    shutil.copy(keys / 'mine.pub', trusted)
    watched.mkdir()
    store.mkdir()
    start = write_archive(tmp_path, 'start')
    sign(start, keys)
    for folder, name in ((watched, 'late'), (store, 'stored')):
        shutil.move(write_archive(tmp_path, name), folder / f'{name}.model')
    server = serve('--models', f'start={start}', '--require-signed', str(trusted), '--watch',
                   str(watched), '--management-port', '0', '--management-token', 'none',
                   '--model-store', str(store))
    assert server.post_text('start', '[1]').status_code == 200

    # A signature that arrives later.
    assert server.post_text('late', '[1]').status_code == 404
    sign(watched / 'late.model', keys)
    assert until(lambda: server.post_text('late', '[1]').status_code == 200)

    # The management port.
    line = next(line for line in server.stdout.splitlines() if 'Management at' in line)
    models = line.split()[2] + '/models'
    answer = requests.post(models, params={'url': 'stored.model', 'initial_workers': 1})
    assert answer.status_code == 400
    assert 'stored.model is not signed, as --require-signed asks for' in answer.text
    sign(store / 'stored.model', keys, 'other')
    answer = requests.post(models, params={'url': 'stored.model', 'initial_workers': 1})
    assert 'is made with a key that is not trusted' in answer.text

    # Another key, from now on.
    trusted.write_text((keys / 'mine.pub').read_text() + (keys / 'other.pub').read_text())
    os.kill(server.pid, signal.SIGHUP)
    assert until(lambda: 'signed by one of 2 keys' in server.log)
    digest = subprocess.run(['sha256sum', store / 'stored.model'], check=True, capture_output=True,
                            text=True).stdout[:64]
    answer = requests.post(models, params={'url': f'stored.model#sha256={"0" * 64}'})
    assert f'its SHA-256 is {digest}' in answer.text
    answer = requests.post(models, params={'url': f'stored.model#sha256={digest}',
                                           'initial_workers': 1})
    assert answer.status_code == 200
    assert requests.get(f'{models}/stored').json()['modelUrl'] == f'stored.model#sha256={digest}'

    # One alone.
    shutil.copy(keys / 'mine.pub', trusted)
    os.kill(server.pid, signal.SIGHUP)
    assert until(lambda: 'must be signed by the key of' in server.log)

    # Keys that cannot be used change nothing.
    trusted.write_text('')
    os.kill(server.pid, signal.SIGHUP)
    assert until(lambda: 'the keys stay as they were' in server.log)
    assert server.post_text('stored', '[1]').status_code == 200


@pytest.mark.parametrize(('words', 'message'), [
    (['--models', 'm={unsigned}'], 'is not signed, as --require-signed asks for'),
    (['--models', 'm={folder}'], 'is a folder, which has no signature'),
    (['--models', 'm=file://{folder}'], 'is a folder, which has no signature'),
    (['--models', 'm={unsigned}', '--service', '{unsigned}'], 'has an unsigned file run'),
])
def test_what_is_not_signed_stops_the_start(launch, tmp_path, keys, words, message):
    unsigned = Path(write_archive(tmp_path, 'm'))
    shutil.unpack_archive(unsigned, tmp_path / 'folder', 'zip')
    words = [word.format(unsigned=unsigned, folder=tmp_path / 'folder') for word in words]
    server = launch(*words, '--require-signed', str(keys / 'mine.pub'))
    assert server.wait() == 1
    assert message in server.stderr
    assert len(server.stderr.splitlines()) == 1


def test_models_that_were_opened_elsewhere_are_refused(tmp_path, keys):
    from mms.errors import KeyFileError, UntrustedError, UsageError
    from mms.model_loader import ModelLoader
    from mms.mxnet_model_server import MMS

    archive, pubkeys = write_archive(tmp_path, 'm'), str(keys / 'mine.pub')
    with pytest.raises(UntrustedError):
        ModelLoader.load({'m': archive}, str(tmp_path), require_signed=pubkeys)
    with pytest.raises(KeyFileError):
        ModelLoader.load({'m': archive}, str(tmp_path), require_signed='')
    sign(archive, keys)
    models = ModelLoader.load({'m': archive}, str(tmp_path), require_signed=pubkeys)
    words = ['--models', f'm={archive}', '--log-file', str(tmp_path / 'log'), '--require-signed',
             pubkeys]
    with pytest.raises(UsageError, match='has no way to check models that are opened already'):
        MMS(args=words, models=models).create_app()
