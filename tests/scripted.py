"""A service, and a channel whose other end is a list of messages."""

import numpy as np

from mms.ipc.channel import ChannelClosed
from mms.ipc.request import CLASSIC, Request
from mms.model_service.model_service import SingleNodeService

SIGNATURE = {'inputs': [{'data_name': 'data', 'data_shape': [0]}], 'outputs': [],
             'input_type': 'application/json', 'output_type': 'application/json'}


class Service(SingleNodeService):
    signature = SIGNATURE

    def __init__(self):
        self.sizes = []

    def _preprocess(self, data):
        return np.array(data, dtype='float32')

    def _inference(self, data):
        self.sizes.append(len(data))
        return data * 2

    def _postprocess(self, data):
        return data[0]


class Scripted:
    """A channel whose other end has sent some messages and gone.

    A number among them is a time, in seconds, without a message.
    """

    def __init__(self, *messages):
        self._messages = list(messages)
        self.sent = []

    def is_quiet(self, seconds):
        quiet_s = self._messages.pop(0) if self._messages[:1] and isinstance(
            self._messages[0], float) else 0.0
        return quiet_s > seconds

    def receive(self):
        while self._messages:
            message = self._messages.pop(0)
            if not isinstance(message, float):
                return message
        raise ChannelClosed

    def send(self, message):
        self.sent.append(message)


def asking(text):
    return Request(CLASSIC, 'application/x-www-form-urlencoded', f'data={text}'.encode())


ONE, TWO, BAD = asking('[1]'), asking('[2]'), asking('{}')
