"""The process that imports MXNet once, and forks every model's process from itself.

An import takes a second of a core and 85 MB; of a process that has done it, a fork is there within
milliseconds, and shares the memory. The launcher is a fork server, as `multiprocessing` has one.
Where no model uses MXNet, it is not imported.
"""

from __future__ import annotations

import logging
from typing import Optional

import gevent
from gevent.lock import RLock

from mms.errors import ServiceError
from mms.event_loop.in_thread import in_starting_thread
from mms.event_loop.uninterrupted import uninterrupted
from mms.ipc.messages import Forked, Import, Imported, Launch
from mms.pool.process import WorkerProcess
from mms.pool.process_errors import LaunchFailed, NoAnswer, WorkerGone
from mms.pool.spawn import Ends, Handle, Launched, Program, Spawned, Spawner, launcher_program
from mms.runtime.adoption import adopting, is_child
from mms.runtime.killing import is_process_id
from mms.runtime.model_identity import Identity

logger = logging.getLogger(__name__)

# From a disk that is asleep, or far, the import takes longest.
_IMPORT_S = 60.0
# It does nothing but fork.
_LONGEST_ANSWER_S = 10.0
# After so many that have started no process, nobody waits for another.
_MOST_FAILURES = 2


class Launcher:
    """Starts the processes of models, as one user.

    Parameters
    ----------
    identity
        Who they are.
    """

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._turn = RLock()
        self._process: Optional[WorkerProcess] = None
        self._program: Optional[Program] = None
        self._beginning: Optional[gevent.Greenlet] = None
        self._failures = 0
        self._has_mxnet = False
        self._is_stopped = False

    @property
    def pid(self) -> Optional[int]:
        """Process id of the one that runs; None where none does."""
        process = self._process
        return None if process is None or process.gone else process.pid

    def begin(self) -> None:
        """Start it, beside what else there is to do."""
        self._beginning = gevent.spawn(self.is_ready)

    def is_ready(self, for_mxnet: bool = False) -> bool:
        """Whether it can be forked; waits until it can, where there is none yet, or no more.

        Parameters
        ----------
        for_mxnet
            Whether for a model that may use MXNet, which it then imports.
        """
        with self._turn:
            program = launcher_program(self._identity)
            if self._process is not None and (self._process.gone or program != self._program):
                self._end()
            if self._process is None and program is not None and not self._is_stopped and \
                    self._failures < _MOST_FAILURES:
                self._start(program)
            if for_mxnet and self._process is not None and not self._has_mxnet:
                self._import_mxnet(self._process)
            return self._process is not None

    def spawner(self, endpoint: str, log_level: int) -> Spawner:
        """How a process of a model is forked, once it is ready."""
        return lambda ends: self._fork(Launch(endpoint, log_level), ends)

    def stop(self) -> None:
        """End it; the models go on."""
        self._is_stopped = True
        if self._beginning is not None:
            self._beginning.kill()
        with self._turn:
            self._end()

    def _start(self, program: Program) -> None:
        level = logging.getLogger().getEffectiveLevel()
        process = WorkerProcess('', lambda ends: in_starting_thread(
            lambda: Spawned(ends, program, self._identity, level)), 1, self._died)
        try:
            unforkable = process.prepare(_IMPORT_S)
        except ServiceError as error:
            self._failures += 1
            logger.warning('The launcher does not start: %s. Models are loaded by Pythons of their '
                           'own.', error)
            return
        self._process, self._program, self._has_mxnet = process, program, False
        if unforkable:
            self._give_up(unforkable)

    def _import_mxnet(self, process: WorkerProcess) -> None:
        try:
            answer = process.exchange(Import(), _IMPORT_S)
        except NoAnswer:
            process.abort()
            self._process = None
            return
        except WorkerGone:
            self._process = None
            return
        assert isinstance(answer, Imported)
        self._has_mxnet = True
        if answer.unforkable:
            self._give_up(answer.unforkable)

    def _give_up(self, reason: str) -> None:
        self._failures = _MOST_FAILURES
        self._end()
        logger.info('Each model is loaded by a Python of its own: %s.', reason)

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            uninterrupted(process.kill)

    def _died(self, process: WorkerProcess) -> None:
        self._failures += 1
        if not self._is_stopped:
            logger.warning('The launcher died (%s). Models go on; another launcher is started for '
                           'the next that loads.', process.how_it_ends())

    def _fork(self, launch: Launch, ends: Ends) -> Handle:
        with self._turn:
            process = self._process
            if process is None:
                raise LaunchFailed('there is no launcher')
            self._identity.own(ends.output)
            try:
                with adopting():
                    answer = process.exchange(launch, _LONGEST_ANSWER_S, ends)
            except NoAnswer:
                process.abort()
                raise LaunchFailed('the launcher does not answer') from None
            except WorkerGone as error:
                raise LaunchFailed(f'the launcher has ended ({error})') from None
            except OSError as error:
                raise LaunchFailed(
                    f'it cannot be a child of the server ({error.strerror})') from error
            assert isinstance(answer, Forked)
            return self._launched(answer)

    def _launched(self, answer: Forked) -> Handle:
        if not answer.pid:
            raise LaunchFailed(answer.reason)
        if not is_process_id(answer.pid) or not is_child(answer.pid):
            raise LaunchFailed(f'the launcher says {answer.pid!r} for a process id')
        self._failures = 0
        return Launched(answer.pid, self._identity.uid)
