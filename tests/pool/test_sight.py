"""What the front learns of GPUs from the process that it asks."""

import sys

import pytest

from mms.devices import Sight, refusal
from mms.pool.sight import look

MISSING = 'libcuda.so.1: cannot open shared object file: No such file or directory'


def test_mxnet_is_asked_and_not_imported():
    from mms.model_service.device import sight
    assert look() == sight()


@pytest.mark.parametrize(('module', 'parts'), [
    (f'raise OSError({MISSING!r})', ['CUDA driver is missing', 'libcuda.so.1']),
    ('import os, sys\nprint("last words", file=sys.stderr, flush=True)\nos.abort()',
     ['MXNet ends with status', 'last words']),
], ids=['raises', 'aborts'])
def test_an_mxnet_that_cannot_be_imported_is_told_by_its_reason(
        module, parts, tmp_path, monkeypatch):
    (tmp_path / 'mxnet.py').write_text(module)
    monkeypatch.setattr(sys, 'path', [str(tmp_path), *sys.path])
    line = refusal('--gpu 0', [0], look())
    assert [part for part in parts if part not in line] == []
    assert '\n' not in line


def test_one_that_never_answers_is_not_waited_for(tmp_path, monkeypatch):
    (tmp_path / 'mxnet.py').write_text('import time; time.sleep(600)')
    monkeypatch.setattr(sys, 'path', [str(tmp_path), *sys.path])
    monkeypatch.setattr('mms.pool.sight._LONGEST_S', 0.5)
    assert look() == Sight(trouble='MXNet does not answer within 0 s')
