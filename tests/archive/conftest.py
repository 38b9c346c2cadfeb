"""Archives to read, and the folders to make them of."""

import copy
import json
import zipfile

import pytest

SIGNATURE = {
    'inputs': [{'data_name': 'data', 'data_shape': [0, 3]}],
    'input_type': 'application/json',
    'outputs': [{'data_name': 'softmax', 'data_shape': [0, 2]}],
    'output_type': 'application/json',
}
MANIFEST = {
    'Model-Archive-Version': 0.2,
    'Model-Archive-Description': 'tiny',
    'Model-Server': 0.4,
    'Model': {
        'Symbol': 'tiny-symbol.json', 'Parameters': 'tiny-0000.params',
        'Signature': 'signature.json', 'Service': 'service.py', 'Description': 'tiny',
        'Model-Name': 'tiny', 'Model-Format': 'MXNet-Symbolic',
    },
    'Engine': {'MXNet': '1.2.1'},
}


@pytest.fixture
def manifest():
    return copy.deepcopy(MANIFEST)


@pytest.fixture
def signature():
    return copy.deepcopy(SIGNATURE)


@pytest.fixture
def files(manifest, signature):
    """Member name -> contents of a whole archive, to be changed by a test."""
    return {
        'MANIFEST.json': json.dumps(manifest),
        'signature.json': json.dumps(signature),
        'tiny-symbol.json': '{}',
        'tiny-0000.params': b'\x01\x02' * 500,
        'service.py': 'print("never run by a reader")\n',
    }


@pytest.fixture
def make_zip(tmp_path):
    """Writes {name: contents} as a zip and returns its path."""

    def make(members, name='tiny.model', compression=zipfile.ZIP_STORED, change=None):
        path = tmp_path / name
        with zipfile.ZipFile(path, 'w', compression) as archive:
            for member, contents in members.items():
                archive.writestr(member, contents)
            if change is not None:
                change(archive)
        return str(path)

    return make


@pytest.fixture
def make_folder(tmp_path):
    """Writes {relative name: contents} as a folder and returns its path."""

    def make(members, name='folder'):
        folder = tmp_path / name
        for member, contents in members.items():
            path = folder / member
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(contents if isinstance(contents, bytes) else contents.encode())
        return str(folder)

    return make


@pytest.fixture
def workspace(tmp_path):
    folder = tmp_path / 'workspace'
    folder.mkdir()
    return str(folder)
