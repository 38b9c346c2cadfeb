"""``mxnet-model-export --init``: a folder to start from, whose files say what to put into them."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

from mms.archive.json_file import os_reason
from mms.archive.new_file import new_file
from mms.archive.signature import SIGNATURE_FILE
from mms.errors import ExportError
from mms.runtime.interrupts import no_interrupts

_SERVICE_FILE = 'service.py'

# JSON has no comments; nobody reads this key.
_SIGNATURE = '''\
{
  "_comment": [
    "What goes in and what comes out. Keys that begin with _ are read by nobody.",
    "inputs: data_name is the name of the form field that clients send, and the name of the",
    "  input of a symbolic network. The first length of data_shape is the batch; 0 is any length.",
    "input_type: image/jpeg for pictures, [batch, 3, height, width]; application/json for lists.",
    "preprocess: what becomes of the values of a picture: none (0 to 255), 0-1, or imagenet.",
    "  Leave it out with application/json.",
    "outputs: for the reader. The answer is what _postprocess of the service returns."
  ],
  "inputs": [{"data_name": "data", "data_shape": [0, 3, 32, 32]}],
  "input_type": "image/jpeg",
  "preprocess": "0-1",
  "outputs": [{"data_name": "probabilities", "data_shape": [0, 3]}],
  "output_type": "application/json"
}
'''
_LABELS = 'first\nsecond\nthird\n'
_SERVICE = '''\
"""A service to start from: pictures in, the likeliest classes out."""

import os

import mxnet as mx

from mms.log.setup import get_logger
from mms.model_service.mxnet_vision_service import MXNetVisionService

logger = get_logger(__name__)


class Service(MXNetVisionService):
    """The network is made in __init__, in Python.

    One that is in files, NAME-symbol.json and NAME-0000.params, is loaded without a line of
    yours: put them beside this file, take __init__ and _inference out, and export without
    --model-type imperative.
    """

    def __init__(self, model_name, model_dir, manifest, gpu=None):
        super().__init__(model_name, model_dir, manifest, gpu)
        # self.signature is signature.json, self.labels the lines of synset.txt, and self.ctx
        # where to compute. Put your network here:
        self.net = mx.gluon.nn.HybridSequential()
        self.net.add(mx.gluon.nn.GlobalAvgPool2D(),
                     mx.gluon.nn.Dense(len(self.labels), in_units=3))
        if self.param_filename:  # the .params file in this folder, as net.save_parameters wrote it
            self.net.load_parameters(os.path.join(model_dir, self.param_filename), ctx=self.ctx)
        else:
            logger.warning('There is no .params file yet: the answers mean nothing')
            self.net.initialize(mx.init.One(), ctx=self.ctx)
        self.net.hybridize()

    def _preprocess(self, data):
        # One entry for each input of the signature: the bytes of a picture, or a list. super()
        # makes an array of each: a picture is decoded, resized and scaled as the signature says.
        # `raise BadRequest('why')` of mms.errors is an answer 400.
        return super()._preprocess(data)

    def _inference(self, data):
        # The arrays that _preprocess returned, on self.ctx; several requests may share a call.
        return self.net(data[0]).softmax()

    def _postprocess(self, data):
        # What JSON can hold. super() names the five likeliest classes.
        return super()._postprocess(data)
'''
_FILES = {SIGNATURE_FILE: _SIGNATURE, 'synset.txt': _LABELS, _SERVICE_FILE: _SERVICE}


def write_start(folder: str) -> Iterator[str]:
    """Write the files into a folder, which is made where there is none.

    Returns
    -------
    iterator of str
        What to do next, a line each.

    Raises
    ------
    ExportError
        The folder has no name, or one of the files is there or cannot be written. None was
        written then, and no folder made.
    """
    if not folder:
        raise ExportError("--init '' names no folder: give one, or . for the one that you are in")
    folder = os.path.expanduser(folder)
    for name in _FILES:
        if os.path.lexists(os.path.join(folder, name)):
            raise ExportError(f'{os.path.join(folder, name)} is there already, and stays as it is: '
                              'give another folder')
    try:
        _write_all(folder, {os.path.join(folder, name): text for name, text in _FILES.items()})
    except OSError as error:
        raise ExportError(f'{error.filename or folder}: the files cannot be written: '
                          f'{os_reason(error)}') from error
    return _next_steps(folder)


def _write_all(folder: str, texts: Mapping[str, str]) -> None:
    with ExitStack() as undo, ExitStack() as opened:
        for missing in _missing(folder):
            undo.callback(_remove_empty, missing)
        os.makedirs(folder, exist_ok=True)
        files = {path: opened.enter_context(new_file(path)) for path in texts}
        for path, file in files.items():
            file.stream.write(texts[path].encode('utf-8'))
            file.stream.flush()
        # An interrupt waits until it is known what is to be removed again.
        with no_interrupts():
            for path, file in files.items():
                file.publish()
                undo.callback(os.unlink, path)
        undo.pop_all()


def _missing(folder: str) -> list[Path]:
    """The folders on the way to it that there are not, the deepest last."""
    path = Path(folder)
    return [each for each in (*reversed(path.parents), path) if not os.path.lexists(each)]


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


def _next_steps(folder: str) -> Iterator[str]:
    name = os.path.basename(os.path.abspath(folder)) or 'model'
    where, model = shlex.quote(folder), shlex.quote(f'{name}={folder}')
    yield f"{folder} holds {', '.join(_FILES)}: each says what to put into it."
    yield 'While you work on them:'
    yield f'    mxnet-model-server --models {model} --reload'
    yield 'Then:'
    yield (f'    mxnet-model-export --model-name {shlex.quote(name)} --model-path {where} '
           f'--service-file-path {_SERVICE_FILE} --model-type imperative')
