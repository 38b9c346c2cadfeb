"""Whether an archive is whole, told by the list at its end."""

import os
import shutil
from pathlib import Path

import pytest
from harness import write_archive

from mms.archive.contents import contents_of


@pytest.fixture
def archive(tmp_path):
    return write_archive(tmp_path, 'm', files={'weights': os.urandom(20_000)})


def test_a_whole_archive_has_its_members(archive):
    names = [name for name, _, _ in contents_of(archive)]
    assert names == ['MANIFEST.json', 'service.py', 'signature.json', 'weights']


def test_one_that_holds_the_same_is_the_same(archive, tmp_path):
    before = contents_of(archive)
    shutil.copy(archive, tmp_path / 'copy')
    assert contents_of(tmp_path / 'copy') == before
    assert contents_of(write_archive(tmp_path, 'm', 'return 2')) != before


@pytest.mark.parametrize('share', [0.0, 0.1, 0.5, 0.9, 0.99, 0.999])
def test_one_that_is_still_written_is_not_whole(archive, tmp_path, share):
    data = Path(archive).read_bytes()
    part = tmp_path / 'part'
    part.write_bytes(data[:int(len(data) * share)])
    assert contents_of(part) is None
    part.write_bytes(data[:int(len(data) * share)].ljust(len(data), b'\0'))
    assert contents_of(part) is None


def test_one_whose_beginning_is_missing_is_not_whole(archive, tmp_path):
    data = Path(archive).read_bytes()
    end = data.index(b'PK\x01\x02')
    (tmp_path / 'end').write_bytes(data[end:])
    assert contents_of(tmp_path / 'end') is None


def test_what_is_no_zip_or_cannot_be_read_is_told(tmp_path):
    (tmp_path / 'text').write_text('PK')
    assert contents_of(tmp_path / 'text') is None
    with pytest.raises(FileNotFoundError):
        contents_of(tmp_path / 'none')


def test_a_fifo_in_its_place_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / 'm.model')
    assert contents_of(tmp_path / 'm.model') is None
