"""``mms.export``: networks in memory become archives, which a server answers from as they would."""

import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import replace

import mxnet as mx
import numpy as np
import pytest
from harness import REPO, Server
from mxnet import autograd, gluon
from mxnet.gluon import nn
from PIL import Image

import mms
from mms.errors import ExportError

LABELS = ['ash', 'beech', 'cedar']
OWN_SERVICE = '''
import os
import mxnet as mx
from mms.model_service.mxnet_model_service import MXNetBaseService

class Service(MXNetBaseService):
    def __init__(self, name, folder, manifest, gpu=None):
        super().__init__(name, folder, manifest, gpu)
        self.net = mx.gluon.nn.Dense(3, in_units=4)
        self.net.load_parameters(os.path.join(folder, self.param_filename), ctx=self.ctx)
'''


class Tutorial(gluon.Block):
    """Not hybrid, as the first network of the tutorial of MMS 0.4: blocks alone."""

    def __init__(self, classes=3):
        super().__init__()
        with self.name_scope():
            self.features = nn.Sequential()
            self.features.add(nn.Conv2D(4, 3, activation='relu'), nn.MaxPool2D(2), nn.Flatten(),
                              nn.Dense(8, activation='relu'), nn.Dropout(0.5))
            self.output = nn.Dense(classes)

    def forward(self, x):
        return self.output(self.features(x))


TIMES = 2


def halved(scores):
    return mx.nd.relu(scores) / TIMES


class Arrays(Tutorial):
    """Calls an operator that takes arrays alone."""

    def forward(self, x):
        return halved(super().forward(x))


class Deciding(nn.Sequential):
    """Answers something else when it is called with symbols, and is not made by its class alone."""

    def forward(self, x):
        return x if isinstance(x, mx.sym.Symbol) else super().forward(x)


class Changed(Arrays):
    """Answers by an attribute that is no parameter."""

    factor = 1

    def forward(self, x):
        return super().forward(x) + self.factor


def changed(net):
    net.factor = 3
    return net


class Sized(Arrays):
    """Is made with a number."""

    def __init__(self, classes):
        super().__init__(classes)


def hybrid():
    net = nn.HybridSequential()
    net.add(nn.Conv2D(4, 3, activation='relu'), nn.BatchNorm(), nn.Flatten(), nn.Dense(3))
    return net


def ready(net, *shape):
    net.initialize(mx.init.Uniform(0.5))
    net(mx.nd.ones(shape))
    return net


def dense():
    net = nn.Dense(3, in_units=4)
    net.initialize(mx.init.Uniform(1))
    return net


def deciding():
    net = Deciding()
    net.add(dense())
    return net


def module():
    scores = mx.sym.FullyConnected(mx.sym.var('data'), num_hidden=3, name='fc')
    made = mx.mod.Module(mx.sym.SoftmaxOutput(scores, name='softmax'))
    made.bind([('data', (8, 4))], [('softmax_label', (8,))])
    made.init_params(mx.init.Uniform(1))
    return made


def pixels(grey=False):
    return np.random.RandomState(3).randint(0, 256, (8, 8) if grey else (8, 8, 3), 'uint8')


def picture(values):
    file = io.BytesIO()
    Image.fromarray(values).save(file, 'PNG')
    return file.getvalue()


def top(scores):
    chances = mx.nd.array(scores).softmax().asnumpy()[0]
    return [{'class': LABELS[place], 'probability': pytest.approx(float(chances[place]), abs=1e-4)}
            for place in np.argsort(-chances)]


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('exported')


@pytest.fixture(scope='module', autouse=True)
def temporary(tmp_path_factory):
    """Where temporary folders are made, by nobody else."""
    before, tempfile.tempdir = tempfile.tempdir, str(tmp_path_factory.mktemp('temporary'))
    yield
    tempfile.tempdir = before


@pytest.fixture(scope='module')
def kernel():
    """What a network and MXNet in this process are before and after."""
    return {}


@pytest.fixture(scope='module')
def networks(folder, kernel):
    """What was exported, by name: the network, and what the export says."""
    (folder / 'own.py').write_text(OWN_SERVICE)
    mx.nd.save(str(folder / 'w.params'), {'fc_weight': mx.nd.ones((2, 4)), 'unused': mx.nd.ones(1),
                                          'arg:fc_bias': mx.nd.array([1, 2])})
    symbol = mx.sym.FullyConnected(mx.sym.var('x'), num_hidden=2, name='fc')
    color, grey = ready(hybrid(), 1, 3, 8, 8), ready(Tutorial(), 1, 1, 8, 8)
    made = {'color': color, 'grey': grey, 'module': module(), 'symbol': symbol, 'own': dense(),
            'python': ready(Arrays(), 1, 1, 8, 8)}
    kernel['before'] = state(color)
    with autograd.record():
        loss = (color(mx.nd.ones((2, 3, 8, 8))) ** 2).sum()
    calls = {
        'color': {'inputs': {'picture': (0, 3, 8, 8)}, 'labels': LABELS, 'preprocess': 'imagenet'},
        'grey': {'inputs': {'data': (0, 1, 8, 8)}, 'labels': LABELS, 'preprocess': '0-1'},
        'module': {'labels': LABELS},
        'symbol': {'inputs': {'x': (0, 4)}, 'params': folder / 'w.params'},
        'own': {'inputs': {'data': (0, 4)}, 'service': folder / 'own.py',
                'model_type': 'imperative'},
        'python': {'inputs': {'data': (0, 1, 8, 8)}, 'labels': LABELS, 'preprocess': '0-1'},
    }
    said = {name: mms.export(made[name], folder / f'{name}.model', **call)
            for name, call in calls.items()}
    kernel['after'] = state(color)
    values = (pixels() / 255 - [.485, .456, .406]) / [.229, .224, .225]
    kernel['scores'] = color(mx.nd.array(values.transpose(2, 0, 1)[None])).asnumpy()
    # The graph of a step that was begun before is there still; the step changes running means.
    loss.backward()
    return {name: (made[name], said[name]) for name in calls}


def state(net):
    """What an export might disturb."""
    names = mx.name.NameManager.current
    return {'environment': dict(os.environ), 'context': mx.context.current_context(),
            'hybridized': [child._active for child in (net, *net._children.values())],
            'names': dict(names._counter), 'training': autograd.is_training(),
            'path': list(sys.path), 'folders': sorted(os.listdir(tempfile.gettempdir())),
            'hooks': list(sys.meta_path),
            'weights': {name: parameter.data().asnumpy().tolist()
                        for name, parameter in net.collect_params().items()}}


@pytest.fixture(scope='module')
def server(networks, tmp_path_factory):
    models = [f'{name}={said.path}' for name, (_, said) in networks.items()]
    server = Server(tmp_path_factory.mktemp('server'), ['--workers', '1', '--models', *models])
    yield server.wait_until_up()
    server.stop()


def answer(server, model, **options):
    reply = server.post(model, **options)
    assert reply.status_code == 200, reply.text
    return reply.json()['prediction']


def test_a_picture_is_answered_by_the_probabilities_that_the_hybrid_block_gives(server, kernel):
    got, = answer(server, 'color', files={'picture': picture(pixels())})
    assert got == top(kernel['scores'])


def test_a_block_that_is_not_hybrid_answers_as_it_does_also_of_grey_pictures(server, networks):
    net, said = networks['grey']
    assert said.model_format == 'MXNet-Symbolic'
    scores = net(mx.nd.array(pixels(grey=True)[None, None] / 255)).asnumpy()
    got, = answer(server, 'grey', files={'data': picture(pixels(grey=True))})
    assert got == top(scores)


def test_a_block_that_calls_operators_of_arrays_is_made_anew_from_its_source(server, networks):
    net, said = networks['python']
    assert (said.model_format, said.trial.service_class) == ('Gluon-Imperative', 'ExportedService')
    scores = net(mx.nd.array(pixels(grey=True)[None, None] / 255)).asnumpy()
    got, = answer(server, 'python', files={'data': picture(pixels(grey=True))})
    assert got == top(scores)


def test_a_module_names_the_classes_of_the_inputs_that_it_was_bound_for(server, networks):
    made, said = networks['module']
    assert said.signature['inputs'] == [{'data_name': 'data', 'data_shape': [0, 4]}]
    made.forward(mx.io.DataBatch([mx.nd.array([[1, 2, 3, 4]] * 8)]), is_train=False)
    got, = answer(server, 'module', data={'data': '[[1, 2, 3, 4]]'})
    assert got == top(np.log(made.get_outputs()[0].asnumpy()))


def test_a_symbol_answers_with_the_parameters_of_a_file(server, networks):
    assert answer(server, 'symbol', data={'x': '[[1, 2, 3, 4]]'}) == [[[11.0, 12.0]]]
    with zipfile.ZipFile(networks['symbol'][1].path) as archive:
        assert b'unused' not in archive.read('symbol-0000.params')


def test_a_service_file_makes_its_network_of_the_parameters_alone(server, networks):
    net, said = networks['own']
    assert (said.model_format, said.trial.service_class) == ('Gluon-Imperative', 'Service')
    got, = answer(server, 'own', data={'data': '[[1, 2, 3, 4]]'})
    assert np.allclose(got, net(mx.nd.array([[1, 2, 3, 4]])).asnumpy(), atol=1e-4)


@pytest.mark.usefixtures('networks')
def test_the_users_process_is_left_as_it_was(kernel):
    assert kernel['after'] == kernel['before']


def test_the_network_trains_on(networks):
    net, _ = networks['own']
    trainer = gluon.Trainer(net.collect_params(), 'sgd', {'learning_rate': 0.05})
    losses = []
    for _ in range(3):
        with autograd.record():
            loss = (net(mx.nd.ones((2, 4))) ** 2).sum()
        loss.backward()
        trainer.step(2)
        losses.append(float(loss.asscalar()))
    assert losses[-1] < losses[0]


def test_the_summary_says_how_to_go_on_as_text_and_as_a_table(networks, folder, monkeypatch):
    monkeypatch.chdir(folder)
    _, said = networks['color']
    text, table = repr(said), said._repr_html_()
    assert f'{folder}/color.model, ' in text
    assert "picture [0, 3, 8, 8], a picture, normalized as ImageNet's" in text
    assert 'mxnet-model-server --models color=color.model' in text
    assert 'curl -X POST http://127.0.0.1:8080/color/predict -F picture=@picture.jpg' in text
    assert json.loads(said.trial.answer)[0][0]['class'] in LABELS
    assert 'WARNING' not in text
    assert table.startswith('<table>')
    assert '<code>mxnet-model-server --models color=color.model</code>' in table
    assert "ImageNet's" not in table  # escaped
    assert networks['symbol'][1].request_line.endswith("/symbol/predict -F 'x=[[0, 0, 0, 0]]'")
    long = {'data_name': 'x', 'data_shape': [0, 17]}
    said_of_long = replace(said, signature={'inputs': [long], 'input_type': 'application/json'})
    assert said_of_long.request_line.endswith("-F 'x=[[...]]'")
    monkeypatch.chdir('/')
    assert said.serve_line == f'mxnet-model-server --models color={folder.relative_to("/")}' \
                              '/color.model'
    monkeypatch.chdir('/proc')
    assert said.serve_line == f'mxnet-model-server --models color={folder}/color.model'


def test_its_archive_says_itself_what_becomes_of_a_picture(networks):
    with zipfile.ZipFile(networks['grey'][1].path) as archive:
        signature = json.loads(archive.read('signature.json'))
        assert archive.read('synset.txt').decode() == 'ash\nbeech\ncedar\n'
    assert (signature['input_type'], signature['preprocess']) == ('image/jpeg', '0-1')


def refused(folder, *arguments, **options):
    """The one-line message of an export that leaves nothing."""
    before = sorted(os.listdir(folder)), sorted(os.listdir(tempfile.gettempdir()))
    with pytest.raises(ExportError) as caught:
        mms.export(*arguments, **options)
    assert (sorted(os.listdir(folder)), sorted(os.listdir(tempfile.gettempdir()))) == before
    message = str(caught.value)
    assert '\n' not in message
    # Who calls a function gives no flags.
    assert '--' not in message.replace('--force, in Python with force=True', '')
    return message


@pytest.mark.parametrize(('make', 'options', 'reason'), [
    (lambda: dense(), {}, "inputs= has to give name and shape of each input"),
    (lambda: dense(), {'inputs': {'x': 'four'}}, "inputs=: the shape of 'x' is 'four'"),
    (lambda: dense(), {'inputs': {'x': (0, 9)}}, 'the network does not take inputs of the shapes'),
    (lambda: dense(), {'inputs': {'x': (0, 4), 'y': (0, 4)}}, 'Dense cannot be made a symbol: '),
    (lambda: dense(), {'inputs': {'x': (0, 4)}, 'labels': ['a', 'b']},
     "labels= has 2 names, and output 'probabilities' [0, 3] has 3 classes"),
    (lambda: dense(), {'inputs': {'x': (0, 4)}, 'labels': ['a', 'b\nc', 'd']},
     r"labels=: 'b\nc' is not one line of text"),
    *[(lambda: dense(), {'inputs': {'x': (0, 4)}, 'labels': labels},
       f'labels=: a {kind} has no names in an order: give a list of them')
      for labels, kind in (({0: 'a', 1: 'b', 2: 'c'}, 'dict'), ({'a', 'b', 'c'}, 'set'),
                           (3, 'int'))],
    (lambda: dense(), {'inputs': {'x': (0, 4)}, 'labels': 'none.txt'},
     'labels=: none.txt cannot be read: No such file or directory'),
    (lambda: dense(), {'inputs': {'x': (0, 4)}, 'preprocess': '0-1'},
     'preprocess= is for pictures, [batch, channels, height, width]'),
    (lambda: dense(), {'inputs': {'x': (0, 4)}, 'preprocess': 'vgg'},
     "preprocess='vgg' is none of 'none', '0-1', 'imagenet'"),
    (lambda: dense(), {'inputs': {'x': (0, 4)}, 'params': {}}, 'params= is for a symbol: a Dense'),
    (lambda: dense(), {'inputs': {'x': (0, 4)}, 'service': 'none.py'}, '/none.py is no file'),
    (lambda: dense(), {'inputs': {'x': (0, 4)}, 'model_type': 'imperative'},
     "model_type='imperative' tells of a service file: give service="),
    (lambda: nn.Dense(3), {'inputs': {'x': (0, 4)}}, "_weight' has no value yet: load or init"),
    (lambda: mx.sym.var('x'), {'inputs': {'x': (0, 4)}}, 'a symbol needs params='),
    (lambda: mx.mod.Module(mx.sym.var('x'), label_names=None, data_names=['x']), {},
     'the Module has no parameters yet: bind it'),
    (lambda: 7, {'inputs': {'x': (0, 4)}}, 'int is no network that can be exported: give a Gluon'),
    (lambda: ready(Sized(4), 1, 1, 8, 8), {'inputs': {'x': (0, 1, 8, 8)}},
     'nor be made anew: Sized() does not make it. Let it derive from HybridBlock, with '
     'hybrid_forward(self, F, x)'),
    (lambda: ready(Arrays(4), 1, 1, 8, 8), {'inputs': {'x': (0, 1, 8, 8)}},
     'nor be made anew: Arrays() has another shape of the parameter output.'),
    (lambda: changed(ready(Changed(), 1, 1, 8, 8)), {'inputs': {'x': (0, 1, 8, 8)}},
     'nor be made anew: Changed() answers something else'),
    (lambda: deciding(), {'inputs': {'x': (0, 4)}},
     'Deciding cannot be made a symbol: its answer is another one then, since its Python code '
     'decides by what it is called with; nor be made anew: Deciding() has other parameters'),
])
def test_what_cannot_be_exported_is_told_in_one_line(tmp_path, make, options, reason):
    assert reason in refused(tmp_path, make(), tmp_path / 'net.model', **options)


@pytest.mark.parametrize('path', ['', 'nets/', '..'])
def test_an_archive_has_a_name(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    assert f'{path!r} is not the path of a file' in refused(
        tmp_path, dense(), path, inputs={'x': (0, 4)})


def test_a_file_that_is_there_stays_without_force(tmp_path):
    (tmp_path / 'net.model').write_text('mine')
    message = refused(tmp_path, dense(), tmp_path / 'net', inputs={'x': (0, 4)})
    assert message.startswith(f'model file {tmp_path}/net.model already exists.')
    assert (tmp_path / 'net.model').read_text() == 'mine'


def test_an_archive_that_does_not_answer_is_not_written(tmp_path, caplog):
    own = tmp_path / 'own.py'
    own.write_text(OWN_SERVICE + '    def _postprocess(self, data):\n        return data.nothing\n')
    message = refused(tmp_path, dense(), tmp_path / 'net.model', inputs={'x': (0, 4)}, service=own,
                      model_type='imperative')
    assert message.startswith('net.model was not written: a made-up request is answered by 500: ')
    assert "AttributeError: 'list' object has no attribute 'nothing'" in caplog.text


def test_weights_that_do_not_fit_the_service_stop_the_export(tmp_path):
    own = tmp_path / 'own.py'
    own.write_text(OWN_SERVICE.replace('in_units=4', 'in_units=5'))
    message = refused(tmp_path, dense(), tmp_path / 'net.model', inputs={'x': (0, 4)}, service=own,
                      model_type='imperative')
    assert message.startswith('net.model would not be served, and was not written: ')
    assert 'Service cannot be constructed' in message


def test_importing_mms_imports_no_mxnet_until_something_is_exported():
    code = 'import sys, mms; print(callable(mms.export), "mxnet" in sys.modules)'
    done = subprocess.run([sys.executable, '-c', code], cwd=REPO, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, 'True False\n'), done.stderr


