"""The hooks compute on the threads of the worker, and so do their forks; other threads on one."""

import os
import subprocess
import sys

import pytest
from harness import REPO

pytestmark = pytest.mark.measured

SCRIPT = '''
import ctypes
import os
import sys
import threading
from mms import mxnet_compat
from mms.devices.device import Device
from mms.ipc.messages import Load
from mms.worker.processes.forking import set_threads
from mms.worker.processes.operator_threads import prepare_threads

how = {how!r}
load = Load(endpoint='m', model_name='m', model_dir='', manifest={{}}, service_file='',
            device=Device('cpu', 0) if how == 'device' else None, max_image_pixels=1,
            threads=[2], explored=how == 'worker')
mxnet_compat.prepare_services()
prepare_threads(load)
import mxnet as mx


def threads():
    return ctypes.CDLL('libgomp.so.1').omp_get_max_threads()


net = mx.gluon.nn.Conv2D(16, 3, in_channels=8)
net.initialize(mx.init.One())


def run_net():
    """oneDNN compiles it for as many threads as there are when it runs for the first time."""
    return float(net(mx.nd.ones((1, 8, 64, 64))).sum().asscalar())


def compute():
    table = mx.nd.ones((128, 128))
    return float(mx.nd.dot(mx.nd.stack(table, table).sum(axis=0), table).sum().asscalar())


def hooks():
    if how == 'wide':
        set_threads(2)
    found = [threads(), compute(), run_net()]
    run_net()
    own = threading.Thread(target=lambda: found.extend([threads(), compute()]))
    own.start()
    own.join()
    print(*found, flush=True)
    child = os.fork()
    if not child:
        print(threads(), compute(), run_net(), flush=True)
        os._exit(0)
    os.waitpid(child, 0)


if how == 'wide':
    wide = threading.Thread(target=hooks)
    wide.start()
    wide.join()
else:
    hooks()
'''
SUM = 2.0 * 128 ** 3
# The sum of 3x3x8 ones at each of 16x62x62 places.
NET = 72.0 * 16 * 62 * 62


@pytest.mark.parametrize(('how', 'threads'), [
    ('worker', 2), ('device', 2), ('wide', 2), ('template', 1)])
def test_who_computes_on_how_many_threads(how, threads):
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', SCRIPT.format(how=how)], capture_output=True,
        text=True, check=True, timeout=60,
        env={**os.environ, 'PYTHONPATH': str(REPO), 'OMP_NUM_THREADS': '1',
             'MXNET_ENGINE_TYPE': 'NaiveEngine'})
    assert [float(word) for word in done.stdout.split()] == [
        threads, SUM, NET, 1, SUM, threads, SUM, NET]
