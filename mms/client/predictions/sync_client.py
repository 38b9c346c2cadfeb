"""The client that waits: each call returns when it is done."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future
from functools import partial
from itertools import islice
from types import TracebackType
from typing import Any, Optional, TypeVar

import httpx

from mms.client.predictions.answers import Answer
from mms.client.predictions.base import (
    AHEAD,
    PARALLEL,
    RAISE,
    BaseClient,
    returns_errors,
    whole,
)
from mms.client.predictions.body import PacedBody, look_at
from mms.client.predictions.conversation import Exchange, Pause, Step, Steps, Work
from mms.client.predictions.description import Inputs
from mms.client.predictions.errors import ClientError
from mms.client.predictions.failures import FAILURES
from mms.client.predictions.lending import Lender
from mms.client.predictions.threads import Threads

T = TypeVar('T')


class Client(BaseClient):
    """A server, and connections to it. Threads may share one.

    Parameters
    ----------
    url
        ``http://HOST:PORT`` or ``https://HOST:PORT``, with a path where a proxy has one;
        ``HOST:PORT``; ``unix:PATH`` for a Unix socket.
    token
        That the server asks for, of the scope ``predict``.
    timeout
        Seconds for a whole call, or :class:`Timeouts`.
    retries
        Requests in all for one call, or :class:`Retries`.
    ca
        PEM file of the authorities that the server's certificate is checked against; those of the
        system by default.
    cert, key
        PEM files of the certificate to show and its key, which may be in one file.
    connections
        Most connections at a time; they are kept from call to call.

    Raises
    ------
    WrongUse
        One of them cannot be used.

    Examples
    --------
    ::

        with Client('http://127.0.0.1:8080') as client:
            print(client.predict('flowers', 'kitten.jpg'))
    """

    def _connect(self) -> None:
        self._lender = Lender(
            lambda: self._made(httpx.Client, httpx.HTTPTransport, 1), self._connections)

    def predict(self, model: str, inputs: Any, *, timeout: Optional[float] = None) -> Any:
        """Ask a model.

        Parameters
        ----------
        model
            Its name.
        inputs
            For its only input: a path, bytes, an open file, a picture of Pillow, an array or lists;
            a dict of names to such values for several.
        timeout
            Seconds for this call.

        Returns
        -------
        object
            What the service returns, as JSON: for a classifier of pictures one list for each
            output, with the likeliest classes.

        Raises
        ------
        ClientError
            There is no prediction.
        """
        return self._run(self._conversation.predict(model, inputs, timeout))

    def predict_many(self, model: str, inputs: Iterable[Any], *, parallel: int = PARALLEL,
                     errors: str = RAISE, timeout: Optional[float] = None
                     ) -> Generator[Any, None, None]:
        """Ask a model about each of many, some at a time.

        Nothing is asked before the first result is taken, and little more than is taken: `inputs`
        may have no end.

        Parameters
        ----------
        inputs
            Each as for :meth:`predict`.
        parallel
            Most requests at a time.
        errors
            ``raise`` ends with the first error; ``return`` has it in the place of its result.
        timeout
            Seconds for each of them.

        Yields
        ------
        object
            The predictions, in the order of `inputs`.
        """
        kept, parallel = returns_errors(errors), whole(parallel, 'parallel')
        return self._many(model, iter(inputs), parallel, kept, timeout)

    def models(self) -> dict[str, Inputs]:
        """Names of the models that are served, and what each takes."""
        return self._run(self._conversation.models())

    def inputs(self, model: str) -> Inputs:
        """What a model takes: for each input its name, whether it is a picture, and its shape."""
        return self._run(self._conversation.inputs(model))

    def is_healthy(self) -> bool:
        """Whether the server says that all its models can answer."""
        return self._run(self._conversation.is_healthy())

    def close(self) -> None:
        """End its connections; safe to call twice."""
        self._lender.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: Optional[type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        self.close()

    def _many(self, model: str, inputs: Iterator[Any], parallel: int, kept: bool,
              timeout: Optional[float]) -> Generator[Any, None, None]:
        try:
            # Once, and not by each thread.
            self.inputs(model)
        except ClientError:
            if not kept:
                raise
        waiting: deque[Future[Any]] = deque()
        threads = Threads(parallel)
        try:
            while True:
                for given in islice(inputs, parallel * AHEAD - len(waiting)):
                    waiting.append(threads.begin(partial(self._result, model, given, timeout)))
                if not waiting:
                    return
                result = waiting.popleft().result()
                if isinstance(result, ClientError) and not kept:
                    raise result
                yield result
        finally:
            threads.end()

    def _result(self, model: str, given: Any, timeout: Optional[float]) -> Any:
        """The prediction, or the error."""
        try:
            return self.predict(model, given, timeout=timeout)
        except ClientError as error:
            return error

    def _run(self, steps: Steps[T]) -> T:
        result: Any = None
        failure: Optional[Exception] = None
        while True:
            try:
                step = steps.send(result) if failure is None else steps.throw(failure)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            try:
                result, failure = self._do(step), None
            except FAILURES as error:
                failure = error

    def _do(self, step: Step) -> Any:
        if isinstance(step, Work):
            return step.run()
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return None
        return self._exchange(step)

    def _exchange(self, step: Exchange) -> Answer:
        request = step.request
        request.stream = PacedBody(request.stream, step.left)  # type: ignore[arg-type]
        body = bytearray()
        with self._lender.lend(step.left()) as http:
            response = http.send(request, stream=True)
            try:
                for piece in response.iter_bytes():
                    look_at(step.left)
                    body += piece
            finally:
                response.close()
        return Answer(response.status_code, response.headers, bytes(body))
