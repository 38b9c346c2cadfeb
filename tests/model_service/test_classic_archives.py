"""Archives that MMS 0.4 wrote give the answers that were recorded with it."""

import ast
import json
import zipfile
from pathlib import Path

import pytest

from mms.worker.loading.service_loader import build_service, load_service_class

pytestmark = pytest.mark.core

FIXTURES = Path(__file__).parents[1] / 'fixtures' / 'mms04'
CASES = [case for case in json.loads((FIXTURES / 'expected.json').read_text('utf-8'))['cases']
         if case['status'] == 200]


@pytest.fixture(scope='module')
def service_of(tmp_path_factory):
    built = {}

    def service(archive):
        if archive not in built:
            folder = tmp_path_factory.mktemp('archive')
            zipfile.ZipFile(FIXTURES / archive).extractall(folder)
            manifest = json.loads((folder / 'MANIFEST.json').read_text('utf-8'))
            model = manifest['Model']
            cls = load_service_class(str(folder / model['Service']), model['Model-Format'])
            built[archive] = build_service(cls, model['Model-Name'], str(folder), manifest, None)
        return built[archive]

    return service


def raw_inputs(case, signature):
    given = {name: parsed(text) for name, text in case.get('form', ())}
    for part in case.get('parts', ()):
        given[part['name']] = (parsed(part['text']) if 'text' in part
                               else (FIXTURES / part['file']).read_bytes())
    return [given[entry['data_name']] for entry in signature['inputs']]


def parsed(text):
    try:
        return json.loads(text)
    except ValueError:
        return ast.literal_eval(text)


def same(expected, got):
    if isinstance(expected, float):
        return got == pytest.approx(expected, abs=1e-4)
    if isinstance(expected, list):
        return len(got) == len(expected) and all(map(same, expected, got))
    if isinstance(expected, dict):
        return set(got) == set(expected) and all(same(expected[key], got[key]) for key in expected)
    if isinstance(expected, str) and expected.startswith('['):
        return same(json.loads(expected), json.loads(got))
    return got == expected


@pytest.mark.parametrize('case', CASES, ids=lambda case: case['archive'])
def test_a_classic_archive_gives_the_recorded_answer(service_of, case):
    service = service_of(case['archive'])
    answer = service.inference(raw_inputs(case, service.signature))
    assert same(case['json']['prediction'], answer)
    assert list(service.stage_times_ms) == ['preprocess', 'inference', 'postprocess']


def test_the_live_signature_has_a_batch_of_one(service_of):
    shapes = [entry['data_shape'] for entry in service_of('a2_vision.model').signature['inputs']]
    assert shapes == [[1, 3, 24, 40]]


def test_the_expectations_are_not_met_by_other_numbers():
    expected = CASES[0]['json']['prediction']
    wrong = json.loads(json.dumps(expected))
    wrong[0][0]['probability'] += 0.01
    assert same(expected, expected)
    assert not same(expected, wrong)
