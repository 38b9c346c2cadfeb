"""Answers with what it was asked and a digest of it, and notes each run of a hook in a file."""

import hashlib
import json
import os
import time

from mms.model_service.model_service import SingleNodeService


class EchoService(SingleNodeService):
    """Who answers a request, and how often it was run, shows outside."""

    def __init__(self, model_name, model_dir, manifest, gpu=None):
        super(EchoService, self).__init__(  # noqa: UP008  (as services of MMS 0.4 have it)
            model_name, model_dir, manifest, gpu)
        with open(os.path.join(model_dir, 'signature.json')) as file:
            self._signature = json.load(file)
        with open(os.path.join(model_dir, 'settings.json')) as file:
            self._settings = json.load(file)

    @property
    def signature(self):
        """What it takes and answers."""
        return self._signature

    def ping(self):
        """It is always well."""
        return 'well'

    def _inference(self, data):
        word, seconds = data[0] if isinstance(data[0], list) and len(data[0]) == 2 else ('', 0)
        if not isinstance(word, str):
            word, seconds = '', 0
        if word and self._settings['ran']:
            line = f'{word} {os.getpid()} {os.getppid()} {time.monotonic()}\n'
            with open(self._settings['ran'], 'ab', buffering=0) as file:
                file.write(line.encode())
        time.sleep(seconds)
        return {'word': word, 'digest': hashlib.sha256(word.encode()).hexdigest(),
                'version': self._settings['version']}
