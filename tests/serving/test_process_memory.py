"""The memory of processes, where one of them holds up who looks at it."""

import threading
import time

from harness import until

from mms.serving import process_memory
from mms.serving.process_memory import ProcessMemory


def test_what_was_found_before_a_look_is_given_up_is_known(monkeypatch):
    monkeypatch.setattr(process_memory, '_LONGEST_LOOK_S', 0.05)
    monkeypatch.setattr(process_memory, 'proportional_bytes',
                        lambda pid: time.sleep(0.2 * (pid == 2)) or 10 * pid)
    memory = ProcessMemory()
    until(lambda: memory.of({1, 2, 3}).items() >= {1: 10, 3: 30}.items())


def test_a_process_holds_up_one_thread_and_many_no_more_than_two(monkeypatch):
    goes_on, held_up = threading.Event(), []

    def look(pid):
        if pid > 1:
            held_up.append(pid)
            goes_on.wait(20)
        return 10 * pid

    monkeypatch.setattr(process_memory, '_LONGEST_LOOK_S', 0.02)
    monkeypatch.setattr(process_memory, 'proportional_bytes', look)
    memory = ProcessMemory()
    for _ in range(4):
        memory.of({2})
    assert held_up == [2]
    # Of any other it is known all the same.
    until(lambda: memory.of({1, 2}) == {1: 10})
    for _ in range(4):
        memory.of({1, 2, 3, 4})
    assert len(held_up) == 2
    goes_on.set()
    until(lambda: memory.of({1, 2, 3, 4}) == {1: 10, 2: 20, 3: 30, 4: 40})
