"""Answers, prints or logs as much as a request asks for."""

import logging
import os

from mms.model_service.mxnet_model_service import MXNetBaseService

MEGABYTE = 10**6


class TalkativeService(MXNetBaseService):
    """A request is ``["answer", megabytes]``, ``["print", ...]`` or ``["log", ...]``."""

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
