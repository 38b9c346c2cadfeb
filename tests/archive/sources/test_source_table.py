"""A new source is a file, and one entry in the table."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from harness import FIXTURES, REPO

from mms.archive.fetch import fetch
from mms.archive.location import Location
from mms.archive.sources.table import SOURCES, known_forms, source_of
from mms.errors import FetchError

CASE = next(case for case in json.loads((FIXTURES / 'expected.json').read_text('utf-8'))['cases']
            if case['archive'] == 'b2_json.model' and case['status'] == 200)

# Takes archives from a folder in pieces, as from far away: shelf://NAME.
SHELF = '''
import os
from mms.archive.sources.download import CHUNK_BYTES, file_in, save
from mms.archive.sources.source import Source
from mms.errors import FetchError


class ShelfSource(Source):
    def fetch(self, location, into, progress, limits):
        name = location.text.partition('://')[2]
        found = os.path.join(os.environ['SHELF'], name)
        if not os.path.exists(found):
            raise FetchError(f'{location}: the shelf has no {name!r}')
        path = file_in(into, name)
        with open(found, 'rb') as file:
            chunks = iter(lambda: file.read(CHUNK_BYTES), b'')
            save(chunks, path, os.path.getsize(found), str(location), progress, limits)
        return path
'''

SERVED = '''
import json, os, sys
from mms.archive.sources.table import SOURCES
from mms.errors import StartupError
from mms.model_loader import ModelLoader
from mms.mxnet_model_server import MMS

SOURCES['shelf'] = 'shelf:ShelfSource'
form = json.loads(sys.argv[1])
[model] = ModelLoader.load({'b': 'shelf://b2_json.model'})
assert model.model_name == 'b2_json'
assert not [name for _, _, names in os.walk(os.path.dirname(model.model_dir))
            for name in names if name.endswith('.model')]
app = MMS('mine', ['--models', 'b=shelf://b2_json.model']).create_app()
print(json.dumps(app.test_client().post('/b/predict', data=form).get_json()))
try:
    ModelLoader.load({'b': 'shelf://none.model'})
except StartupError as error:
    print(error)
'''


def test_a_model_comes_from_a_source_that_is_one_file_and_one_entry(tmp_path):
    (tmp_path / 'shelf.py').write_text(SHELF)
    environment = {**os.environ, 'PYTHONPATH': f'{REPO}{os.pathsep}{tmp_path}',
                   'SHELF': str(FIXTURES)}
    done = subprocess.run([sys.executable, '-c', SERVED, json.dumps(dict(CASE['form']))],
                          cwd=tmp_path, env=environment, capture_output=True, text=True,
                          timeout=120)
    assert done.returncode == 0, done.stderr
    answer, refusal = done.stdout.splitlines()
    given, recorded = json.loads(answer)['prediction'], CASE['json']['prediction']
    assert len(given) == len(recorded)
    for one, other in zip(given, recorded):
        np.testing.assert_allclose(json.loads(one), json.loads(other), atol=1e-4)
    assert refusal == "shelf://none.model: the shelf has no 'none.model'"


@pytest.mark.parametrize('scheme', sorted(SOURCES))
def test_every_entry_of_the_table_is_a_source(scheme):
    assert callable(source_of(scheme).fetch)


@pytest.mark.parametrize(('text', 'shown'), [
    ('ftp://u:hunter2@h/a.model', 'ftp://h/a.model: ftp'), ('gs://b/a.model', 'gs://b/a.model: gs'),
])
def test_an_unknown_scheme_is_refused_with_those_that_are_known(tmp_path, text, shown):
    with pytest.raises(FetchError) as caught:
        fetch(Location.parse(text), str(tmp_path))
    assert str(caught.value) == f'{shown}:// locations are not known; use {known_forms()}'
    forms = re.split(r', | or ', known_forms())
    assert forms[:5] == ['a path', 'file://', 'http://', 'https://', 's3://']
    assert os.listdir(tmp_path) == []


def test_a_new_source_is_named_among_those_that_are_known(tmp_path, monkeypatch):
    monkeypatch.setitem(SOURCES, 'shelf', 'shelf:ShelfSource')
    with pytest.raises(FetchError, match=r'use a path, file://, .*, s3://.* or shelf://$'):
        fetch(Location.parse('gs://bucket/a.model'), str(tmp_path))
