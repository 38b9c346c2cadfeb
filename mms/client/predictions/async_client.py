"""The client for programs with an event loop of asyncio."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Iterator
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
from mms.client.predictions.conversation import Exchange, Pause, Step, Steps, Work
from mms.client.predictions.description import Inputs
from mms.client.predictions.errors import ClientError, WrongUse
from mms.client.predictions.failures import FAILURES, OutOfTime
from mms.client.predictions.lending import CLOSED

T = TypeVar('T')


class AsyncClient(BaseClient):
    """The same as ``Client``, for one event loop: its parameters, its methods, its errors.

    Examples
    --------
    ::

        async with AsyncClient('http://127.0.0.1:8080') as client:
            print(await client.predict('flowers', 'kitten.jpg'))
            async for prediction in client.predict_many('flowers', paths):
                print(prediction)
    """

    def _connect(self) -> None:
        self._http = self._made(httpx.AsyncClient, httpx.AsyncHTTPTransport, self._connections)

    async def predict(self, model: str, inputs: Any, *, timeout: Optional[float] = None) -> Any:
        """Ask a model, as ``Client.predict`` does; files are read in a thread."""
        return await self._run(self._conversation.predict(model, inputs, timeout))

    def predict_many(self, model: str, inputs: Iterable[Any], *, parallel: int = PARALLEL,
                     errors: str = RAISE, timeout: Optional[float] = None
                     ) -> AsyncGenerator[Any, None]:
        """Ask a model about each of many, as ``Client.predict_many`` does.

        What is not yet answered when the iteration ends is cancelled.
        """
        kept, parallel = returns_errors(errors), whole(parallel, 'parallel')
        return self._many(model, iter(inputs), parallel, kept, timeout)

    async def models(self) -> dict[str, Inputs]:
        """Names of the models that are served, and what each takes."""
        return await self._run(self._conversation.models())

    async def inputs(self, model: str) -> Inputs:
        """What a model takes: for each input its name, whether it is a picture, and its shape."""
        return await self._run(self._conversation.inputs(model))

    async def is_healthy(self) -> bool:
        """Whether the server says that all its models can answer."""
        return await self._run(self._conversation.is_healthy())

    async def close(self) -> None:
        """End its connections; safe to call twice."""
        await self._http.aclose()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, kind: Optional[type[BaseException]], error: Optional[BaseException],
                        trace: Optional[TracebackType]) -> None:
        await self.close()

    async def _many(self, model: str, inputs: Iterator[Any], parallel: int, kept: bool,
                    timeout: Optional[float]) -> AsyncGenerator[Any, None]:
        try:
            # Once, and not by each task.
            await self.inputs(model)
        except ClientError:
            if not kept:
                raise
        turns = asyncio.Semaphore(parallel)
        waiting: deque[asyncio.Task[Any]] = deque()
        try:
            while True:
                for given in islice(inputs, parallel * AHEAD - len(waiting)):
                    waiting.append(asyncio.create_task(
                        self._result(model, given, timeout, turns)))
                if not waiting:
                    return
                result = await waiting.popleft()
                if isinstance(result, ClientError) and not kept:
                    raise result
                yield result
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    async def _result(self, model: str, given: Any, timeout: Optional[float],
                      turns: asyncio.Semaphore) -> Any:
        """The prediction, or the error."""
        async with turns:
            try:
                return await self.predict(model, given, timeout=timeout)
            except ClientError as error:
                return error

    async def _run(self, steps: Steps[T]) -> T:
        result: Any = None
        failure: Optional[Exception] = None
        while True:
            try:
                step = steps.send(result) if failure is None else steps.throw(failure)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            try:
                result, failure = await self._do(step), None
            except FAILURES as error:
                failure = error

    async def _do(self, step: Step) -> Any:
        if isinstance(step, Work):
            return await asyncio.to_thread(step.run)
        if isinstance(step, Pause):
            return await asyncio.sleep(step.seconds)
        return await self._exchange(step)

    async def _exchange(self, step: Exchange) -> Answer:
        if self._http.is_closed:
            raise WrongUse(CLOSED)
        try:
            response = await asyncio.wait_for(self._http.send(step.request), step.left())
        except asyncio.TimeoutError:
            raise OutOfTime('out of time') from None
        return Answer(response.status_code, response.headers, response.content)
