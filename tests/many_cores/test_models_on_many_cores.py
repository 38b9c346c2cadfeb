"""A model that is forked on two cores is forked on any number of them, and answers the same."""

import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from extras import needs
from fleet import mxnet_service, needs_compiler
from harness import FIXTURES, NOT_FORKED, Server, until, write_archive
from recorded import CASES, assert_close, bodies
from seen_cores import environment

pytestmark = [needs_compiler, needs('cv2')]

SEEN = [cores for cores in map(int, os.environ.get('CORES', '64').split()) if cores > 2]

# What a service may import, and what its warm-up makes them start: OpenCV's threads, for a large
# picture, and OpenBLAS's.
LIBRARIES = 'import cv2\nimport numpy as np\n' + mxnet_service('''
picture = np.full((2000, 2000, 3), 7, 'uint8')
assert cv2.resize(picture, (3000, 3000)).max() == 7
ones = np.ones((500, 500))
assert (ones @ ones)[0, 0] == 500''')


@pytest.fixture(scope='module', params=SEEN)
def server(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(f'cores{request.param}')
    models = {case['served_as']: FIXTURES / case['archive'] for case in CASES}
    models['libraries'] = write_archive(folder, 'libraries', source=LIBRARIES)
    models['doubles'] = write_archive(folder, 'doubles', source=mxnet_service('pass'))
    started = Server(folder, ['--models', *(f'{name}={path}' for name, path in models.items()),
                              '--workers', '2', '--log-level', 'DEBUG'],
                     env={**environment(request.param), 'OPENBLAS_NUM_THREADS': '4'})
    started.models, started.cores = list(models), request.param
    yield started.wait_until_up()
    started.stop()


def test_every_model_is_forked(server):
    assert NOT_FORKED.findall(server.log) == []
    assert [len(server.templates(model)) for model in server.models] == [1] * len(server.models)


def test_the_log_tells_whose_threads_are_no_obstacle(server):
    told = re.findall(r'(\d+) thread\(s\) of (\S+), which is no obstacle', server.log)
    assert any('cv2' in library for _, library in told)


@pytest.mark.parametrize('case', CASES, ids=lambda case: case['archive'])
def test_an_archive_answers_as_on_any_machine(server, case):
    asked = [body for _ in range(4) for body in bodies(case)]
    with ThreadPoolExecutor(4) as pool:
        for answer in pool.map(lambda body: server.post(case['served_as'], **body), asked):
            assert answer.status_code == case['status'], answer.text
            assert_close(answer.json(), case['json'])


@pytest.mark.parametrize('model', ['libraries', 'doubles'])
def test_forked_workers_compute_with_the_libraries_of_their_template(server, model):
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: server.post_text(model, '[[1, 2]]'), range(12)))
    assert [answer.json() for answer in answers] == [{'prediction': [[2.0, 4.0]]}] * 12


def test_a_worker_that_is_killed_is_forked_anew(server):
    [template] = server.templates('doubles')
    before = server.workers('doubles')
    before[0].kill()
    until(lambda: len(server.workers('doubles')) == len(before)
          and before[0].pid not in [worker.pid for worker in server.workers('doubles')])
    assert server.templates('doubles') == [template]
    assert server.post_text('doubles', '[[1, 2]]').json() == {'prediction': [[2.0, 4.0]]}


def test_a_picture_is_classified_by_all_of_sixteen_workers(serve, tmp_path):
    case = CASES[0]
    server = serve('--models', f"m={FIXTURES / case['archive']}", '--workers', 16,
                   env=environment(16))
    assert len(server.workers()) >= 16
    assert len(server.templates()) == 1
    [body, *_] = bodies(case)
    with ThreadPoolExecutor(32) as pool:
        for answer in pool.map(lambda _: server.post('m', **body), range(128)):
            assert answer.status_code == case['status'], answer.text
            assert_close(answer.json(), case['json'])
    processes = [*server.templates(), *server.workers()]
    assert server.stop() == 0
    assert not any(process.is_running() for process in processes)


@pytest.mark.parametrize(('cores', 'allowed'), [(16, 4), (64, 2), (16, 1)])
def test_what_affinity_leaves_of_many_cores_is_what_counts(serve, tmp_path, cores, allowed):
    server = serve('--models', f"m={write_archive(tmp_path, 'm', source=mxnet_service('pass'))}",
                   env=environment(cores, allowed))
    assert f"({allowed} core{'s' * (allowed > 1)}, 1 model, " in server.log
    assert NOT_FORKED.findall(server.log) == []
    # One that was measured and is not needed may be on its way out.
    until(lambda: 1 <= len(server.workers()) <= allowed + 1)


def test_one_core_of_those_that_there_are(serve, tmp_path):
    core = min(os.sched_getaffinity(0))
    prefix = ('import os, sys\n'
              f'os.sched_setaffinity(0, [{core}])\nos.execv(sys.executable, [sys.executable] + '
              'sys.argv[1:])')
    server = serve('--models', f"m={write_archive(tmp_path, 'm')}",
                   command=(sys.executable, '-c', prefix, '-m', 'mms'))
    assert '(1 core, 1 model, ' in server.log
    assert len(server.workers()) == 1


@pytest.fixture
def two_cores_of_a_container():
    """A cgroup (v1) with a quota of two processors; its file for those who join."""
    root = Path('/sys/fs/cgroup/cpu')
    if not os.access(root / 'cgroup.procs', os.W_OK):
        pytest.skip('no cgroup can be made here')
    group = root / f'mms-test-{os.getpid()}'
    group.mkdir()
    try:
        (group / 'cpu.cfs_quota_us').write_text('200000')
        yield group / 'cgroup.procs'
    finally:
        for process in (group / 'cgroup.procs').read_text().split():
            (root / 'cgroup.procs').write_text(process)
        group.rmdir()


def test_the_quota_of_a_container_is_what_counts(two_cores_of_a_container, tmp_path):
    join = f'echo $$ > {two_cores_of_a_container} && exec "$@"'
    server = Server(tmp_path / 'server', ['--models', f"m={write_archive(tmp_path, 'm')}"],
                    command=('sh', '-c', join, 'sh', sys.executable, '-m', 'mms'),
                    env=environment(16))
    try:
        assert '(2 cores, 1 model, ' in server.wait_until_up().log
        assert len(server.workers()) == 2
    finally:
        server.stop()
