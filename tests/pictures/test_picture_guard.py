"""MXNet's decoder: it answers with pixels that it has decoded, or not at all."""

import io
import json
import os
import platform
import random
import subprocess
import sys
import time

import mxnet as mx
import numpy as np
import pytest
from harness import REPO
from hostile_pictures import chunk, costly, undecodable
from PIL import Image

from mms.pictures.guard import guard

guard()

UNDECODABLE = undecodable()
NOISE = Image.effect_noise((60, 45), 90)
POISONED = REPO / 'tests' / 'pictures' / 'poisoned.py'


def encoded(picture, kind='JPEG', **options):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def cut_off():
    """JPEGs of all samplings, cut off at places of their pixels."""
    choose, found = random.Random(7), {}
    coloured = Image.merge('RGB', [NOISE, NOISE.transpose(Image.FLIP_TOP_BOTTOM), NOISE])
    for sampling in range(3):
        for colour, picture in [('noise', coloured), ('black', Image.new('RGB', (60, 45))),
                                ('cmyk', Image.merge('CMYK', [NOISE] * 4)), ('grey', NOISE)]:
            data = encoded(picture, subsampling=sampling)
            scan = data.index(b'\xff\xda') + 14
            for _ in range(8):
                cut = choose.randrange(scan, len(data))
                found[f'{colour}{sampling}-{cut}'] = data[:cut]
                found[f'{colour}{sampling}-{scan + cut % 50}'] = data[:scan + cut % 50]
    return found


def decode_poisoned(folder, pictures, how):
    folder.mkdir()
    for number, picture in enumerate(pictures):
        (folder / f'{number:04}').write_bytes(picture)
    done = subprocess.run(
        [sys.executable, POISONED, folder, how], capture_output=True, text=True, check=True,
        env={**os.environ, 'PYTHONPATH': str(REPO), 'MXNET_ENGINE_TYPE': 'NaiveEngine',
             'GLIBC_TUNABLES': 'glibc.malloc.tcache_count=0'})
    return list(json.loads(done.stdout).values())


@pytest.mark.skipif(platform.libc_ver()[0] != 'glibc', reason='fills memory by glibc')
def test_no_pixel_comes_from_memory_that_was_not_written(tmp_path):
    pictures = [*UNDECODABLE.values(), *cut_off().values()]
    results = decode_poisoned(tmp_path / 'pictures', pictures, 'guarded')
    assert [pair for pair in results if len(set(pair)) > 1] == []
    assert results[:len(UNDECODABLE)] == [['refused', 'refused']] * len(UNDECODABLE)
    answered = [pair for pair in results if 'refused' not in pair]
    assert len(answered) > len(pictures) / 3
    # The same, without the guard: what this test would see.
    bare = decode_poisoned(tmp_path / 'bare', pictures, 'bare')
    assert len([pair for pair in bare if len(set(pair)) > 1]) > len(UNDECODABLE)
    assert [pair for pair in bare if len(set(pair)) == 1 and 'refused' not in pair] == answered


@pytest.mark.parametrize('data', UNDECODABLE.values(), ids=UNDECODABLE)
def test_what_cannot_be_decoded_is_an_error_of_mxnet(data, tmp_path):
    with pytest.raises(mx.base.MXNetError, match='Decoding failed. Invalid image file.'):
        mx.image.imdecode(data)
    (tmp_path / 'picture').write_bytes(data)
    with pytest.raises(mx.base.MXNetError, match='Decoding failed. Invalid image file.'):
        mx.image.imread(str(tmp_path / 'picture'))
    with mx.util.np_array(True), pytest.raises(mx.base.MXNetError, match='Invalid image file.'):
        mx.image.imdecode(np.frombuffer(data, 'uint8'))


def test_no_bytes_are_an_error_and_not_the_end_of_the_process(tmp_path):
    for nothing in (b'', np.zeros(0, 'uint8')):
        with pytest.raises(mx.base.MXNetError, match='no JPEG, PNG or BMP'):
            mx.image.imdecode(nothing)
    (tmp_path / 'nothing').touch()
    with pytest.raises(mx.base.MXNetError, match='the file is empty'):
        mx.image.imread(str(tmp_path / 'nothing'))


@pytest.mark.parametrize('kind', ['JPEG', 'PNG', 'BMP'])
def test_pictures_files_and_arrays_of_numpys_kind_are_decoded_as_before(kind, tmp_path):
    data = encoded(NOISE.convert('RGB'), kind)
    (tmp_path / 'picture').write_bytes(data)
    pixels = mx.image.imdecode(data)
    assert np.abs(pixels.asnumpy().astype(int) - np.array(NOISE.convert('RGB'))).max() < 60
    assert (mx.image.imread(str(tmp_path / 'picture')).asnumpy() == pixels.asnumpy()).all()
    numbers = np.frombuffer(data, 'uint8')
    for buf in (bytearray(data), numbers, mx.nd.array(numbers, dtype='uint8')):
        assert (mx.image.imdecode(buf).asnumpy() == pixels.asnumpy()).all()
    with pytest.raises(ValueError, match='buf must be of type bytes'):
        mx.image.imdecode(memoryview(data))
    assert mx.image.imdecode(data, flag=0).shape == (45, 60, 1)
    assert mx.image.imread(str(tmp_path / 'picture'), 0).shape == (45, 60, 1)
    with mx.util.np_array(True):
        assert isinstance(mx.image.imdecode(data), mx.np.ndarray)
        assert isinstance(mx.image.imread(str(tmp_path / 'picture')), mx.np.ndarray)
        assert (mx.image.imdecode(data).asnumpy() == pixels.asnumpy()).all()


def test_a_file_that_is_not_there_is_told_by_mxnet(tmp_path):
    with pytest.raises(mx.base.MXNetError):
        mx.image.imread(str(tmp_path / 'none'))


@pytest.mark.parametrize('flag', [0, 1])
def test_the_gamma_of_a_png_counts_and_its_texts_do_not(flag):
    coloured = Image.merge('RGB', [NOISE, NOISE.transpose(Image.FLIP_TOP_BOTTOM), NOISE])
    data = encoded(coloured, 'PNG')
    place = data.index(b'IDAT') - 4
    gamma = data[:place] + chunk(b'gAMA', (45455).to_bytes(4, 'big')) + data[place:]
    place += 16
    texts = gamma[:place] + chunk(b'tEXt', b'a\0b') + gamma[place:]
    assert (mx.image.imdecode(texts, flag=flag).asnumpy()
            == mx.image.imdecode(gamma, flag=flag).asnumpy()).all()
    differ = mx.image.imdecode(gamma, flag=flag).asnumpy() != \
        mx.image.imdecode(data, flag=flag).asnumpy()
    assert differ.any() == (flag == 0)


def test_texts_of_gigabytes_are_not_unpacked():
    data = costly()['PNG, 900 texts of 8 MB']
    began = time.process_time()
    assert mx.image.imdecode(data).shape == (30, 40, 3)
    assert time.process_time() - began < 3


def test_pixels_of_gigabytes_are_not_unpacked():
    data = costly()['PNG, 8 by 8 of 10 GB']
    began = time.process_time()
    with pytest.raises(mx.base.MXNetError, match='far more bytes of pixels than pixels'):
        mx.image.imdecode(data)
    assert time.process_time() - began < 3


def test_a_large_png_is_decoded():
    pixels = np.random.RandomState(3).randint(0, 255, (900, 1000, 3)).astype('uint8')
    data = encoded(Image.fromarray(pixels), 'PNG')
    assert len(data) > 2_500_000
    assert (mx.image.imdecode(data).asnumpy() == pixels).all()
    assert (mx.image.imdecode(data + b'behind').asnumpy() == pixels).all()
    with pytest.raises(mx.base.MXNetError):
        mx.image.imdecode(data[:-500_000])
