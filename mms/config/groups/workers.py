"""The processes of models, and how many requests run together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from mms.config.device_flags import ANYWHERE, Wanted, devices, gpus
from mms.config.options import Group, option
from mms.config.per_model import PerModel, worker_counts
from mms.config.values import number, off_switch, size, whole, whole_or_auto


@dataclass(frozen=True)
class WorkerOptions:
    """The processes of models, and how many requests run together."""

    gpu: PerModel[Wanted] = option(
        '--gpu', gpus(), 'none, the CPU', Group.WORKERS, metavar='IDS', unset=PerModel(ANYWHERE),
        help='GPUs that the workers of each model take turns on: numbers from 0 with commas '
             'between them, `all`, or `NAME=IDS` for the model NAME alone; a worker on each, '
             'unless `--workers` says otherwise',
        more='See [devices](#devices). Several words may be given: `--gpu 0,1 flowers=2`')
    device: PerModel[Wanted] = option(
        '--device', devices(), '`cpu`', Group.WORKERS, metavar='DEVICES', unset=PerModel(ANYWHERE),
        help='the same in full: `cpu`, or `cpu:N` or `gpu:N` with commas between them, or '
             '`NAME=DEVICES`; workers on `cpu:N` have contexts as different as those of GPUs')
    workers: PerModel[Optional[int]] = option(
        '--workers', worker_counts(), 'auto', Group.WORKERS, metavar='N',
        help='workers of each model: a number, `NAME=N` for the model NAME alone, or `auto`, '
             'which weighs processors, models and memory',
        more='See [workers](#workers). Several words may be given: `--workers 2 flowers=4`')
    batch_size: Optional[int] = option(
        '--batch-size', whole_or_auto(1024), 'auto', Group.WORKERS, metavar='N',
        help='most requests that run together, or `auto`: as many as it pays',
        more='1 for none. Sizes that do not pay are not used, whatever N is; see '
             '[how batches form](performance.md#how-batches-form)')
    max_batch_delay_ms: float = option(
        '--max-batch-delay', number('milliseconds', 0.0, 60_000.0), '0', Group.WORKERS,
        metavar='MS',
        help='how long a request may wait for others to run with, in milliseconds')
    optimize: bool = option(
        '--no-optimize', off_switch(), 'fused where this is equal and faster',
        Group.WORKERS, unset=True,
        help='run Gluon networks as their service made them, never fused',
        more='See [fused graphs](performance.md#fused-graphs)')
    cache: bool = option(
        '--no-cache', off_switch(), 'kept in `~/.cache/mxnet-model-server`',
        Group.WORKERS, unset=True,
        help='measure at each start what pays, and keep nothing of it for the next',
        more='See [what is kept](performance.md#what-is-kept)')
    max_requests_per_worker: int = option(
        '--max-requests-per-worker', whole(0, 10**9), '0', Group.WORKERS, metavar='N',
        help='replace a worker after so many requests; 0 for never',
        more='See [recycling](#recycling)')
    max_worker_memory_bytes: int = option(
        '--max-worker-memory', size(), 'no limit', Group.WORKERS, metavar='SIZE', unset=0,
        help='replace a worker that has more memory of its own, in bytes or with K, M or G',
        more='See [recycling](#recycling)')
