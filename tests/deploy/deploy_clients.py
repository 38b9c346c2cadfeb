"""Clients that ask a model without end."""

import itertools
import threading

import requests
from harness import until


def predict(url, client=requests, **options):
    return client.post(f'{url}/flowers/predict', data={'data': '[[1]]'}, timeout=60, **options)


class Clients:
    """Ask at the same time, each request with an id of its own.

    Parameters
    ----------
    url
        Of the server.
    kept, new
        How many keep their connection, and how many make one for each request.

    Attributes
    ----------
    answered
        Ids of the requests that were answered.
    failures
        What else came of requests.
    """

    def __init__(self, url, kept=2, new=2):
        self._url = url
        self._end = threading.Event()
        self._ids = itertools.count()
        self._threads = [threading.Thread(target=self._run, args=(number < kept,), daemon=True)
                         for number in range(kept + new)]
        self.answered = []
        self.failures = []

    def _run(self, keeps):
        with requests.Session() as session:
            while not self._end.is_set():
                name = f'ask-{next(self._ids)}'
                try:
                    answer = predict(self._url, session if keeps else requests,
                                     headers={'X-Request-Id': name})
                    answer.raise_for_status()
                    self.answered.append(name)
                except requests.RequestException as error:
                    self.failures.append(error)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        for thread in self._threads:
            thread.join(60)

    def ask_some_more(self):
        """Wait until some more have their answers."""
        goal = len(self.answered) + 50
        until(lambda: len(self.answered) >= goal)
