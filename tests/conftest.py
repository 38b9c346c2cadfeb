"""Servers that end with their test, and the engine of MXNet that tests compute in."""

import faulthandler
import gc
import os
import signal
import sys
import threading
import time
from pathlib import Path

import java_cache
import psutil
import pytest
from fleet import shells, supervisor
from gevent.hub import Hub
from harness import Server, until

from mms import mxnet_compat
from mms.log import request_ids
from mms.mxnet_compat.engine import compute_as_served

# Where the tests run in the background of a script, or under nohup, these are ignored, and would
# be in the processes that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# Nothing is kept in the cache folder of whoever runs the tests, nor for the next test.
os.environ['XDG_CACHE_HOME'] = os.devnull

# As in the processes of models (mms/pool/spawn.py): threads of OpenMP that wait for each other spin
# no longer than this, or they take what the other tests need, two thirds of all that these compute.
os.environ.setdefault('GOMP_SPINCOUNT', '1000')
# Generators of clients run for two seconds each: Java's best compiler costs more than it gains.
_java = Path(sys.prefix) / 'clients' / java_cache.OPTIONS
os.environ.setdefault('JAVA_OPTS', f'@{_java}' if _java.exists() else '-XX:TieredStopAtLevel=1')
compute_as_served()
mxnet_compat.prepare_services()

# pytest-timeout raises it where a test hangs: of an event loop gevent would print it, and go on.
Hub.SYSTEM_ERROR = (*Hub.SYSTEM_ERROR, pytest.fail.Exception)

LONGEST_ID = 120
# Where even that ends nothing, all others would wait: the process ends so much later, and tells
# where each thread is.
HANGS_S = 60
# Tests, or groups of them, of half a minute or more.
LONGEST = tuple(f'tests/{name}' for name in (
    'server/test_takeover.py', 'console/', 'many_cores/', 'docs/test_docs_commands.py', 'examples/',
    'devices/test_gpu_lookup.py', 'benchmarks/test_benchmark_scripts.py', 'docs/test_docs_sdk.py',
    'client/test_sdk.py'))
# What coverage.py tells the processes that tests start. To measure each of them takes as long as
# what they do: those tests are marked that take branches of the package which no other takes.
PROCESSES_MEASURED = {name: os.environ.pop(name) for name in ('COVERAGE_PROCESS_CONFIG',)
                      if 'PYTEST_XDIST_WORKER' in os.environ and name in os.environ}


def pytest_make_parametrize_id(val):
    """A megabyte is no name: it fits into no environment, which has the name of the test."""
    if isinstance(val, (str, bytes)) and len(val) > LONGEST_ID:
        return f'{val[:LONGEST_ID // 2]!a}... of {len(val)}'
    return None


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups in this hook.
def pytest_collection_modifyitems(items):
    """Tests that share a fixture stay in one process of pytest-xdist; the others go anywhere.

    What takes longest comes first: begun last, it would leave the other cores without work.
    """
    items.sort(key=_place)
    for item in items:
        fixtures = item._fixtureinfo.name2fixturedefs.values()
        if any(made[-1].scope in ('class', 'module') for made in fixtures):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition('::')[0]))


def pytest_collection_finish():
    """Look no more for garbage among the tests themselves: each server that a test makes in this
    process looks through all that there is, half a second of it.
    """
    gc.collect()
    gc.freeze()


def _place(item):
    """Where its kind is among the longest; after them where it is none of them."""
    return next((place for place, start in enumerate(LONGEST) if item.nodeid.startswith(start)),
                len(LONGEST))


def pytest_configure(config):
    """Remember the real standard error: of a test, pytest takes what is written there."""
    config.real_stderr = os.dup(2)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    """End the process of a test that hangs. Measure what is run by the processes of one that is
    marked ``measured``.
    """
    measured = PROCESSES_MEASURED if item.get_closest_marker('measured') else {}
    os.environ.update(measured)
    limit_s = _limit_s(item)
    if limit_s:
        faulthandler.dump_traceback_later(limit_s + HANGS_S, exit=True,
                                          file=item.config.real_stderr)
    yield
    faulthandler.cancel_dump_traceback_later()
    for name in measured:
        os.environ.pop(name, None)


@pytest.hookimpl(hookwrapper=True)
def pytest_pyfunc_call():
    """Without the variable that names the test: for another environment the launcher of the
    processes of models is started anew.
    """
    name = os.environ.pop('PYTEST_CURRENT_TEST')
    yield
    # pytest takes it away itself.
    os.environ['PYTEST_CURRENT_TEST'] = name


def _limit_s(item):
    """When pytest-timeout ends it; 0 for never."""
    marked = item.get_closest_marker('timeout')
    if marked:
        return marked.args[0]
    given = item.config.getoption('timeout', None)
    if given is None:
        given = os.environ.get('PYTEST_TIMEOUT', item.config.getini('timeout'))
    return float(given)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    """Measure nothing of a test that is marked ``unmeasured``."""
    coverage = sys.modules.get('coverage') if item.get_closest_marker('unmeasured') else None
    measured = coverage.Coverage.current() if coverage else None
    if measured is not None:
        measured.stop()
    yield
    if measured is not None:
        measured.start()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item, nextitem):
    """Fail where the tests of a file leave a thread that computes on: it halves all others."""
    if nextitem is None or nextitem.path != item.path:
        try:
            until(_rests, 20)
        except AssertionError:
            pytest.fail(f'a thread computes on: {threading.enumerate()}', pytrace=False)


def _rests():
    """Whether no thread of this process computes while the tests wait."""
    begun = time.process_time()
    time.sleep(0.02)
    return time.process_time() - begun < 0.01


@pytest.fixture(autouse=True)
def no_request_in_hand():
    """The lines that a test logs name no request that another one has made in this process."""
    yield
    request_ids.take(())
    request_ids.end()


@pytest.fixture
def launch(tmp_path):
    """Start a server with the given words; it is stopped when the test ends."""
    servers = []

    def start(*words, **options):
        server = Server(tmp_path / f'server{len(servers)}', [str(word) for word in words],
                        **options)
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def serve(launch):
    """Start a server and wait until it is up."""
    return lambda *words, **options: launch(*words, **options).wait_until_up()


@pytest.fixture
def supervise(tmp_path):
    """A started supervisor of a model; its processes end with the test."""
    started = []

    def supervise(*arguments, **options):
        made = supervisor(tmp_path, f'm{len(started)}', *arguments, **options)
        started.append(made)
        made.start()
        return made

    yield supervise
    for made in started:
        made.kill()


@pytest.fixture
def no_shell_stays():
    """What watches over extracted files to the end of the process is ended with the test.

    It stays where a thread may still write to them; other tests count processes.
    """
    before = shells()
    yield
    for pid in set(shells()) - set(before):
        shell = psutil.Process(pid)
        shell.kill()
        shell.wait()
