"""``/ping`` while workers are killed and the others are busy, and where the model itself is ill."""

import contextlib
import os
import threading
import time

import psutil
import requests
from harness import SERVICE, until, write_archive

# The question takes long enough to be met by a kill; while there is a file, it ends its worker.
PING = '''import os, time
        time.sleep(0.03)
        if os.path.exists({folder!r} + '/crash'): os.abort()'''
COMPUTE = '''        import os, time
        if data[0][0] == 'long':
            open({folder!r} + '/computing', 'w').write(str(os.getpid()))
            time.sleep(6)
        return [1]'''


def archive(folder):
    source = SERVICE.replace("return 'fine'", PING).replace('{body}', COMPUTE)
    return write_archive(folder, 'm', source=source.replace('{folder!r}', repr(str(folder))))


def test_a_model_is_healthy_while_its_workers_are_killed_as_they_are_asked(serve, tmp_path):
    server = serve('--models', f'm={archive(tmp_path)}', '--workers', 2)
    over, answers = threading.Event(), []
    busy = threading.Thread(target=lambda: answers.append(server.post_text('m', '["long"]')))
    busy.start()
    note = tmp_path / 'computing'
    at_work = int(until(lambda: note.exists() and note.read_text()))

    def kill():
        while not over.wait(0.015):
            for worker in server.workers():
                if worker.pid != at_work:
                    with contextlib.suppress(psutil.Error):
                        worker.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    pings = []
    with requests.Session() as session:
        while busy.is_alive():
            pings.append(session.get(f'{server.url}/ping', timeout=10).status_code)
            time.sleep(0.02)
    over.set()
    killer.join()
    assert server.log.count(' died; it is being replaced.') >= 5
    assert len(pings) > 50
    assert set(pings) == {200}
    assert answers[0].status_code == 200


def test_a_model_whose_ping_ends_its_worker_is_unhealthy_until_it_does_so_no_more(
        serve, tmp_path):
    server = serve('--models', f'm={archive(tmp_path)}', '--workers', 1)
    assert server.get('/ping').status_code == 200
    (tmp_path / 'crash').touch()
    until(lambda: server.get('/ping').status_code == 503)
    until(lambda: 'its ping ended its worker (signal 6, SIGABRT)' in server.log)
    os.unlink(tmp_path / 'crash')
    until(lambda: server.get('/ping').status_code == 200)
