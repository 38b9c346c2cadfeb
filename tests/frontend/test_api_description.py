"""The document of the models, for requests of several threads."""

import json
import threading

from mms.frontend.api.description import Description
from mms.frontend.exchange import HTTPRequest
from mms.frontend.forwarded import FORWARDED


class Models:
    revision = 0


class Slow(dict):
    """A document; to write it takes as long as it is told."""

    def __init__(self, number, pause=lambda: None):
        super().__init__(number=number, host='h')
        self.pause = pause

    def items(self):
        self.pause()
        return super().items()


def request():
    return HTTPRequest({'REQUEST_METHOD': 'GET', 'PATH_INFO': '/', 'wsgi.url_scheme': 'http',
                        FORWARDED: True}, lambda path, method: (None, {}, ()))


def test_who_has_begun_earlier_leaves_nothing_old_behind():
    models, began, go_on = Models(), threading.Event(), threading.Event()
    earlier = threading.Thread(target=lambda: description.describe(request()))

    def let_the_other_end():
        go_on.set()
        earlier.join()

    def describe():
        if threading.current_thread() is earlier:
            began.set()
            go_on.wait()
            return Slow(1)
        return Slow(models.revision, let_the_other_end if models.revision == 2 else lambda: None)

    description = Description(models, describe)
    models.revision = 1
    earlier.start()
    began.wait()
    models.revision = 2
    description.describe(request())
    told = json.loads(b''.join(description.describe(request()).body))
    assert told['description']['number'] == 2
