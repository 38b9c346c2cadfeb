"""What answers and runs may be under chaos, by when each process was ended or stopped."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from chaos_clients import ErrorAnswer, Tally
from chaos_models import Run

# Short, since a worker that is stopped for good holds up its requests for so long.
REQUEST_TIMEOUT_S = 3
# What an answer may be where the workers that had the request were killed, or stopped.
MAY_DIE, MAY_HANG = 500, 504
# Of a request: again once.
MOST_RUNS = 2
# Many times what the service takes over one.
SLOW_RUN_S = 1.0
NOT_YET = float('inf')
KILLED, STOPPED, PAUSED = 'killed', 'stopped for good', 'stopped for a while'


@dataclass
class Blow:
    """What was done to a process.

    Attributes
    ----------
    pid
        Of the process.
    how
        `KILLED`, `STOPPED` or `PAUSED`.
    at
        Just before the signal (:func:`time.monotonic`).
    over
        When the process and those that it had forked were seen to be gone, or to go on.
    is_template
        Whether its workers end with it.
    forked
        Its children at that time.
    """

    pid: int
    how: str
    at: float
    over: float = NOT_YET
    is_template: bool = False
    forked: frozenset[int] = frozenset()

    def had(self, run: Run) -> bool:
        """Whether the process, or one that it forked, is that of a run."""
        return self.pid in (run.pid, run.parent) or run.pid in self.forked

    def may_cost(self, run: Run) -> bool:
        """Whether a run may have been cut off.

        A worker that is stopped for good is killed when what it has is answered. A template is
        killed while its workers run what is not.
        """
        return self.is_deadly and self.had(run) and run.began <= self.over

    @property
    def is_deadly(self) -> bool:
        """Whether processes end of it that may have a request."""
        return self.how == KILLED or (self.how == STOPPED and self.is_template)

    def holds_up(self) -> bool:
        """Whether requests wait for it: for a process that is stopped, or for another template."""
        return self.how != KILLED or self.is_template


def doubled(runs: Mapping[str, Sequence[Run]], blows: Sequence[Blow]) -> list[str]:
    """Requests that were run again though no process died over them, or were run three times."""
    return [f'{word} was run by {", ".join(str(one.pid) for one in each)}'
            for word, each in runs.items()
            if len(each) > MOST_RUNS
            or not all(_may_follow(first, second, blows) for first, second in zip(each, each[1:]))]


def not_allowed(tally: Tally, runs: Mapping[str, Sequence[Run]],
                blows: Sequence[Blow]) -> list[str]:
    """Answers that nothing excuses."""
    return [f'{word} was answered {answer.status}: {answer.text[:200]}'
            for word, answer in tally.errors.items()
            if not (may_die(answer, runs.get(word, ()), blows)
                    or may_hang(answer, runs.get(word, ()), blows))]


def may_die(answer: ErrorAnswer, runs: Sequence[Run], blows: Sequence[Blow]) -> bool:
    """Whether an answer is that of a request over which two processes have died: one costs none.

    One may have died before it began to run what it was given.
    """
    deadly = [blow for blow in blows if blow.is_deadly and blow.at <= answer.answered
              and blow.over >= answer.sent]
    return (answer.status, _kind_of(answer.text)) == (MAY_DIE, 'WorkerDiedException') \
        and len(deadly) >= MOST_RUNS \
        and all(any(blow.may_cost(run) for blow in deadly) for run in runs)


def may_hang(answer: ErrorAnswer, runs: Sequence[Run], blows: Sequence[Blow]) -> bool:
    """Whether a request may have waited for too long: something held it up, and no process to
    which nothing was done took long over it.
    """
    while_it_waited = [blow for blow in blows if blow.at <= answer.answered
                       and blow.over >= answer.sent - REQUEST_TIMEOUT_S]
    return (answer.status == MAY_HANG and any(blow.holds_up() for blow in while_it_waited)
            and not any(answer.answered - run.began > SLOW_RUN_S
                        and not any(blow.had(run) for blow in while_it_waited) for run in runs))


def not_tried(tally: Tally, done: Mapping[str, int], wanted: Iterable[str]) -> list[str]:
    """What makes a run that has found nothing worth nothing."""
    found = [f'never done: {name}' for name in wanted if not done.get(name)]
    return found if tally.statuses[http.client.OK] else [*found, 'no request was answered 200']


def _may_follow(first: Run, second: Run, blows: Sequence[Blow]) -> bool:
    return any(blow.may_cost(first) and second.began >= blow.at and not blow.had(second)
               for blow in blows)


def _kind_of(text: str) -> str:
    try:
        document = json.loads(text)
    except ValueError:
        return ''
    return str(document.get('type')) if isinstance(document, dict) else ''
