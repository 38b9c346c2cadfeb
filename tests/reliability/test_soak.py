"""A run of requests of all kinds: nothing of them stays. `make soak` has a long one."""

import re
import subprocess
import sys

import pytest
from effort import LONG
from harness import REPO
from soak import Still, grown, too_much
from soak_samples import FRONT, WORKER, ProcessSample, slope

REQUESTS = 200_000 if LONG else 2_000


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_nothing_stays_of_many_requests():
    done = subprocess.run(
        [sys.executable, REPO / 'benchmarks' / 'soak.py', '--requests', str(REQUESTS)],
        capture_output=True, text=True, timeout=7000, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.match(rf'{REQUESTS} requests in \d+ s, 0 answered otherwise than expected; '
                    r'[1-9]\d* workers killed, [1-9]\d* replacements', done.stdout)
    assert re.search(r'\| front \d+ \| .* MB \| [-+].* MB \|', done.stdout)
    assert 'zombies 0' in done.stdout


def samples(kind, memory, descriptors=10):
    return [ProcessSample(1000 * number, kind, 1, memory(1000 * number), descriptors, 3)
            for number in range(200)]


def test_the_slope_is_that_of_the_line_through_all_samples():
    assert slope(samples(FRONT, lambda sent: 50 + sent / 1000),
                 lambda one: one.memory_mb) == pytest.approx(0.001)
    assert slope(samples(FRONT, lambda sent: 50)[:2], lambda one: one.memory_mb) == 0


def test_what_grows_is_too_much_and_noise_is_not():
    [told] = too_much(samples(WORKER, lambda sent: 50 + sent / 10_000), 5.0)
    assert told == 'grows by 10.0 MB in 100,000 requests'
    assert too_much(samples(WORKER, lambda sent: 50 + sent % 3000 / 1000), 5.0) == []
    few = samples(WORKER, lambda sent: 50 + sent / 1000)[:4]
    assert too_much(few, 5.0) == []
    leaking = [*few[:-1], few[-1]._replace(descriptors=11)]
    assert too_much(leaking, 5.0) == ['has 11 descriptors, 10 before']


def test_what_the_front_has_more_of_is_told():
    assert grown(Still(40, 5, 8), Still(40, 6, 8)) == []
    assert len(grown(Still(40, 5, 8), Still(50, 20, 9))) == 3
