"""Services of real archives and of source text, and requests for them."""

import ast
import json
import textwrap
import zipfile
from typing import NamedTuple

from harness import FIXTURES

from mms.ipc.context import NO_CONTEXT
from mms.worker.codecs.codec import Decoded, Payload
from mms.worker.codecs.json_answer import to_json
from mms.worker.loading.service_loader import build_service, load_service_class

CASES = [case for case in json.loads((FIXTURES / 'expected.json').read_text('utf-8'))['cases']
         if case['status'] == 200]


class Ask(NamedTuple):
    """A request that holds what `_preprocess` takes, or the error that says why not."""

    inputs: object
    context: object = NO_CONTEXT


def inputs_of(request):
    if isinstance(request.inputs, Exception):
        raise request.inputs
    return json.loads(json.dumps(request.inputs)) if isinstance(request.inputs[0], list) \
        else list(request.inputs)


class Plain:
    """A codec of what `_preprocess` takes, answered by JSON with nothing around it."""

    def decode(self, request):
        return Decoded(inputs_of(request), lambda prediction: Payload(to_json(prediction)))


def classic(archive, folder, device=None):
    """The service of an archive that MMS 0.4 wrote."""
    zipfile.ZipFile(FIXTURES / archive).extractall(folder)
    manifest = json.loads((folder / 'MANIFEST.json').read_text('utf-8'))
    model = manifest['Model']
    cls = load_service_class(str(folder / model['Service']), model['Model-Format'])
    return build_service(cls, model['Model-Name'], str(folder), manifest, device)


def recorded(archive, signature):
    """The requests for it whose answers were recorded."""
    return [Ask([_given(case)[entry['data_name']] for entry in signature['inputs']])
            for case in CASES if case['archive'] == archive]


def written(text, folder, name, inputs=('data',), device=None):
    """The service of a service file that holds `text`."""
    path = folder / f'{name}.py'
    path.write_text(textwrap.dedent(text), 'utf-8')
    signature = {'inputs': [{'data_name': key, 'data_shape': [0]} for key in inputs],
                 'outputs': [], 'input_type': 'application/json',
                 'output_type': 'application/json'}
    (folder / 'signature.json').write_text(json.dumps(signature), 'utf-8')
    manifest = {'Model': {'Model-Name': name, 'Signature': 'signature.json', 'Service': path.name,
                          'Symbol': '', 'Parameters': '', 'Model-Format': 'Gluon-Imperative'}}
    cls = load_service_class(str(path), 'Gluon-Imperative')
    return build_service(cls, name, str(folder), manifest, device)


def _given(case):
    given = {name: _parsed(text) for name, text in case.get('form', ())}
    for part in case.get('parts', ()):
        given[part['name']] = (_parsed(part['text']) if 'text' in part
                               else (FIXTURES / part['file']).read_bytes())
    return given


def _parsed(text):
    try:
        return json.loads(text)
    except ValueError:
        return ast.literal_eval(text)
