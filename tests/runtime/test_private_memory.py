"""What a process keeps of the memory that it has freed."""

import subprocess
import sys

CODE = '''
import ctypes
from mms.runtime.private_memory import FreedMemoryLimit, private_bytes
MB = 1024**2
freed_memory = FreedMemoryLimit({kept} * MB)
before = private_bytes()
malloc, free = ctypes.CDLL(None).malloc, ctypes.CDLL(None).free
malloc.restype, free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
# So small that malloc takes them from its heap, and the last one keeps that from shrinking.
taken = [malloc(64 * 1024) for _ in range(1024)]
for one in taken:
    ctypes.memset(one, 1, 64 * 1024)
for one in taken[:-1]:
    free(one)
freed = private_bytes()
freed_memory.keep()
print(freed - before > 60 * MB, private_bytes() - before > 60 * MB)
'''


def kept(megabytes):
    done = subprocess.run([sys.executable, '-c', CODE.format(kept=megabytes)],
                          capture_output=True, text=True, check=False)
    assert done.stderr == ''
    return done.stdout.split()


def test_freed_memory_beyond_what_may_be_kept_goes_back_to_the_system():
    assert kept(16) == ['True', 'False']


def test_less_than_that_is_kept():
    assert kept(100) == ['True', 'True']
