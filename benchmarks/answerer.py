"""A server that does nothing but answer: ``python answerer.py`` prints its port, and goes on until
its standard input ends.
"""

from __future__ import annotations

import contextlib
import json
import re
import select
import socket
import subprocess
import sys
from collections.abc import Iterator

PREDICTION = [[0.1, 0.2, 0.7]]
LENGTH = re.compile(rb'\r\nContent-Length: *(\d+)', re.IGNORECASE)
RECEIVED_BYTES = 1 << 16


@contextlib.contextmanager
def answering() -> Iterator[tuple[int, int]]:
    """Run one until the block ends; yields its process id and its port."""
    with subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.pid, int(process.stdout.readline())


def main() -> None:
    """Answer each request with the same."""
    text = json.dumps({'prediction': PREDICTION}).encode()
    answer = (b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: '
              + str(len(text)).encode() + b'\r\n\r\n' + text)
    listener = socket.create_server(('127.0.0.1', 0), backlog=1024)
    print(listener.getsockname()[1], flush=True)
    poll = select.epoll()
    poll.register(listener, select.EPOLLIN)
    poll.register(sys.stdin, select.EPOLLIN)
    connections: dict[int, socket.socket] = {}
    received: dict[int, bytes] = {}
    while True:
        for file, _ in poll.poll():
            if file == sys.stdin.fileno():
                return
            if file == listener.fileno():
                connection, _ = listener.accept()
                connections[connection.fileno()] = connection
                received[connection.fileno()] = b''
                poll.register(connection, select.EPOLLIN)
                continue
            try:
                data = connections[file].recv(RECEIVED_BYTES)
            except ConnectionResetError:
                data = b''
            received[file] += data
            if not data:
                poll.unregister(file)
                connections.pop(file).close()
            elif is_whole(received[file]):
                received[file] = b''
                connections[file].sendall(answer)


def is_whole(request: bytes) -> bool:
    """Whether the head has come, and the body that it tells of."""
    head, end, body = request.partition(b'\r\n\r\n')
    length = LENGTH.search(head)
    return bool(end) and len(body) >= (int(length[1]) if length else 0)


if __name__ == '__main__':
    main()
