"""A page whose commands have all run, and whose server can be asked for more."""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor

from doc_pages import blocks, read
from doc_session import Session

# A network is trained beside other tests: one thread of it takes less than two that wait for each
# other.
TRAINING = {'OMP_NUM_THREADS': '1'}


class PagePlayed(Session):
    """Plays the blocks of a page in order; a training has so many epochs, where they are given.

    Attributes
    ----------
    blocks
        What the page shows.
    outputs
        What each command printed, in order.
    """

    def __init__(self, folder, page, epochs=None):
        super().__init__(folder)
        self.blocks = blocks(read(page))
        self.outputs = []
        self._epochs = f' --epochs {epochs}' if epochs else ''

    def play_all(self):
        for block in self.blocks:
            self.play(block)
            if block.mark.startswith('run'):
                self.outputs.append(self.printed)
        return self

    def _run(self, language, body, status):
        if 'train.py' not in body:
            super()._run(language, body, status)
            return
        self._env = TRAINING
        super()._run(language, body.rstrip('\n') + self._epochs, status)
        self._env = {}

    def shown(self, language):
        """The blocks of one language that the page shows."""
        return [block.body for block in self.blocks if block.language == language]

    def post(self, name, picture, seconds=60):
        """Status and answer of a picture that curl posts."""
        done = subprocess.run(
            ['curl', '-sS', '-m', str(seconds), '-w', '\n%{http_code}', '--noproxy', '*',
             f'http://127.0.0.1:{self.port}/{name}/predict',
             '-F', f'data=@{picture};type=image/jpeg'],
            capture_output=True, text=True, check=True)
        body, _, status = done.stdout.rpartition('\n')
        return int(status), json.loads(body)

    def post_all(self, name, pictures, clients=8):
        """The same for several pictures, some at a time."""
        with ThreadPoolExecutor(clients) as pool:
            return list(pool.map(lambda picture: self.post(name, picture), pictures))

    def log(self):
        return (self.folder / 'mms_app.log').read_text()
