"""Models whose processes run under the test itself, and what it waits for."""

import functools
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace

import gevent
import psutil
import pytest
from harness import load_message

from mms.config.per_model import PerModel
from mms.config.settings import Settings
from mms.devices.device import VisibleGPUs
from mms.pool.launcher import Launcher
from mms.pool.settings import PoolSettings
from mms.pool.supervisor import Supervisor
from mms.runtime.byte_budget import ByteBudget
from mms.runtime.model_identity import Identity
from mms.runtime.resources import Resources
from mms.serving.registry import Registry

CC = os.environ.get('CC', 'cc')
needs_compiler = pytest.mark.skipif(shutil.which(CC) is None, reason='no C compiler')

# A library whose thread waits, and is no thread of Python.
SLEEPER = '''
#include <pthread.h>
#include <unistd.h>
static void *nap(void *nothing) { for (;;) pause(); return nothing; }
int start(void) { pthread_t thread; return pthread_create(&thread, NULL, nap, NULL); }
'''

# A machine of one core: a model has as many workers as it is given, and no wide one.
ONE_CORE = Resources(cores=1, free_bytes=2**40, threads=1)

# A service of MXNet's whose hook is given.
MXNET_SERVICE = '''
import os, time
import mxnet as mx
from mms.model_service.model_service import SingleNodeService


class Service(SingleNodeService):
    signature = {{'inputs': [{{'data_name': 'data', 'data_shape': [0, 2]}}], 'outputs': [],
                 'input_type': 'application/json', 'output_type': 'application/json'}}

    def __init__(self, model_name, model_dir, manifest, gpu=None):
        self.ctx = mx.cpu()
        self.loaded_in = os.getpid()

    def _preprocess(self, data):
        return [mx.nd.array(data[0])]

    def _inference(self, data):
{body}
        return data[0] * 2

    def _postprocess(self, data):
        return data.asnumpy().tolist()
'''


# One of NumPy's alone, which loads in a moment; it notes how many rows each inference has.
NUMPY_SERVICE = '''
import os, time
import numpy as np
from mms.model_service.model_service import SingleNodeService


class Service(SingleNodeService):
    batchable = {batchable}
    signature = {{'inputs': [{{'data_name': 'data', 'data_shape': [0]}}], 'outputs': [],
                 'input_type': 'application/json', 'output_type': 'application/json'}}

    def __init__(self, model_name, model_dir, manifest, gpu=None):
        self.size = 0

    def _preprocess(self, data):
        return np.array(data, dtype='float64')

    def _inference(self, data):
        open({notes!r}, 'a').write(f'{{len(data)}} ')
{body}
        return data * 2

    def _postprocess(self, data):
        return data[0].tolist()
'''


def numpy_service(notes, body='pass', batchable=None):
    """Source of a service that doubles what it is given, and notes how many rows that is."""
    return NUMPY_SERVICE.format(notes=str(notes), batchable=batchable, body='\n'.join(
        f'        {line}' for line in body.splitlines()))


def sleeper(folder):
    """The library, compiled: ``libsleeper.so``."""
    source, library = folder / 'sleeper.c', folder / 'libsleeper.so'
    source.write_text(SLEEPER)
    subprocess.run([CC, '-shared', '-fPIC', '-O1', '-o', library, source, '-lpthread'], check=True)
    return str(library)


def mxnet_service(body):
    """Source of a service that doubles what it is given, after the given lines."""
    return MXNET_SERVICE.format(body='\n'.join(f'        {line}' for line in body.splitlines()))


def until(condition, seconds=60):
    """Wait, while everybody else runs, until `condition` is true."""
    with gevent.Timeout(seconds):
        while not condition():
            gevent.sleep(0.01)


@functools.cache
def model_launcher():
    """Forks the processes of models, as a server has it; one for all tests of this process."""
    return Launcher(Identity())


def supervisor(folder, name, body='return data', workers=1, resources=ONE_CORE, pool=(),
               batch_size=None, warm_up=True, later=False, **options):
    """Who keeps the workers of such a model alive, as `pool` says; not started yet.

    Without `warm_up` its hooks meet no request before the test's own; what is measured `later` is
    measured when the test asks for it.
    """
    settings = PoolSettings(resources, workers, **{'launcher': model_launcher(), **dict(pool)})
    load = replace(load_message(folder, name, body, **options), batch_size=batch_size,
                   warm_up=warm_up, later=later, report_memory=settings.max_memory_bytes > 0)
    return Supervisor(load, settings)


def new_registry(settings=None, observer=None):
    """The models of a server, none yet; each has one worker, unless the settings say more."""
    return Registry(settings or Settings(workers=PerModel(1)), VisibleGPUs(), ByteBudget(),
                    observer, launcher=model_launcher())


def kill(pid):
    os.kill(pid, signal.SIGKILL)


def shells():
    """Pids of the shells that the process of the tests has started."""
    return [child.pid for child in psutil.Process().children() if child.name() == 'sh']


def patch_pool(monkeypatch, name, value):
    """Set a constant or function of the pool, in whichever of its modules it is."""
    modules = [module for path, module in sorted(sys.modules.items())
               if path.startswith('mms.pool.') and hasattr(module, name)]
    assert modules
    for module in modules:
        monkeypatch.setattr(module, name, value)
