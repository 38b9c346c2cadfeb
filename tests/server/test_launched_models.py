"""Models whose processes are forked from one that has imported MXNet."""

import re
import signal

import psutil
import pytest
from harness import Server, until, write_archive

# Changes what every model of one process would see, and answers what it finds.
SEES = '''
import builtins, json, os, random, sys
from mms.model_service.model_service import SingleNodeService

before = {{
    'environment': os.environ.get('MARK'), 'builtins': getattr(builtins, 'mark', None),
    'json': getattr(json, 'mark', None), 'path': [each for each in sys.path if 'mark' in each],
    'mxnet': 'mxnet' in sys.modules, 'helper': 'helper' in sys.modules,
}}
{imports}
import helper
os.environ['MARK'] = builtins.mark = json.mark = {name!r}
sys.path.append('/mark/' + {name!r})
opened = open(os.path.join(os.environ['TMPDIR'], {name!r}), 'a')
drawn = random.random()


class Service(SingleNodeService):
    def __init__(self, model_name, model_dir, manifest, gpu=None):
        self.signature_ = json.load(open(model_dir + '/signature.json'))

    @property
    def signature(self):
        return self.signature_

    def _inference(self, data):
        held = [os.readlink('/proc/self/fd/' + fd) for fd in os.listdir('/proc/self/fd')
                if os.path.exists('/proc/self/fd/' + fd)]
        return {{**before, 'now': [os.environ['MARK'], builtins.mark, json.mark, helper.NAME],
                'held': [each for each in held if each != '/dev/null'], 'drawn': drawn,
                'uses': 'mxnet' in sys.modules, 'words': sys.argv[1:]}}
'''
MXNET = 'import mxnet as mx; mx.random.seed(1)'
SETS_THE_ENGINE = SEES.replace('{imports}', "os.environ['MXNET_ENGINE_TYPE'] = 'ThreadedEngine'\n"
                               '{imports}')
CRASHES = SEES.replace('{imports}', '''
if open('/proc/self/cmdline').read().startswith('mms-model'):
    os.kill(os.getpid(), 11)
{imports}''')


def archive(folder, name, source=SEES, imports=MXNET, helper=''):
    return write_archive(folder, name, source=source.format(name=name, imports=imports),
                         files={'helper.py': f'{helper}\nNAME = {name!r}'})


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    """Two models that use MXNet, and one that does not."""
    folder = tmp_path_factory.mktemp('launched')
    server = Server(folder / 'server', [
        '--models', *(f'{name}={archive(folder, name)}' for name in ('one', 'two')),
        f'plain={archive(folder, "plain", imports="")}', '--workers', '1'])
    try:
        yield server.wait_until_up()
    finally:
        server.stop()


def answer(server, name):
    return server.post_text(name, '[1.0]').json()['prediction']


def launcher_of(server):
    return next((child for child in psutil.Process(server.pid).children()
                 if child.name() == 'mms-launcher'), None)


@pytest.mark.parametrize('name', ['one', 'two', 'plain'])
def test_a_model_sees_nothing_of_another(server, name):
    found = answer(server, name)
    assert found['now'] == [name] * 4
    assert {found[key] for key in ('environment', 'builtins', 'json')} == {None}
    assert (found['path'], found['helper']) == ([], False)
    assert found['words'] == ['--model', name]


def test_mxnet_is_there_when_the_model_imports_it(server):
    assert [answer(server, name)['mxnet'] for name in ('one', 'plain')] == [False, False]
    assert [answer(server, name)['uses'] for name in ('one', 'plain')] == [True, False]


def has_mxnet(process):
    return any('libmxnet' in part.path for part in process.memory_maps())


def test_mxnet_is_imported_once_for_all_models_that_name_it(server):
    assert has_mxnet(launcher_of(server))


def test_mxnet_is_imported_by_a_model_whose_service_file_does_not_name_it(serve, tmp_path):
    # The name of it is in no file of the archive but this one.
    source = SEES.replace("'mxnet' in sys.modules", "('mx' 'net') in sys.modules").replace(
        "'mxnet': ", "'mx' 'net': ")
    path = archive(tmp_path, 'm', source, imports='', helper='import mxnet')
    server = serve('--models', f'm={path}', '--workers', '1')
    found = answer(server, 'm')
    assert (found['mxnet'], found['uses']) == (False, True)
    assert not has_mxnet(launcher_of(server))


def test_a_model_has_no_descriptor_of_another_and_draws_numbers_of_its_own(server):
    one, two = (answer(server, name) for name in ('one', 'two'))
    assert not set(one['held']) & set(two['held'])
    assert one['drawn'] != two['drawn']


def test_ps_shows_what_each_process_is(server):
    front = psutil.Process(server.pid)
    kinds = {child.name() for child in front.children()}
    assert {'mms-launcher', 'mms-model'} <= kinds
    assert launcher_of(server).cmdline() == ['mms-launcher']
    assert launcher_of(server).children() == []
    assert sorted(template.cmdline()[-1] for template in server.templates()) == [
        'one', 'plain', 'two']


def test_a_model_that_sets_what_mxnet_reads_once_has_a_python_of_its_own(serve, tmp_path):
    server = serve('--models', f'm={archive(tmp_path, "m", SETS_THE_ENGINE)}', '--workers', '1')
    assert answer(server, 'm')['now'] == ['m'] * 4
    assert ('Model m is loaded by a Python of its own: forked from the launcher, it sets '
            'MXNET_ENGINE_TYPE before it imports MXNet.') in server.log
    assert 'MXNet start using engine: ThreadedEngine' in server.log


def test_a_model_that_crashes_only_when_it_is_forked_has_a_python_of_its_own(serve, tmp_path):
    server = serve('--models', f'm={archive(tmp_path, "m", CRASHES)}', '--workers', '1')
    assert answer(server, 'm')['now'] == ['m'] * 4
    assert 'Model m is loaded by a Python of its own: forked from the launcher, its worker ' \
           'process ended while it loaded (' in server.log


def test_the_death_of_the_launcher_costs_nothing(serve, tmp_path):
    server = serve('--models', f'one={archive(tmp_path, "one")}', '--workers', '1')
    template, = server.templates()
    first = launcher_of(server)
    first.kill()
    until(lambda: 'The launcher died (signal 9, SIGKILL).' in server.log)
    assert answer(server, 'one')['now'] == ['one'] * 4
    assert template.is_running()
    # A template that is loaded again has another launcher.
    template.kill()
    until(lambda: server.templates() and server.workers())
    assert answer(server, 'one')['now'] == ['one'] * 4
    assert launcher_of(server).pid != first.pid


def test_a_launcher_that_dies_at_the_start_does_not_stop_it(launch, tmp_path):
    server = launch('--models', f'one={archive(tmp_path, "one")}', '--workers', '1')
    until(lambda: launcher_of(server)).kill()
    server.wait_until_up()
    # It is said in one way until the launcher is ready for its first model, in the other after.
    assert re.search('The launcher (does not start: |died .signal 9, SIGKILL)', server.log)
    assert answer(server, 'one')['now'] == ['one'] * 4


@pytest.mark.parametrize('number', [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_outlives_the_server(serve, tmp_path, number):
    server = serve('--models', f'one={archive(tmp_path, "one")}', '--workers', '1')
    processes = psutil.Process(server.pid).children(recursive=True)
    assert {'mms-launcher', 'mms-model', 'mms-worker'} <= {each.name() for each in processes}
    server.process.send_signal(number)
    server.wait()
    until(lambda: not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE
                          for process in processes))


def test_a_signal_for_all_processes_is_for_the_front(serve, tmp_path):
    server = serve('--models', f'one={archive(tmp_path, "one")}', '--workers', '1')
    launcher = launcher_of(server)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
        launcher.send_signal(number)
    assert answer(server, 'one')['now'] == ['one'] * 4
    assert launcher.is_running()
