"""Networks that PyTorch exported at opsets 9 to 20 answer in MXNet as in onnxruntime."""

import sys
import tarfile

import numpy as np
import pytest
from extras import onnx, onnxruntime  # noqa: F401  of what is compared with
from onnx_compare import BLIND, DIFFERENT, NO_REFERENCE, REFUSED, SAME, compare, difference
from onnx_sources import FIXTURES, fixtures

COMPARE = sys.modules['onnx_compare']

# What has no counterpart in MXNet -> the operator that is named.
NOT_CONVERTED = {'branch': 'If', 'foreign': 'com.example.FusedMagic', 'loop': 'Loop',
                 'nms': 'NonMaxSuppression'}
# PyTorch wrote files that are no ONNX, or that onnxruntime does not take.
BROKEN = {('shuffle', 'compiled', 17): REFUSED, ('count_pads', 'traced', 9): NO_REFERENCE}


def names():
    with tarfile.open(FIXTURES) as archive:
        return sorted({member.partition('-')[0] for member in archive.getnames()})


@pytest.fixture(scope='module')
def models(tmp_path_factory):
    """Network -> its files, by exporter and opset."""
    folder, found = tmp_path_factory.mktemp('networks'), {}
    for source in fixtures():
        path = folder / source.path.name
        source.path.rename(path)
        name, exporter, opset = path.stem.rsplit('-', 2)
        found.setdefault(name, {})[exporter, int(opset)] = path
    return found


@pytest.mark.parametrize('name', [name for name in names() if name not in NOT_CONVERTED])
def test_a_network_answers_as_in_onnxruntime_at_every_opset(name, models):
    verdicts = {key: compare(path) for key, path in models[name].items()}
    wrong = {key: verdict for key, verdict in verdicts.items()
             if verdict.word != BROKEN.get((name, *key), SAME)}
    assert wrong == {}


@pytest.mark.parametrize(('name', 'operator'), NOT_CONVERTED.items())
def test_what_mxnet_lacks_is_refused_by_operator_node_and_opset(name, operator, models):
    for (_, opset), path in models[name].items():
        verdict, version = compare(path), 1 if '.' in operator else opset
        assert verdict.word == REFUSED
        assert f'the operator {operator} (node ' in verdict.reason
        assert f', opset {version}) cannot be converted: ' in verdict.reason
        assert '\n' not in verdict.reason


def test_every_opset_from_9_to_17_is_tried_and_the_newest(models):
    assert {opset for files in models.values() for _, opset in files} == {*range(9, 18), 20}


def test_a_network_with_other_weights_is_told_apart(models, monkeypatch):
    original = COMPARE.convert

    def slightly_wrong(path):
        converted = original(path)
        args = {name: weight * 1.01 for name, weight in converted.arg_params.items()}
        return converted._replace(arg_params=args)

    monkeypatch.setattr(COMPARE, 'convert', slightly_wrong)
    assert compare(models['mlp']['traced', 13]).word == DIFFERENT


def test_a_network_that_answers_the_same_to_everything_shows_nothing(models, monkeypatch):
    monkeypatch.setattr(COMPARE, '_random', lambda entry, batch: np.ones((3, 6), 'float32'))
    assert compare(models['mlp']['traced', 13]).word == BLIND


def test_a_difference_is_a_part_of_the_largest_magnitude():
    assert difference(np.array([1.0, 200.5]), np.array([1.0, 200.0])) == 0.0025
    assert difference(np.array([0.001]), np.array([0.002])) == 0.5
    assert difference(np.array([np.nan]), np.array([1.0])) == np.inf


def test_outputs_of_other_shapes_are_no_match():
    with pytest.raises(ValueError, match=r'the shape is \(1, 2\), expected \(2,\)'):
        difference(np.zeros((1, 2)), np.zeros(2))
