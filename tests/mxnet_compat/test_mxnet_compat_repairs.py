"""What today's NumPy takes from MXNet 1.9.1 in use, it has again."""

import subprocess
import sys
from importlib.machinery import SourceFileLoader

import mxnet as mx
import numpy as np
import pytest
from extras import extra

from mms.mxnet_compat import after_import
from mms.mxnet_compat.repairs import REPAIRS, apply

pytestmark = pytest.mark.core


def test_an_imported_mxnet_keeps_its_own_loader_and_no_finder_stays():
    assert type(mx.__spec__.loader) is type(mx.__loader__) is SourceFileLoader
    assert not any('mms' in type(finder).__module__ for finder in sys.meta_path)


@pytest.mark.parametrize('repair', REPAIRS, ids=lambda repair: f'{repair.module}.{repair.name}')
def test_only_what_this_numpy_breaks_is_mended_and_once(repair):
    module = sys.modules[repair.module]
    before = vars(module).get(repair.name)
    assert (getattr(before, '__module__', None) == 'mms.mxnet_compat.repairs') == repair.needed(np)
    apply(mx)
    assert vars(module).get(repair.name) is before


@pytest.mark.parametrize('shape', [(np.int64(2), 3), [np.int32(2), np.int64(3)], (2, 3)], ids=str)
def test_a_shape_may_hold_numpy_integers(shape):
    assert mx.nd.zeros(shape).shape == (2, 3)
    assert mx.nd.random.uniform(shape=shape).shape == (2, 3)
    assert mx.np.zeros(tuple(shape)).shape == (2, 3)
    assert mx.sym.var('x', shape=tuple(shape)).infer_shape()[1] == [(2, 3)]


def test_parameters_of_operators_may_be_numpy_numbers():
    picture = mx.nd.ones((1, 1, 4, 4))
    two = np.int64(2)
    assert mx.nd.Pooling(picture, kernel=(two, two), stride=(two, two)).shape == (1, 1, 2, 2)
    symbol = mx.sym.Pooling(mx.sym.var('x'), kernel=(two, two), stride=(two, two))
    assert symbol.infer_shape(x=(1, 1, 4, 4))[1] == [(1, 1, 2, 2)]
    boxes = mx.nd.contrib.MultiBoxPrior(picture, sizes=(np.float64(.5), np.float32(.25)))
    assert boxes.shape == (1, 32, 4)
    resized = mx.nd.image.resize(mx.nd.ones((4, 4, 3)), size=(np.int64(8), 6))
    assert resized.shape == (6, 8, 3)
    padded = mx.np.pad(mx.np.ones((2, 2)), ((np.int64(1), 0), (0, np.int64(1))))
    assert padded.shape == (3, 3)


def test_a_numpy_number_keeps_all_its_digits_on_its_way_to_an_operator():
    [box] = mx.nd.contrib.MultiBoxPrior(mx.nd.ones((1, 3, 1, 1)),
                                        sizes=(np.float64(1) / 3,)).asnumpy()[0]
    assert box[2] - box[0] == pytest.approx(1 / 3, abs=1e-7)


def test_text_that_looks_like_a_numpy_number_stays_as_it_is():
    assert mx.sym.var('x', attr={'__note__': 'np.int64(2)'}).attr('__note__') == 'np.int64(2)'


def test_a_learning_rate_may_be_a_numpy_number():
    network = mx.gluon.nn.Dense(1, in_units=2)
    network.initialize(mx.init.One())
    trainer = mx.gluon.Trainer(network.collect_params(), 'sgd', {'learning_rate': np.float64(.5)})
    with mx.autograd.record():
        loss = network(mx.nd.ones((1, 2)))
    loss.backward()
    trainer.step(1)
    assert network.weight.data().asnumpy().tolist() == [[.5, .5]]


def test_initializers_that_compute_a_shape_with_numpy_work():
    for initializer in (mx.init.Orthogonal(), mx.init.MSRAPrelu(), mx.init.Xavier()):
        weight = mx.nd.zeros((4, 2, 3, 3))
        initializer(mx.init.InitDesc('conv_weight'), weight)
        assert np.isfinite(weight.asnumpy()).all()
        assert weight.asnumpy().any()


def test_an_iterator_over_csv_takes_numpy_integers(tmp_path):
    (tmp_path / 'data.csv').write_text('1,2\n3,4\n')
    iterator = mx.io.CSVIter(data_csv=str(tmp_path / 'data.csv'), data_shape=(np.int64(2),),
                             batch_size=np.int64(2))
    assert iterator.next().data[0].asnumpy().tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize('label', [3, [1., 2.], np.array([1., 2.])], ids=['one', 'list', 'array'])
def test_records_hold_one_label_or_several(label):
    packed = mx.recordio.pack(mx.recordio.IRHeader(0, label, 7, 0), b'content')
    header, content = mx.recordio.unpack(packed)
    assert (np.asarray(header.label).tolist(), header.id) == (np.asarray(label).tolist(), 7)
    assert content == b'content'


def test_pictures_are_packed_into_records():
    extra('cv2')
    packed = mx.recordio.pack_img((0, [1., 2.], 7, 0), np.full((4, 4, 3), 9, 'uint8'), quality=3,
                                  img_fmt='.png')
    header, picture = mx.recordio.unpack_img(packed)
    assert header.label.tolist() == [1, 2]
    assert (picture == 9).all()


@pytest.mark.parametrize(('function', 'count'), [
    (np.linalg.svd, 3), (np.linalg.qr, 2), (np.linalg.slogdet, 2)],
    ids=lambda value: getattr(value, '__name__', value))
def test_numpy_functions_that_return_several_arrays_take_mxnet_s(function, count):
    results = function(mx.np.array([[2., 1], [1, 3]]))
    assert type(results) is tuple
    assert len(results) == count
    assert all(isinstance(result, (mx.np.ndarray, np.number, float)) for result in results)


def module_file(folder, text):
    (folder / 'imported_later.py').write_text(text)
    return folder / 'imported_later.py'


@pytest.fixture
def importing(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    finders = list(sys.meta_path)
    yield tmp_path
    sys.meta_path[:] = finders
    sys.modules.pop('imported_later', None)


def test_an_action_runs_at_the_end_of_an_import_once(importing):
    module_file(importing, 'value = 1')
    seen = []

    def action(module):
        seen.append(module.value)

    after_import.call('imported_later', action)
    after_import.call('imported_later', action)
    assert seen == []
    __import__('imported_later')
    __import__('imported_later')
    assert seen == [1]
    after_import.call('imported_later', action)
    assert seen == [1, 1]


def test_several_actions_run_in_the_order_in_which_they_came(importing):
    module_file(importing, '')
    seen = []
    for number in range(3):
        after_import.call('imported_later', lambda module, number=number: seen.append(number))
    __import__('imported_later')
    assert seen == [0, 1, 2]


def test_an_import_that_fails_may_be_tried_again(importing):
    path = module_file(importing, 'raise ImportError("not yet")')
    seen = []
    after_import.call('imported_later', seen.append)
    with pytest.raises(ImportError, match='not yet'):
        __import__('imported_later')
    path.write_text('ready = True  # a file of another size')
    __import__('imported_later')
    assert seen[0].ready


def test_a_module_that_is_not_there_is_missed_in_the_usual_way(importing):
    after_import.call('imported_later', print)
    with pytest.raises(ModuleNotFoundError, match='imported_later'):
        __import__('imported_later')


def test_mxnet_is_mended_when_it_came_first():
    code = '''
from mms.mxnet_compat import distutils_version, numpy_names
import numpy
numpy_names.restore(numpy, numpy_names.MXNET)
distutils_version.restore()
import mxnet
from mms import mxnet_compat
mxnet_compat.prepare()
assert mxnet.nd.zeros((numpy.int64(2), 3)).shape == (2, 3)
'''
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
