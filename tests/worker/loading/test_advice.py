"""Methods whose names are nearly those of hooks, and what is no mistake."""

import textwrap

import pytest

from mms.worker.loading.advice import class_advice
from mms.worker.loading.service_loader import load_service_class

SINGLE = 'from mms.model_service.model_service import MultiNodesService, SingleNodeService\n'


@pytest.fixture
def advice(tmp_path):
    """What is said of the class of a service file; the class begins in its third line."""
    def advice(body, base='SingleNodeService', rest=''):
        path = tmp_path / 'service_of_advice.py'
        path.write_text(f'{SINGLE}\nclass Mine({base}):\n'
                        f'{textwrap.indent(textwrap.dedent(body), "    ")}\n{rest}')
        return class_advice(load_service_class(str(path), 'MXNet-Symbolic'))

    return advice


@pytest.mark.parametrize(('name', 'hook'), [
    ('_preproces', '_preprocess'), ('preprocess', '_preprocess'), ('pre_process', '_preprocess'),
    ('_pre_process', '_preprocess'), ('_preprocces', '_preprocess'),
    ('_perprocess', '_preprocess'), ('_post_process', '_postprocess'),
    ('postprocess', '_postprocess'), ('_postproces', '_postprocess'),
    ('_inferense', '_inference'), ('_inferece', '_inference'), ('_infrence', '_inference'),
    ('_ping', 'ping')])
def test_a_name_that_is_nearly_a_hook_s_is_told_with_its_line(name, hook, advice):
    assert advice(f'\ndef {name}(self, data):\n    return data') == [
        f'service_of_advice.py:5: Mine.{name} is never called: the hook is {hook}']


@pytest.mark.parametrize('body', [
    # Helpers of other names.
    'def _preprocess_text(self, text): pass', 'def process(self): pass',
    'def _preprocess2(self, data): pass', 'def pong(self): pass', 'def infer(self): pass',
    'def predict(self): pass', 'def reference(self): pass', 'def difference(self): pass',
    'def assign(self): pass', 'def _preprocess(self, data): return data',
    # It is called.
    'def preprocess(self, data): return data\ndef _inference(self, x): return self.preprocess(x)',
    'def preprocess(self, data): return data\n_preprocess = preprocess',
    'def preprocess(self, data): return data\ndef _inference(self, x): getattr(self, "preprocess")',
    # The hook itself is there.
    'def preprocess(self, data): return data\ndef _preprocess(self, data): return data',
    # No hook is called of such a service but its own inference.
    'def inference(self, data): return data\ndef preprocess(self, data): return data',
])
def test_what_is_no_mistake_is_not_spoken_of(body, advice):
    assert advice(body) == []


def test_a_class_of_several_models_has_no_three_hooks(advice):
    assert advice('def preprocess(self, data): pass', base='MultiNodesService', rest='') == []


def test_a_base_in_the_file_is_looked_at_too(tmp_path):
    path = tmp_path / 'service_with_a_base.py'
    path.write_text(f'{SINGLE}class Base(SingleNodeService):\n'
                    '    def _preproces(self, data):\n        return data\n\n'
                    'class Mine(Base):\n    def _postprocess(self, data):\n        return data\n')
    assert class_advice(load_service_class(str(path), 'MXNet-Symbolic')) == [
        'service_with_a_base.py:3: Base._preproces is never called: the hook is _preprocess']
