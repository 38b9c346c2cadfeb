"""Answers, prints or logs as much as a request asks for; computes nothing."""

import logging
import os

from mms.model_service.model_service import SingleNodeService

MEGABYTE = 10**6


class TalkativeService(SingleNodeService):
    """A request is ``["answer", megabytes]``, ``["print", ...]`` or ``["log", ...]``."""

    signature = {
        'inputs': [{'data_name': 'data', 'data_shape': [2]}], 'input_type': 'application/json',
        'outputs': [{'data_name': 'answer', 'data_shape': [1]}],
        'output_type': 'application/json',
    }

    def __init__(self, model_name, model_dir, manifest, gpu=None):
        pass

    def _preprocess(self, data):
        return data[0]

    def _inference(self, data):
        what, megabytes = data if len(data) == 2 else ('answer', 0)
        text = 'x' * int(megabytes * MEGABYTE)
        if what == 'print':
            os.write(1, text.encode())
        elif what == 'log':
            logging.getLogger('talkative').info(text)
        return text if what == 'answer' else len(text)

    def _postprocess(self, data):
        return data
