"""``forked.py CONTROL MODULE WORDS...``: has a launcher fork ``python -m MODULE WORDS``.

For commands of a shell, which are no processes of the test: CONTROL is the launcher's socket, as a
descriptor that they inherit. What is forked has the streams, the folder and the environment of this
process, which hands on signals and ends with its status. It imports next to nothing.
"""

import _socket  # `socket` takes as long as Python
import os
import signal
import struct
import sys
from marshal import dumps

# Of words and variables, in bytes; the kernel takes twice as much at once.
LONGEST = 2**16
_INT = struct.Struct('i')
_HANDED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)


def main(control, module, words):
    told = dumps([os.getcwd(), dict(os.environ), words])
    if len(told) > LONGEST:
        os.execv(sys.executable, [sys.executable, '-m', module, *words])
    ours, theirs = os.pipe()
    # What comes meanwhile waits until there is who takes it.
    signal.pthread_sigmask(signal.SIG_BLOCK, _HANDED_ON)
    streams = b''.join(map(_INT.pack, (0, 1, 2, theirs)))
    _socket.socket(fileno=control).sendmsg(
        [told], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)])
    os.close(theirs)
    pid, = _INT.unpack(os.read(ours, _INT.size))
    for number in _HANDED_ON:
        signal.signal(number, lambda number, _: os.kill(pid, number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDED_ON)
    status, = _INT.unpack(os.read(ours, _INT.size))
    # What a signal has ended, as a shell says it.
    return status if status >= 0 else 128 - status


if __name__ == '__main__':
    sys.exit(main(int(sys.argv[1]), sys.argv[2], sys.argv[3:]))
