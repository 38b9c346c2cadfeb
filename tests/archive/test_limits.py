"""Archives whose parts are larger than what is served: told soon, and with little memory."""

import json
import os
import resource
import struct
import subprocess
import sys
import time
import zipfile

import pytest
from harness import REPO

from mms.archive.labels import label_advice
from mms.archive.limits import SERVICE_BYTES
from mms.archive.location import Location
from mms.archive.manifest import mxnet_version_of
from mms.archive.reader import open_model
from mms.archive.signature import validate_signature
from mms.archive.symbol_file import variables_of
from mms.errors import ArchiveError, ManifestError, ServiceError, SignatureError
from mms.exporter.service_source import find_service_class

pytestmark = pytest.mark.core

OPEN = r'''
import re, sys
from mms.archive.location import Location
from mms.archive.reader import open_model
from mms.errors import ArchiveError
try:
    open_model('net', Location.parse(sys.argv[1]), sys.argv[2])
except ArchiveError as error:
    print(error)
print(int(re.search(r'VmHWM:\s+(\d+)', open('/proc/self/status').read())[1]) // 1024)
'''


def opened(archive, workspace):
    """What is said of an archive by a process of its own, its memory in MB, and its seconds."""
    began = time.monotonic()
    done = subprocess.run([sys.executable, '-c', OPEN, archive, workspace], cwd=REPO,
                          capture_output=True, text=True, check=True)
    message, memory = done.stdout.splitlines()
    assert os.listdir(workspace) == []
    return message, int(memory), time.monotonic() - began


@pytest.mark.parametrize('name', ['MANIFEST.json', 'signature.json'])
def test_a_part_that_is_tiny_when_packed_and_huge_when_not_is_refused_unread(
        make_zip, files, workspace, name):
    files[name] = '{"a": [' + '[],' * 40_000_000 + '0]}'
    message, memory, seconds = opened(
        make_zip(files, compression=zipfile.ZIP_DEFLATED), workspace)
    most = {'MANIFEST.json': 1, 'signature.json': 8}[name]
    assert message.endswith(f'tiny.model: {name} has 120000010 bytes; {most} MB are the most')
    assert memory < 100
    assert seconds < 10


def test_a_list_of_a_million_members_is_refused_unread(make_zip, files, workspace):
    archive = make_zip(files)
    with open(archive, 'rb') as file:
        data = file.read()
    # The last record says where the list begins, and how long it is.
    end = data.rindex(b'PK\5\6')
    start, = struct.unpack_from('<L', data, end + 16)
    entries = data[start:end] * 200_000
    tail = struct.pack('<4s4H2LH', b'PK\5\6', 0, 0, 5, 5, len(entries), start, 0)
    with open(archive, 'wb') as file:
        file.write(data[:start] + entries + tail)
    message, memory, seconds = opened(archive, workspace)
    assert 'is a broken or truncated archive (the list of its members is too long)' in message
    assert memory < 100
    assert seconds < 10


def test_a_folder_with_a_huge_manifest_is_refused_unread(make_folder, files, workspace):
    folder = make_folder(files)
    with open(os.path.join(folder, 'MANIFEST.json'), 'r+b') as file:
        file.truncate(2**40)
    with pytest.raises(ManifestError, match=r'MANIFEST\.json has 1099511627776 bytes; 1 MB'):
        open_model('net', Location.parse(folder), workspace)


def test_a_number_of_many_digits_is_refused_soon(make_zip, files, workspace):
    files['signature.json'] = '{"inputs": ' + '9' * 5_000_000 + '}'
    message, _, seconds = opened(make_zip(files), workspace)
    assert 'signature.json is not usable JSON: its values are too large or too deep' in message
    assert seconds < 10


@pytest.mark.parametrize(('shape', 'words'), [
    ([0] * 33, "inputs[0]: data_shape has 33 dimensions; 32 are the most, for 'data'"),
    ([0] * 10**6, "inputs[0]: data_shape has 1000000 dimensions; 32 are the most, for 'data'"),
    ([0, 2**63], "inputs[0]: data_shape has a length above 9223372036854775807, for 'data'"),
])
def test_a_shape_that_no_array_has_is_refused(signature, shape, words):
    signature['inputs'][0]['data_shape'] = shape
    with pytest.raises(SignatureError) as caught:
        validate_signature(signature, 'here')
    assert str(caught.value) == f'here: {words}'


def test_a_shape_at_the_limits_is_taken(signature):
    signature['inputs'][0]['data_shape'] = [0] * 31 + [2**63 - 1]
    assert validate_signature(signature, 'here') is signature


@pytest.mark.parametrize('field', ['inputs', 'outputs'])
def test_more_than_a_thousand_tensors_are_refused(signature, field):
    signature[field] = [{'data_name': f'x{n}', 'data_shape': []} for n in range(1001)]
    with pytest.raises(SignatureError, match=f'here: {field} has 1001 entries; 1000 are the most'):
        validate_signature(signature, 'here')
    signature[field].pop()
    assert validate_signature(signature, 'here') is signature


def test_a_message_does_not_repeat_what_is_long(signature):
    for change in ({'input_type': 'x' * 10**6}, {'output_format': [0] * 10**6}):
        with pytest.raises(SignatureError) as caught:
            validate_signature({**signature, **change}, 'here')
        assert len(str(caught.value)) < 500
    signature['inputs'][0]['data_name'] = 'x' * 1001
    with pytest.raises(SignatureError, match='data_name has 1001 characters; 1000 are the most'):
        validate_signature(signature, 'here')


def test_a_name_in_the_manifest_that_is_long_is_not_repeated(
        make_zip, files, manifest, workspace):
    manifest['Model']['Service'] = 'x' * 10**5
    files['MANIFEST.json'] = json.dumps(manifest)
    with pytest.raises(ArchiveError) as caught:
        open_model('net', Location.parse(make_zip(files)), workspace)
    assert len(str(caught.value)) < 600


def test_a_huge_service_file_is_not_parsed(tmp_path):
    path = tmp_path / 'service.py'
    path.write_text('a;' * SERVICE_BYTES)
    with pytest.raises(ServiceError, match=r'service\.py has 2097152 bytes; 1 MB are the most'):
        find_service_class(str(path), str(tmp_path), 'Gluon-Imperative')


def test_labels_that_are_huge_are_not_counted(signature, tmp_path):
    (tmp_path / 'synset.txt').write_bytes(b'')
    os.truncate(tmp_path / 'synset.txt', 2**40)
    with pytest.raises(ArchiveError, match=r'synset\.txt has 1099511627776 bytes; 16 MB'):
        label_advice(signature, str(tmp_path))


def test_a_symbol_that_is_huge_is_not_looked_at(tmp_path):
    path = tmp_path / 'net-symbol.json'
    path.write_text('{"nodes": [{"op": "null", "name": "data"}]}')
    assert variables_of(str(path)) == ['data']
    os.truncate(path, 2**40)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert variables_of(str(path)) == []
    assert mxnet_version_of(str(path)) == mxnet_version_of(None)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000
