"""Gluon nets of a service at the speed of a bound Module, where that is safe and worth it.

Of each hybrid net that `_inference` calls, the graph is taken, fused for oneDNN
and planned for each batch size in use. It is kept where the service's answers
are the same and come faster; everywhere else the net runs as its author made it.
"""

from __future__ import annotations

import ctypes
import logging
import threading
import time
from collections.abc import Mapping
from typing import Any, Optional

import numpy as np

from mms.ipc.findings import Fusion
from mms.mxnet_compat import mxnet as mx
from mms.mxnet_engine.arrays import copied, materialise, wait_for
from mms.mxnet_engine.default_context import on
from mms.mxnet_engine.reasons import RAISED
from mms.runtime.private_memory import private_bytes
from mms.worker.batches.compare import same
from mms.worker.warm_up.graph_plan import FUSED, STATIC, Graph, key_of, threads_of
from mms.worker.warm_up.hybrid_net import CannotFuse, HybridNet, nets_of, notes_of
from mms.worker.warm_up.own_time import OwnTime

logger = logging.getLogger(__name__)

# How many times as fast a form has to be: less is within what repeats differ by.
NEEDED_GAIN = 1.1
# The same for one that takes much memory: more than so many MB and so much of its parameters.
NEEDED_GAIN_HEAVY = 1.25
HEAVY_MB, HEAVY_SHARE = 64, 0.25
MEGABYTE = 1024**2

_ROUNDS = 5
# To try one form of one net takes about as long as so many runs as it was.
_RUNS_TO_TRY = 8


def fuse(service: Any, batches: Mapping[int, Any], budget_s: float = 5.0,
         threads: int = 1, known: Optional[Mapping[str, str]] = None) -> list[str]:
    """Give the Gluon nets of `service` their fastest form at each batch size.

    The nets are called as before. Other shapes, other thread counts and
    training run as they did before. Never raises.

    Parameters
    ----------
    service
        Constructed; its ``_inference`` is called some times for each size.
    batches
        Batch size -> a sample of what ``_inference`` takes at that size.
    budget_s
        No batch size is begun that would, as far as can be foreseen, end later.
    threads
        OpenMP threads of those who will call the nets. To plan for several
        counts call again. All runs in a thread of its own, since oneDNN's
        primitives, which it keeps by thread, are made for one count.
    known
        Name of a net -> its fastest form, which has only to give the same answers; the others stay
        as they are. None to find out.

    Returns
    -------
    list of str
        A line a net: what it got at each size, or why it is as it was.
    """
    lines: list[str] = []
    if not nets_of(service):
        return lines
    worker = threading.Thread(target=_fuse, name='fusion',
                              args=(service, batches, budget_s, threads, lines, known))
    worker.start()
    worker.join()
    return lines


def fused_forms(service: Any) -> list[Fusion]:
    """The forms that the nets of `service` have now."""
    return list(dict.fromkeys(
        Fusion(threads_of(key), net.name, plan.form)
        for net in nets_of(service) for key, plan in net.forward().plans.items()))


def unfuse(service: Any) -> None:
    """Let all nets of `service` run as they were."""
    for net in nets_of(service):
        net.drop(list(net.forward().plans))


def _fuse(service: Any, batches: Mapping[int, Any], budget_s: float, threads: int,
          lines: list[str], known: Optional[Mapping[str, str]]) -> None:
    deadline = time.monotonic() + budget_s
    nets: list[HybridNet] = []
    try:
        mx.base._LIB.MXSetNumOMPThreads(ctypes.c_int(threads))
        nets = nets_of(service)
        if nets:
            with on(getattr(service, 'ctx', None)):
                _try_sizes(service, nets, batches, deadline, known)
    except RAISED as error:
        logger.debug('Fusion fails', exc_info=True)
        for net in nets:
            net.give_up(_text(error))
    called = [net for net in nets if net.calls]
    lines += [net.line() for net in called or nets] if known is None else [
        f'{net.name}: batch {min(batches)}: {known[net.name]}, as was measured before'
        for net in nets if net.mine]


def _try_sizes(service: Any, nets: list[HybridNet], batches: Mapping[int, Any],
               deadline: float, known: Optional[Mapping[str, str]]) -> None:
    cost_s = 0.0  # to try a batch, for each picture in it
    for size in sorted(batches):
        if time.monotonic() + cost_s * size > deadline:
            return
        trial = _Trial(service, batches[size])
        expected = _record(trial, nets)
        if time.monotonic() > deadline:
            return
        again, took_s = trial.timed()
        if not same(expected, again):
            raise CannotFuse('its answers vary')
        cost_s = _RUNS_TO_TRY * took_s / size
        for net in nets:
            if not net.calls or net.left_alone:
                continue
            if known is None:
                _try_net(net, trial, expected, size, deadline)
            elif net.name in known:
                _take_form(net, known[net.name], trial, expected)


def _try_net(net: HybridNet, trial: _Trial, expected: Any, size: int, deadline: float) -> None:
    try:
        graph = Graph(net.block, net.calls[0])
        best = 0.0
        for form in (FUSED, STATIC):
            if form == STATIC and time.monotonic() > deadline:
                break
            gain = _try_form(net, graph, form, trial, expected)
            if gain:
                net.gains[size] = (form, gain[0]) if gain[1] else ('', max(best, gain[0]))
                best = max(best, gain[0])
                if gain[1]:
                    return
    except RAISED as error:
        logger.debug('%s stays as it is', net.name, exc_info=True)
        net.give_up(_text(error))


def _take_form(net: HybridNet, form: str, trial: _Trial, expected: Any) -> None:
    try:
        _put_plans(net, Graph(net.block, net.calls[0]), form, trial, expected)
        _check_on_noise(net)
    except (*RAISED, KeyError) as error:
        logger.debug('%s stays as it is', net.name, exc_info=True)
        net.give_up(_text(error))


def _put_plans(net: HybridNet, graph: Graph, form: str, trial: _Trial,
               expected: Any) -> dict[Any, Any]:
    """Let the net run by plans of a form, once it is sure that it gives the same answers.

    Raises
    ------
    CannotFuse
    """
    plans = {key_of(args): graph.plan(form) for args in net.calls}
    net.put(plans)
    if not same(expected, trial.run()):
        raise CannotFuse('other answers when fused')
    return plans


def _try_form(net: HybridNet, graph: Graph, form: str, trial: _Trial,
              expected: Any) -> tuple[float, bool]:
    """How many times as fast it is, and whether it was kept."""
    before_mb = private_bytes() / MEGABYTE
    plans = _put_plans(net, graph, form, trial, expected)
    heavy = private_bytes() / MEGABYTE - before_mb > max(HEAVY_MB, HEAVY_SHARE * net.megabytes())
    if not net.gains:
        _check_on_noise(net)
    gain = _gain(net, plans, trial)
    keep = gain >= (NEEDED_GAIN_HEAVY if heavy else NEEDED_GAIN)
    if not keep:
        net.drop(plans)
    return gain, keep


def _gain(net: HybridNet, plans: dict[Any, Any], trial: _Trial) -> float:
    """Interleaved, and the best of each: other processes disturb both alike."""
    plain_s = planned_s = float('inf')
    for done in range(_ROUNDS):
        net.drop(plans)
        plain_s = min(plain_s, trial.seconds())
        net.put(plans)
        planned_s = min(planned_s, trial.seconds())
        gain = plain_s / planned_s
        if done and plain_s > 0.1 and not 1.0 < gain < 1.2:
            break
    return gain


def _check_on_noise(net: HybridNet) -> None:
    """A sample of zeros would hide what the weights do."""
    planned = net.forward()
    noise = [_noise(args) for args in net.calls[:1]]
    try:
        expected = [planned._as_it_was(*args) for args in noise]
        wait_for(expected)
    except Exception:
        # A net may well refuse such values.
        return
    if not same(expected, [planned(*args) for args in noise]):
        raise CannotFuse('other answers when fused')


def _noise(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(_noise(item) for item in value)
    if value is None or value.dtype != np.float32:
        return value
    return value + mx.nd.array(np.random.default_rng(7).uniform(-1, 1, value.shape),
                               ctx=value.context)


class _Trial:
    """One sample through ``_inference``, which gets its own copy each time."""

    def __init__(self, service: Any, sample: Any) -> None:
        self._service, self._sample = service, sample

    def run(self) -> Any:
        return self.timed()[0]

    def seconds(self) -> float:
        return self.timed()[1]

    def timed(self) -> tuple[Any, float]:
        sample = copied(self._sample)
        with OwnTime() as own:
            outputs = materialise(self._service._inference(sample))
            wait_for(outputs)
        return outputs, own.seconds


def _record(trial: _Trial, nets: list[HybridNet]) -> Any:
    """Run as it was; note what the outermost nets are called with, and if they keep notes."""
    inside = threading.local()
    kept = [(net, vars(net.block).get('forward')) for net in nets if not net.left_alone]

    def recorder(net: HybridNet, forward: Any) -> Any:
        def record(*args: Any) -> Any:
            if getattr(inside, 'net', None) is None:
                net.calls.append(copied(args))
                inside.net = net
            try:
                return forward(*args)
            finally:
                if inside.net is net:
                    inside.net = None
        return record

    notes = [notes_of(net.block) for net, _ in kept]
    try:
        for net, _ in kept:
            net.calls = []
            vars(net.block)['forward'] = recorder(net, net.block.forward)
        outputs = trial.run()
    finally:
        for net, forward in kept:
            vars(net.block).pop('forward', None)
            if forward is not None:
                vars(net.block)['forward'] = forward
    for (net, _), before in zip(kept, notes):
        if notes_of(net.block) != before:
            net.give_up('its forward changes its attributes')
    return outputs


def _text(error: BaseException) -> str:
    if isinstance(error, CannotFuse):
        return str(error)
    first = (str(error).strip().splitlines() or [''])[0]
    return f'{type(error).__name__}: {first}'
