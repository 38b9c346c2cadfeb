"""What an archive says of itself: its manifest and its signature, as any text."""

import json
import os
import tempfile
from functools import cache

from mms.archive.labels import label_advice
from mms.archive.made_up_form import made_up_form
from mms.archive.manifest import MANIFEST_FILE, member_names, read_manifest
from mms.archive.sample import sample_inputs
from mms.archive.signature import SIGNATURE_FILE, input_types, read_signature
from mms.errors import ArchiveError, MMSError
from mms.frontend.api.swagger import describe
from mms.ipc.request import CLASSIC, Request
from mms.worker.codecs.form import read_form
from mms.worker.codecs.inputs import read_inputs
from mms.worker.codecs.json_answer import to_json

# Of samples that are made for shapes.
_MOST_PIXELS = 10**9


@cache
def _folder():
    """One that ends with the process, with the files that manifests name most."""
    folder = tempfile.TemporaryDirectory(prefix='mms-documents-')
    for name in ('signature.json', 'service.py', 'net-symbol.json', 'net-0000.params'):
        with open(os.path.join(folder.name, name), 'w', encoding='utf-8'):
            pass
    return folder


def _written(name, data):
    path = os.path.join(_folder().name, name)
    with open(path, 'wb') as file:
        file.write(data)
    return path


def _check_refusal(error):
    assert isinstance(error, ArchiveError), error
    assert str(error).strip()
    assert len(str(error)) < 10_000


def check_manifest(data):
    """A manifest is refused with one reason, or it names files that are there, within the archive.
    """
    path = _written(MANIFEST_FILE, data)
    try:
        manifest = read_manifest(os.path.dirname(path))
    except MMSError as error:
        _check_refusal(error)
        return
    for name in member_names(manifest):
        found = os.path.realpath(os.path.join(_folder().name, name))
        assert os.path.isfile(found)
        assert os.path.commonpath([found, os.path.realpath(_folder().name)]) == \
            os.path.realpath(_folder().name)
    assert json.loads(json.dumps(manifest)) == manifest or 'NaN' in json.dumps(manifest)
    for field in ('Model-Format', 'Model-Name', 'Service', 'Signature'):
        assert isinstance(manifest['Model'][field], str)


def check_signature(data):
    """A signature is refused with one reason, or a client can ask what it describes."""
    path = _written(SIGNATURE_FILE, data)
    try:
        signature = read_signature(path)
    except MMSError as error:
        _check_refusal(error)
        return
    check_usable(signature)


def check_usable(signature):
    """A client that reads the description can send each input, and it is what arrives."""
    kinds = input_types(signature)
    assert len(kinds) == len(signature['inputs'])
    json.loads(to_json(describe({'m': signature}, 'h', 1)).decode('ascii'))
    label_advice(signature, _folder().name)
    sample = sample_inputs(signature)
    if sample is None:
        # It leaves open what may be sent.
        return
    request = Request(CLASSIC, *made_up_form(signature, sample))
    assert read_inputs(read_form(request, signature), signature, _MOST_PIXELS) == sample
