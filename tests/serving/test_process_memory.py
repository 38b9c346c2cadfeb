"""The memory of processes, where one of them holds up who looks at it."""

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
