"""``timeit``: how long a function takes, in the log."""

from __future__ import annotations

import functools
import logging
import time
from typing import Any, Callable, TypeVar, cast

logger = logging.getLogger(__name__)

AnyFunction = TypeVar('AnyFunction', bound=Callable[..., Any])


def timeit(func: AnyFunction) -> AnyFunction:
    """Log at INFO, after each call that returns, its wall and CPU time in seconds."""

    @functools.wraps(func)
    def timed(*args: Any, **kwargs: Any) -> Any:
        start, start_cpu = time.perf_counter(), time.process_time()
        result = func(*args, **kwargs)
        wall, cpu = time.perf_counter() - start, time.process_time() - start_cpu
        logger.info('%s took %.4f s, of which %.4f s on the CPU',
                    func.__name__, wall, cpu)
        return result

    return cast(AnyFunction, timed)
