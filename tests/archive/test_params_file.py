"""Parameter files, whole ones of MXNet's own and broken ones."""

import os
import struct
import time
import zipfile
from pathlib import Path

import pytest

from mms.archive.location import Location
from mms.archive.params_file import check_params
from mms.archive.reader import open_model
from mms.errors import ArchiveError

FIXTURES = sorted((Path(__file__).parents[1] / 'fixtures' / 'mms04').glob('*.model'))

def file_of(tmp_path, *arrays, count=None, names=(b'a',), tail=b''):
    path = tmp_path / 'net.params'
    path.write_bytes(struct.pack('<QQQ', 0x112, 0, len(arrays) if count is None else count)
                     + b''.join(arrays) + struct.pack('<Q', len(names))
                     + b''.join(struct.pack('<Q', len(name)) + name for name in names) + tail)
    return str(path)


def array(shape=(2, 3), dimensions=None, magic=0xF993FAC9, kind=0, data=None):
    dimensions = len(shape) if dimensions is None else dimensions
    lengths = struct.pack(f'<i{len(shape)}q', dimensions, *shape)
    data = b'\0' * 24 if data is None else data
    return struct.pack('<Ii', magic, 0) + lengths + struct.pack('<iii', 1, 0, kind) + data


def refusal(path):
    with pytest.raises(ArchiveError) as caught:
        check_params(path, 'net.params', ArchiveError)
    return str(caught.value)


@pytest.mark.parametrize('archive', FIXTURES, ids=lambda path: path.stem)
def test_those_of_0_4_pass_and_so_does_no_truncated_one(archive, tmp_path):
    with zipfile.ZipFile(archive) as zipped:
        members = [name for name in zipped.namelist() if name.endswith('.params')]
        for name in members:
            path = tmp_path / name
            path.write_bytes(zipped.read(name))
            check_params(str(path), name, ArchiveError)
            os.truncate(path, path.stat().st_size - 1)
            with pytest.raises(ArchiveError, match=f'{name} is a broken parameter file'):
                check_params(str(path), name, ArchiveError)


@pytest.mark.engine
def test_those_that_mxnet_saves_pass(tmp_path):
    import numpy as np

    from mms import mxnet_compat
    mxnet_compat.prepare()
    import mxnet as mx

    path = str(tmp_path / 'net.params')
    arrays = {kind: mx.nd.array(np.ones((3, 1, 2)), dtype=kind)
              for kind in ('float32', 'float64', 'float16', 'uint8', 'int32', 'int8', 'int64')}
    for saved in (arrays, list(arrays.values()), {}, {'x': mx.nd.ones((2, 2)).tostype('csr')},
                  {'x': mx.nd.ones((2, 2)).tostype('row_sparse'), **arrays}):
        mx.nd.save(path, saved)
        check_params(path, 'net.params', ArchiveError)
    with mx.util.np_shape(True):
        mx.nd.save(path, {'x': mx.nd.array(2.0).reshape(()), 'y': mx.nd.zeros((0, 2))})
    check_params(path, 'net.params', ArchiveError)


def test_what_claims_more_than_there_is_is_refused(tmp_path):
    assert check_params(file_of(tmp_path, array()), 'net.params', ArchiveError) is None
    assert refusal(file_of(tmp_path, array(dimensions=2**30))) == (
        'net.params is a broken parameter file: array 0 has 1073741824 dimensions')
    assert 'claims to have 1152921504606846976 arrays, and has ' in refusal(
        file_of(tmp_path, array(), count=2**60))
    assert 'array 0 claims to have 4000000 bytes, and there are ' in refusal(
        file_of(tmp_path, array((1000, 1000))))
    path = file_of(tmp_path, array(), names=())
    os.truncate(path, os.path.getsize(path) - 8)
    with open(path, 'ab') as file:
        file.write(struct.pack('<Q', 2**40))
    assert 'it has 1 arrays and 1099511627776 names' in refusal(path)
    assert 'it ends too early' in refusal(file_of(tmp_path, array()[:20], names=()))


@pytest.mark.parametrize('content', [
    b'PK\3\4' + b'\0' * 50, b'x' * 100, b'', b'alpha=3\n', b'x' * 23])
def test_what_is_of_another_form_is_left_to_the_service(tmp_path, content):
    path = tmp_path / 'net.params'
    path.write_bytes(content)
    check_params(str(path), 'net.params', ArchiveError)
    check_params(str(tmp_path / 'none'), 'net.params', ArchiveError)


def test_an_archive_with_such_a_file_does_not_open(make_zip, files, workspace, tmp_path):
    files['tiny-0000.params'] = Path(file_of(tmp_path, array(dimensions=2**30))).read_bytes()
    with pytest.raises(ArchiveError, match="'tiny-0000.params' is a broken parameter file"):
        open_model('net', Location.parse(make_zip(files)), workspace)
    assert os.listdir(workspace) == []


def test_a_file_of_zeros_takes_a_moment(tmp_path):
    path = file_of(tmp_path, bytes(20_000_000), count=5_000_000)
    began = time.thread_time()
    assert refusal(path).endswith('it has 5000000 arrays; 100000 are the most')
    assert time.thread_time() - began < 0.5


def test_a_thousand_arrays_take_a_moment(tmp_path):
    path = file_of(tmp_path, *[array()] * 1000, names=[b'a'] * 1000)
    began = time.thread_time()
    check_params(path, 'net.params', ArchiveError)
    assert time.thread_time() - began < 0.5
