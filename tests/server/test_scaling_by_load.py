"""A model whose workers become more while requests wait, and fewer when these have gone."""

import threading

import requests
from harness import until, write_archive

SLOW = 'import time\ntime.sleep(0.15)\nreturn [1]'
CLIENTS, MOST = 6, 3


def test_workers_grow_to_the_most_and_shrink_to_the_fewest_and_no_request_fails(serve, tmp_path):
    archive = write_archive(tmp_path, 'm', SLOW)
    server = serve('--models', f'm={archive}', '--workers', 1, '--management-port', 0,
                   '--management-token', 'none')
    management = next(word for line in server.stdout.splitlines() if 'Management at' in line
                      for word in line.split() if word.startswith('http'))
    answers, over = [], threading.Event()

    def workers():
        return len(server.workers('m'))

    def ask():
        with requests.Session() as session:
            while not over.is_set():
                answers.append(session.post(f'{server.url}/m/predict', data={'data': '[[1]]'},
                                            timeout=60).status_code)

    asking = [threading.Thread(target=ask) for _ in range(CLIENTS)]
    scaled = requests.put(f'{management}/models/m', timeout=60, params={
        'min_worker': 1, 'max_worker': MOST, 'synchronous': 'true'})
    assert scaled.status_code == 200, scaled.text
    fewest = workers()
    for thread in asking:
        thread.start()
    try:
        until(lambda: 'Model m is to have 3 workers, 2 before: requests wait.' in server.log, 60)
        until(lambda: workers() >= MOST, 60)
    finally:
        over.set()
        for thread in asking:
            thread.join()
    assert set(answers) == {200}
    until(lambda: 'the others had nothing to do' in server.log, 120)
    until(lambda: workers() == fewest, 60)
    assert server.post_text('m', '[[1]]').status_code == 200
