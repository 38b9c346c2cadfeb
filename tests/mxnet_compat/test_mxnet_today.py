"""MXNet's own parts on this NumPy and this Python, after ``prepare``: what services use."""

import pickle

import mxnet as mx
import numpy as np
import pytest

pytestmark = pytest.mark.core


@pytest.fixture
def numpy_arrays():
    """``mx.npx.set_np()`` for one test."""
    mx.npx.set_np()
    yield
    mx.npx.reset_np()


def values(array):
    return array.asnumpy().tolist()


def test_mx_np_arrays_compute():
    array = mx.np.array([[1, 2], [3, 4]])
    assert array.dtype == np.float32
    assert values(array + 1) == [[2, 3], [4, 5]]
    assert values(array @ array) == [[7, 10], [15, 22]]
    assert values(-array) == [[-1, -2], [-3, -4]]
    assert values(array.mean(axis=0)) == [2, 3]
    assert (float(array.sum()), int(array.max()), array.argmax().item()) == (10, 4, 3)
    assert array.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize('scalar', [np.float64(2), np.float32(2), np.int64(2), 2], ids=repr)
def test_numpy_scalars_on_either_side_leave_mxnet_s_arrays_what_they_are(scalar):
    for array in (mx.np.array([1., 2]), mx.nd.array([1, 2])):
        for result in (scalar * array, array * scalar, scalar + array - scalar + array):
            assert type(result) is type(array)
            assert result.dtype == np.float32
            assert values(result) == [2, 4]
        assert values(array > scalar) == [0, 0]


def test_mx_np_arrays_are_indexed_by_everything_that_indexes():
    array = mx.np.arange(12).reshape(3, 4)
    assert values(array[np.int64(1)]) == values(array[1]) == [4, 5, 6, 7]
    assert array[np.int32(0), np.int64(1)].item() == 1
    assert values(array[array > 9]) == [10, 11]
    assert values(array[np.array([True, False, True])]) == [[0, 1, 2, 3], [8, 9, 10, 11]]
    assert values(array[np.array([0, 2]), 1]) == [1, 9]
    assert array[None, ..., np.int64(1)].shape == (1, 3)
    array[0], array[1, 2] = np.float64(7), np.int64(5)
    assert values(array[:2]) == [[7, 7, 7, 7], [4, 5, 5, 7]]


DISPATCHED = {
    'concatenate': lambda a: np.concatenate([a, a]).shape == (4, 3),
    'stack': lambda a: np.stack([a, a]).shape == (2, 2, 3),
    'split': lambda a: np.split(a, 3, axis=1)[2].shape == (2, 1),
    'sum': lambda a: np.sum(a),
    'mean': lambda a: np.mean(a, axis=0),
    'argmax': lambda a: np.argmax(a, axis=1),
    'transpose': lambda a: np.transpose(a),
    'where': lambda a: np.where(a > 1, a, a),
    'exp': lambda a: np.exp(a),
    'add': lambda a: np.add(a, np.float64(1)),
    'clip': lambda a: np.clip(a, 0, 1),
    'einsum': lambda a: np.einsum('ij->i', a),
    'tensordot': lambda a: np.tensordot(a, a.T, 1),
    'norm': lambda a: np.linalg.norm(a),
    'round': lambda a: np.round(a),
    'any': lambda a: np.any(a > 2),
    'isin': lambda a: np.isin(a, a),
    'unique': lambda a: np.unique(a),
    'pad': lambda a: np.pad(a, ((1, 1), (0, 0))),
    'median': lambda a: np.median(a) == 2.5,
    'allclose': lambda a: np.allclose(a, a),
    'array_equal': lambda a: np.array_equal(a, a),
}


@pytest.mark.parametrize('name', DISPATCHED)
def test_a_function_of_numpy_takes_mx_np_arrays(name):
    array = mx.np.arange(6).reshape(2, 3)
    result = DISPATCHED[name](array)
    if isinstance(result, mx.np.ndarray):
        ours, theirs = result.asnumpy(), DISPATCHED[name](array.asnumpy())
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    else:
        assert bool(np.all(result))


@pytest.mark.parametrize(('name', 'arguments'), [
    ('nanmax', ()), ('ptp', ()), ('cov', ()), ('partition', (1,)), ('count_nonzero', ()),
    ('searchsorted', (np.array([1.]),)), ('polyfit', (np.array([0., 1, 2]), 1)),
], ids=lambda value: value if isinstance(value, str) else '')
def test_functions_that_mxnet_leaves_to_numpy_work(name, arguments):
    array = mx.np.array([1., 2, 4])
    ours = getattr(mx.np, name)(array, *(mx.np.array(word) if isinstance(word, np.ndarray)
                                         else word for word in arguments))
    theirs = getattr(np, name)(array.asnumpy(), *arguments)
    np.testing.assert_allclose(getattr(ours, 'asnumpy', lambda: ours)(), theirs, rtol=1e-5)


def test_a_gluon_network_of_numpy_arrays_learns_and_is_saved(numpy_arrays, tmp_path):
    network = mx.gluon.nn.HybridSequential()
    network.add(mx.gluon.nn.Dense(8, activation='relu'), mx.gluon.nn.Dense(1))
    network.initialize(mx.init.Xavier())
    network.hybridize()
    batch, wanted = mx.np.random.uniform(size=(16, 3)), mx.np.ones((16, 1))
    trainer = mx.gluon.Trainer(network.collect_params(), 'adam', {'learning_rate': np.float64(.1)})
    losses = []
    for _ in range(20):
        with mx.autograd.record():
            loss = ((network(batch) - wanted) ** 2).mean()
        loss.backward()
        trainer.step(1)
        losses.append(float(loss))
    assert losses[-1] < losses[0] / 2
    before = network(batch).asnumpy()
    network.save_parameters(str(tmp_path / 'net.params'))
    network.load_parameters(str(tmp_path / 'net.params'))
    np.testing.assert_array_equal(network(batch).asnumpy(), before)


@pytest.mark.parametrize('dtype', ['float16', 'float64', 'uint8', 'int8', 'int32', 'int64', bool])
def test_arrays_keep_their_dtype_in_files_and_pickles(numpy_arrays, dtype, tmp_path):
    array = mx.np.array([1, 0], dtype=dtype)
    mx.npx.save(str(tmp_path / 'arrays'), {'a': array})
    assert mx.npx.load(str(tmp_path / 'arrays'))['a'].dtype == np.dtype(dtype)
    assert pickle.loads(pickle.dumps(array)).asnumpy().dtype == np.dtype(dtype)


def test_nd_arrays_take_and_give_numpy():
    array = mx.nd.array(np.arange(6.).reshape(2, 3))
    assert array.dtype == np.float32
    assert (array[1, np.int64(2)].asscalar(), len(array)) == (5, 2)
    array[0] = np.arange(3)[::-1]
    array[1] = np.float64(9)
    assert values(array) == [[2, 1, 0], [9, 9, 9]]
    assert values(mx.nd.moveaxis(array, 0, 1)) == [[2, 9], [1, 9], [0, 9]]
    assert values(mx.nd.array([250], dtype='uint8') + 10) == [4]
    assert values(mx.nd.zeros(1, dtype=np.bool_)) == [False]


def test_a_module_learns_from_an_iterator_and_is_saved(tmp_path):
    mx.random.seed(1)
    data = np.random.RandomState(1).rand(40, 2)
    label = (data[:, 0] > data[:, 1]).astype('int64')
    symbol = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(mx.sym.var('data'), num_hidden=2),
                                  name='softmax')
    module = mx.mod.Module(symbol)
    module.fit(mx.io.NDArrayIter(data, label, 8, shuffle=True), num_epoch=30,
               eval_metric=['acc', 'ce', 'f1'], initializer=mx.init.Xavier(),
               optimizer_params={'learning_rate': np.float64(2)},
               batch_end_callback=mx.callback.Speedometer(8, 5))
    iterator = mx.io.NDArrayIter(data, label, 8)
    [(_, accuracy)] = module.score(iterator, 'acc')
    assert accuracy > .8
    module.save_checkpoint(str(tmp_path / 'm'), 3)
    loaded = mx.mod.Module.load(str(tmp_path / 'm'), 3)
    loaded.bind(iterator.provide_data, for_training=False)
    np.testing.assert_allclose(loaded.predict(iterator).asnumpy(),
                               module.predict(iterator).asnumpy(), rtol=1e-6)


@pytest.mark.parametrize(('name', 'value'), [
    ('acc', .5), ('ce', 0.9830564), ('f1', 2 / 3), ('mcc', 0.), ('top_k_accuracy', 1.)])
def test_metrics_count(name, value):
    options = {'top_k': 2} if name == 'top_k_accuracy' else {}
    metric = mx.metric.create(name, **options)
    metric.update([mx.nd.array([1, 0])], [mx.nd.array([[.3, .7], [.2, .8]])])
    assert metric.get()[1] == pytest.approx(value, abs=1e-4)


def test_the_transforms_of_pictures_work():
    picture = mx.nd.array(np.arange(16 * 20 * 3).reshape(16, 20, 3) % 255, dtype='uint8')
    transforms = mx.gluon.data.vision.transforms
    chain = transforms.Compose([
        transforms.Resize(12), transforms.CenterCrop(8), transforms.RandomFlipLeftRight(),
        transforms.RandomColorJitter(.1, .1, .1, .1), transforms.RandomLighting(.1),
        transforms.ToTensor(), transforms.Normalize(tuple(np.array([.1] * 3)), .2)])
    assert chain(picture).shape == (3, 8, 8)
    augmented = picture.astype('float32')
    for augmenter in mx.image.CreateAugmenter((3, 8, 8), rand_crop=True, rand_mirror=True,
                                              rand_resize=True, brightness=.1, hue=.1,
                                              pca_noise=.1, mean=True, std=True):
        augmented = augmenter(augmented)
    assert augmented.shape == (8, 8, 3)
    assert np.isfinite(augmented.asnumpy()).all()


def test_data_comes_in_batches():
    data = mx.gluon.data.ArrayDataset(np.arange(8.).reshape(4, 2), np.arange(4))
    [first, _] = list(mx.gluon.data.DataLoader(data, batch_size=2))
    assert values(first[0]) == [[0, 1], [2, 3]]
    assert values(first[1]) == [0, 1]


def test_a_summary_of_a_network_is_printed(capsys):
    symbol = mx.sym.FullyConnected(mx.sym.var('data'), num_hidden=2, name='fc')
    mx.viz.print_summary(symbol, shape={'data': (1, 3)})
    assert 'fc(FullyConnected)' in capsys.readouterr().out
