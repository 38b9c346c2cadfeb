"""What a device computes is looked at; what is said of one that does not tells causes apart."""

import mxnet as mx
import pytest

from mms.worker.devices.card import Card
from mms.worker.devices.gpu_probe import Fault, fault_message, fault_of, probe

H200 = Card('NVIDIA H200', (9, 0), 141 * 2**30)
T4 = Card('Tesla T4', (7, 5), 15 * 2**30)
NO_CODE = Fault('MXNetError: no kernel image is available for execution on the device')


def test_a_device_that_computes_is_well():
    assert probe(mx.cpu(1)) == ''


def test_a_dense_layer_that_gives_zeros_is_seen(monkeypatch):
    # So it is on a card that a wheel has no code for; here the values are set to zero.
    dense = mx.nd.FullyConnected
    monkeypatch.setattr(mx.nd, 'FullyConnected',
                        lambda *inputs, **options: dense(*inputs, **options) * 0)
    assert probe(mx.cpu()) == 'FullyConnected gives [0.0, 0.0] in place of [18.0, 25.0]'


def test_what_a_wheel_has_no_code_for_is_told_by_name_capability_and_what_it_has():
    line = fault_message(0, H200, 'cu117', NO_CODE)
    assert line == (
        'GPU 0 (NVIDIA H200, compute capability 9.0, 141 GiB) cannot compute with mxnet-cu117, '
        'which has code for compute capability 5.x, 6.x, 7.x and 8.x alone (MXNetError: no kernel '
        'image is available for execution on the device). No wheel of MXNet 1.9.1 has any for it: '
        'give another GPU')


def test_a_wheel_that_has_code_for_the_card_is_named():
    assert fault_message(0, Card('Tesla K80', (3, 7)), 'cu112', NO_CODE).endswith(
        'Install mxnet-cu102 in its place')


@pytest.mark.parametrize('card', [H200, T4, Card()])
def test_a_full_card_is_told_apart(card):
    fault = fault_of(RuntimeError('cudaMalloc retry failed: out of memory'))
    assert fault.is_full
    line = fault_message(1, card, 'cu117', fault)
    assert 'has no memory left (RuntimeError: cudaMalloc retry failed: out of memory)' in line
    assert 'code for' not in line


@pytest.mark.parametrize(('card', 'cuda'), [(T4, 'cu117'), (H200, ''), (Card(), 'cu117')])
def test_a_card_that_should_compute_is_told_by_what_failed_alone(card, cuda):
    line = fault_message(2, card, cuda, Fault('MXNetError: CUDA: uncorrectable ECC error'))
    assert line.startswith('GPU 2')
    assert 'does not compute (MXNetError: CUDA: uncorrectable ECC error)' in line
    assert 'code for' not in line
