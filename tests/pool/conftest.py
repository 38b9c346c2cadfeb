"""Processes of a model, started for real."""

import logging
from dataclasses import replace

import pytest
from harness import load_message

from mms.pool.process import WorkerProcess
from mms.pool.spawn import Spawned, model_program
from mms.pool.template import Template
from mms.runtime.model_identity import Identity


@pytest.fixture
def start(tmp_path):
    """Start a process whose `_inference` runs the given lines; it ends with its test."""
    processes = []

    def start(body='return data', on_death=lambda process: None, load_s=30, warm_up_s=30,
              warm_up=True, **options):
        load = replace(load_message(tmp_path, f'm{len(processes)}', body, **options),
                       warm_up=warm_up)
        process = WorkerProcess(
            load.endpoint, lambda ends: Spawned(
                ends, model_program(Identity(), 1), Identity(), logging.INFO), 1, on_death)
        processes.append(process)
        process.load(load, load_s, warm_up_s)
        return process

    yield start
    for process in processes:
        if hasattr(process, '_handle'):
            process.kill()


@pytest.fixture
def template(start):
    """A template whose workers run the given lines."""
    return lambda body='return data', **options: Template(start(body, **options))


@pytest.fixture
def fork():
    """Fork a worker of a template; it ends with its test."""
    workers = []

    def fork(template, on_death=lambda worker: None, threads=1, seconds=30):
        worker = WorkerProcess('m', template.spawner(threads), threads, on_death)
        workers.append(worker)
        worker.join(seconds)
        return worker

    yield fork
    for worker in workers:
        if hasattr(worker, '_handle'):
            worker.kill()
