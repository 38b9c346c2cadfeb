"""Post hostile pictures to a model that takes one, and say what each gets, when, and what it costs.

Each undecodable picture is posted six times: a server that decodes none of them answers none of
them 200. Each costly one is posted once; `largest` is what the largest process of the server had
in memory afterwards or at any time before.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

import psutil
import requests
from hostile_pictures import costly, undecodable

TIMES = 6
PATIENCE_S = 180


def main() -> None:
    """Attack, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('url', metavar='URL', help='such as http://127.0.0.1:8080/NAME/predict')
    parser.add_argument('--field', metavar='NAME', default='data',
                        help='the data_name (%(default)s)')
    parser.add_argument('--pid', metavar='PID', type=int, help='of the server, for its memory')
    args = parser.parse_args()
    print(f'{"picture":30} {"bytes":>10} {"status":>12} {"s":>7} {"answers":>7} {"largest":>8}')
    for name, picture in undecodable().items():
        attack(args, name, picture, TIMES)
    for name, picture in costly().items():
        attack(args, name, picture, 1)


def attack(args: argparse.Namespace, name: str, picture: bytes, times: int) -> None:
    """Post one picture, and print its row."""
    began = time.perf_counter()
    answers = [post(args.url, args.field, picture) for _ in range(times)]
    took_s = (time.perf_counter() - began) / times
    statuses = ' '.join(sorted({str(status) for status, _ in answers}))
    memory = f'{max(peaks_mb(args.pid)):.0f} MB' if args.pid else ''
    print(f'{name:30} {len(picture):10} {statuses:>12} {took_s:7.3f} {len(set(answers)):7} '
          f'{memory:>8}', flush=True)


def post(url: str, field: str, picture: bytes) -> tuple[int, str]:
    """Status and text of one answer."""
    answer = requests.post(url, files={field: ('picture.jpg', picture, 'image/jpeg')},
                           timeout=PATIENCE_S)
    return answer.status_code, answer.text


def peaks_mb(pid: int) -> Iterator[float]:
    """The most that each process of a server has had in memory at once."""
    server = psutil.Process(pid)
    for process in [server, *server.children(recursive=True)]:
        try:
            with open(f'/proc/{process.pid}/status', encoding='ascii') as file:
                lines = dict(line.split(':', 1) for line in file)
        except OSError:
            continue
        if 'VmHWM' in lines:
            yield int(lines['VmHWM'].split()[0]) / 1024


if __name__ == '__main__':
    main()
