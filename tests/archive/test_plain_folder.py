"""Folders that are no archives: what is copied of them, and the manifest that they get."""

import json
import os

import pytest

from mms.archive.admission import Admission
from mms.archive.location import Location
from mms.archive.plain_folder import state_of
from mms.archive.reader import open_model
from mms.errors import ArchiveError, ManifestError, StartupError

SIGNATURE = {'inputs': [{'data_name': 'data', 'data_shape': [0, 3, 4, 4]}], 'outputs': [],
             'input_type': 'image/jpeg', 'output_type': 'application/json'}
COPIES = Admission(copies_folders=True)


@pytest.fixture
def folder(tmp_path):
    """A symbolic model without a service file."""
    folder = tmp_path / 'net'
    folder.mkdir()
    (folder / 'signature.json').write_text(json.dumps(SIGNATURE))
    (folder / 'a-symbol.json').write_text('{"attrs": {"mxnet_version": ["int", 10201]}}')
    (folder / 'a-0000.params').write_bytes(
        (0x112).to_bytes(8, 'little') + bytes(8) + bytes(8) + bytes(8))
    return folder


@pytest.fixture
def opened(folder, tmp_path):
    """Opens it; the workspace is beside it."""
    (tmp_path / 'work').mkdir()
    return lambda admission=COPIES: open_model('net', Location.parse(str(folder)),
                                               str(tmp_path / 'work'), admission=admission)


def test_it_is_served_from_a_copy_with_a_manifest(folder, opened):
    model = opened()
    assert model.manifest['Model'] == {
        'Symbol': 'a-symbol.json', 'Parameters': 'a-0000.params', 'Signature': 'signature.json',
        'Service': 'mxnet_vision_service.py', 'Description': 'net', 'Model-Name': 'net',
        'Model-Format': 'MXNet-Symbolic'}
    assert model.manifest['Engine'] == {'MXNet': '1.2.1'}
    assert not model.model_dir.startswith(str(folder))
    assert sorted(os.listdir(model.model_dir)) == [
        'MANIFEST.json', 'a-0000.params', 'a-symbol.json', 'mxnet_vision_service.py',
        'signature.json']
    assert len(os.listdir(folder)) == 3


def test_without_being_asked_for_the_message_says_what_to_do(folder, opened):
    with pytest.raises(ManifestError) as caught:
        opened(Admission())
    assert str(caught.value) == (
        f'{folder} holds no MANIFEST.json: make an archive of the folder with mxnet-model-export, '
        'or give --reload to serve it as it is while you work on it')


def test_what_editors_and_notebooks_leave_stays_out(folder, opened):
    for name in ('.a.swp', 'service.py~', '.git/signature.json', '__pycache__/x.pyc', 'more/x.txt'):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text('')
    names = os.listdir(opened().model_dir)
    assert 'x.txt' in names
    assert len(names) == 6


@pytest.mark.parametrize(('names', 'service'), [
    (['any.py'], 'any.py'), (['helper.py', 'service.py'], 'service.py'),
    (['helper.py', 'bird_service.py'], 'bird_service.py'),
    (['mxnet_vision_service.py', 'bird_service.py'], 'bird_service.py'),
    (['mxnet_vision_service.py'], 'mxnet_vision_service.py')])
def test_the_service_file_is_told_by_its_name(folder, opened, names, service):
    for name in names:
        (folder / name).write_text('')
    assert opened().manifest['Model']['Service'] == service


def test_a_service_without_a_symbol_makes_its_network_itself(folder, opened):
    (folder / 'a-symbol.json').unlink()
    (folder / 'any.py').write_text('')
    model = opened().manifest['Model']
    assert (model['Model-Format'], model['Parameters']) == ('Gluon-Imperative', 'a-0000.params')


def test_its_own_manifest_counts(folder, opened):
    manifest = opened().manifest
    manifest['Model']['Model-Name'] = 'other'
    (folder / 'MANIFEST.json').write_text(json.dumps(manifest))
    (folder / 'mxnet_vision_service.py').write_text('')
    assert opened().model_name == 'other'


def change(folder, name, text=''):
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(text)


@pytest.mark.parametrize(('spoil', 'reason'), [
    (lambda d: (change(d, 'a.py'), change(d, 'b.py')),
     'holds several Python files, a.py, b.py: call the one of the service service.py'),
    (lambda d: (d / 'a-symbol.json').unlink(), 'Incomplete MXNet model found'),
    (lambda d: (d / 'signature.json').unlink(), 'signature.json is not found in'),
    (lambda d: change(d, 'signature.json', '{'), '/net: signature.json is not valid JSON'),
    (lambda d: [path.unlink() for path in d.glob('a-*')] and change(d, 'a.onnx'),
     'holds an ONNX model, a.onnx: make an archive of it with mxnet-model-export'),
    (lambda d: change(d, 'more/signature.json'), 'two files have the name signature.json'),
    (lambda d: (d / 'gone').symlink_to('nowhere'), '/gone is no file that can be copied'),
    (lambda d: (d / 'notes.txt').symlink_to('/proc/self/mem'),
     '/notes.txt cannot be copied: Input/output error'),
])
def test_what_is_no_model_is_one_line_and_leaves_nothing(folder, opened, tmp_path, spoil, reason):
    spoil(folder)
    with pytest.raises(StartupError) as caught:
        opened()
    assert reason in str(caught.value)
    assert '\n' not in str(caught.value)
    assert os.listdir(tmp_path / 'work') == []


def test_a_folder_that_must_be_signed_is_refused_all_the_same(folder, tmp_path):
    with pytest.raises(ArchiveError, match='is a folder, which has no digest'):
        open_model('net', Location.parse(f'{folder}#sha256={"0" * 64}'), str(tmp_path),
                   admission=COPIES)


@pytest.mark.parametrize('edit', [
    lambda d: change(d, 'new.py'), lambda d: (d / 'a-0000.params').unlink(),
    lambda d: os.utime(d / 'a-symbol.json', (1, 1)),
    lambda d: os.replace(d / 'a-symbol.json', d / 'b-symbol.json')])
def test_every_edit_is_another_state(folder, edit):
    before = state_of(str(folder))
    assert state_of(str(folder)) == before
    edit(folder)
    assert state_of(str(folder)) != before


def test_what_is_not_copied_changes_nothing(folder):
    before = state_of(str(folder))
    change(folder, '__pycache__/x.pyc')
    change(folder, '.a.swp')
    assert state_of(str(folder)) == before
