"""The messages that the export page lists are those that failing exports end with."""

import os
import re
import shutil

import pytest
from doc_models import make_flowers
from doc_pages import code_spans, read, rows

from mms.errors import ExportError, StartupError
from mms.export_model import export_model

GLUON = 'from mms.model_service.gluon_vision_service import GluonVisionService\n' \
        'class Service(GluonVisionService):\n    pass\n'
VISION = 'from mms.model_service.mxnet_vision_service import MXNetVisionService\n' \
         'class Service(MXNetVisionService):\n    pass\n'
# One needs a working directory that is gone, which all tests share; the others are of other
# commands.
NOT_DRIVEN = {'NAME.model: the current directory, where it goes, is gone',
              'DIR is a folder: make an archive of it, which can be signed',
              'FILE: the signature cannot be made: REASON',
              'FILE is there already, and stays as it is: give another folder',
              "--init '' names no folder: give one, or . for the one that you are in",
              'FILE: the files cannot be written: REASON'}


def listed():
    """The page's messages -> a pattern, in which words in capitals stand for anything."""
    _, _, text = read('docs/export.md').partition('## Messages')
    found = [code_spans(cells[0])[0] for cells in rows(text) if code_spans(cells[0])]
    return {message: re.compile(re.sub(
        r'\b(NAMES?|FILES?|DIR|OTHER|TYPE|CLASS|REASON|MEND|N)\b(?!-)', '.+', re.escape(message)))
        for message in found}


def write(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text('{}')


def remove(folder, *names):
    for name in names:
        (folder / name).unlink()


def service(folder, source):
    path = folder.parent / 'service.py'
    path.write_text(source)
    return str(path)


# What is wrong with the folder, and with the arguments.
CASES = {
    'exists': lambda d: write(d.parent, 'flowers.model'),
    'a folder': lambda d: (d.parent / 'flowers.model').mkdir() or {'force': True},
    'name': lambda d: {'model_name': 'a/b'},
    'no folder': lambda d: {'model_path': str(d / 'none')},
    'type': lambda d: {'model_type': 'scripted'},
    # A plain file that opens, and whose reading fails, for root too.
    'unreadable': lambda d: (d / 'notes.txt').symlink_to('/proc/self/mem'),
    'no service file': lambda d: {'service_file': 'none.py'},
    'imperative without a service': lambda d: {'model_type': 'imperative'},
    'contradiction': lambda d: {
        'model_type': 'symbolic', 'service_file': service(d, GLUON)},
    'no signature': lambda d: remove(d, 'signature.json'),
    'no files': lambda d: remove(d, 'flowers-symbol.json', 'flowers-0000.params'),
    'no files, a service': lambda d: remove(
        d, 'flowers-symbol.json', 'flowers-0000.params') or {'service_file': service(d, VISION)},
    'no parameters': lambda d: remove(d, 'flowers-0000.params'),
    'no symbol': lambda d: remove(d, 'flowers-symbol.json'),
    'imperative with a symbol alone': lambda d: remove(d, 'flowers-0000.params') or {
        'model_type': 'imperative', 'service_file': service(d, VISION)},
    'imperative with a symbol': lambda d: {
        'model_type': 'imperative', 'service_file': service(d, VISION)},
    'two models': lambda d: write(d, 'm.onnx'),
    'two files of parameters': lambda d: write(d, 'b-0000.params'),
    'two symbols': lambda d: write(d, 'b-symbol.json'),
    'two ONNX models': lambda d: write(d, 'a.onnx', 'b.onnx'),
    'no epoch': lambda d: (d / 'flowers-0000.params').rename(d / 'flowers.params') and None,
    'another prefix': lambda d: (d / 'flowers-0000.params').rename(d / 'b-0000.params') and None,
    'broken symbol': lambda d: (d / 'flowers-symbol.json').write_text('{') and None,
    'another input': lambda d: (d / 'signature.json').write_text((
        d / 'signature.json').read_text().replace('"data"', '"picture"')) and None,
    'one name twice': lambda d: write(d, 'sub/synset.txt'),
    'dead link': lambda d: (d / 'link').symlink_to('nowhere'),
    'pipe': lambda d: os.mkfifo(d / 'pipe'),
    'backslash': lambda d: write(d, 'a\\b'),
    'not UTF-8': lambda d: (d / os.fsdecode(b'\xff')).write_text('x') and None,
    'cut-off parameters': lambda d: os.truncate(d / 'flowers-0000.params', 100),
    'no folder for the archive': lambda d: {'export_file': str(d / 'none' / 'a.model')},
}


@pytest.fixture(scope='module')
def flowers(tmp_path_factory):
    folder = tmp_path_factory.mktemp('flowers')
    make_flowers(folder)
    return folder / 'my_model'


def fail(case, flowers, folder):
    """The message that the export of a spoiled copy of the model ends with."""
    model_path = folder / 'my_model'
    shutil.copytree(flowers, model_path)
    arguments = {'model_name': 'flowers', 'model_path': str(model_path),
                 'export_file': str(folder / 'flowers.model'), **(CASES[case](model_path) or {})}
    with pytest.raises(StartupError) as caught:
        export_model(**arguments)
    assert case == 'no signature' or isinstance(caught.value, ExportError)
    return str(caught.value)


@pytest.mark.parametrize('case', CASES)
def test_a_failing_export_ends_with_a_message_of_the_page(case, flowers, tmp_path):
    message = fail(case, flowers, tmp_path)
    assert [text for text, pattern in listed().items() if pattern.match(message)], message


def test_every_message_of_the_page_is_met(flowers, tmp_path):
    met = set()
    for number, case in enumerate(CASES):
        folder = tmp_path / str(number)
        folder.mkdir()
        message = fail(case, flowers, folder)
        met |= {text for text, pattern in listed().items() if pattern.match(message)}
    assert set(listed()) - met == NOT_DRIVEN
