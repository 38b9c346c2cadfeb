"""Archives as any bytes: a file that somebody calls a model."""

import os
import shutil
import tempfile
import tracemalloc
from functools import cache

from mms.archive.location import Location
from mms.archive.params_file import check_params
from mms.archive.reader import open_model
from mms.errors import ArchiveError, MMSError

# Of a file of some kilobytes.
_MOST_BYTES = 64 * 1024**2


@cache
def _folder():
    return tempfile.TemporaryDirectory(prefix='mms-archives-')


def check_archive(data):
    """A file is refused with one reason, or holds what its manifest says; nothing else is left."""
    folder = _folder().name
    path, workspace = os.path.join(folder, 'a.model'), os.path.join(folder, 'work')
    shutil.rmtree(workspace, ignore_errors=True)
    os.mkdir(workspace)
    with open(path, 'wb') as file:
        file.write(data)
    try:
        opened = open_model('m', Location.parse(path), workspace)
    except MMSError as error:
        assert isinstance(error, ArchiveError), error
        assert str(error).startswith(path), error
        assert os.listdir(workspace) == []
        assert sorted(os.listdir(folder)) == ['a.model', 'work']
        return
    inside = os.path.realpath(workspace)
    for root, folders, files in os.walk(opened.model_dir):
        for name in (*folders, *files):
            found = os.path.join(root, name)
            assert not os.path.islink(found)
            assert os.path.realpath(found).startswith(inside)
    assert os.path.isfile(os.path.join(opened.model_dir, opened.manifest['Model']['Service']))


def check_parameters(data):
    """A parameter file is passed on or refused, whatever sizes it claims, in little memory."""
    path = os.path.join(_folder().name, 'net.params')
    with open(path, 'wb') as file:
        file.write(data)
    tracemalloc.start()
    try:
        check_params(path, path, ArchiveError)
    except ArchiveError as error:
        assert str(error).startswith(path)
    finally:
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        os.unlink(path)
    assert most < _MOST_BYTES
