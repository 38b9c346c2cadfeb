"""What a request asks: JSON, behind which binary tensors may lie."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from math import prod
from typing import Any, NamedTuple, Optional

from mms.archive.limits import DIMENSIONS, LENGTH, NAME_CHARACTERS, TENSORS
from mms.archive.signature import DATATYPES
from mms.ipc.request import Body
from mms.worker.codecs.entries import check_count
from mms.worker.codecs.inference_v2.binary import from_binary
from mms.worker.codecs.inference_v2.json_data import from_json
from mms.worker.codecs.inference_v2.parameters import flag, parameters_of, size_in
from mms.worker.codecs.inference_v2.tensor import BYTES, Tensor
from mms.worker.codecs.inference_v2.wanted import Wanted, read_wanted
from mms.worker.codecs.inference_v2.wrong import shown, wrong
from mms.worker.codecs.json_text import NestedTooDeeply, NotJson, TakesTooMuch, parse_json

# What begins so means something to Triton alone.
_RESERVED = 'triton_'
_DATA, _BINARY = 'data', 'binary_data_size'


class Asked(NamedTuple):
    """A request.

    Attributes
    ----------
    id
        What it calls itself; None where it has no name.
    inputs
        Its tensors.
    outputs
        What it wants; None for all.
    is_binary
        Whether outputs are to be given as they lie in memory, where none says otherwise.
    """

    id: Optional[str]
    inputs: list[Tensor]
    outputs: Optional[list[Wanted]] = None
    is_binary: bool = False


def read_asked(body: Body, header_length: Optional[str], model: str,
               known: Collection[str], pictures: Collection[str] = ()) -> Asked:
    """Read a request.

    Parameters
    ----------
    body
        JSON, and the binary tensors behind it.
    header_length
        How long the JSON is, as a header says; None for all of the body.
    model
        Its name, for messages.
    known
        Names of the outputs that the model has.
    pictures
        Names of the inputs that are pictures.

    Raises
    ------
    BadRequest
    PayloadTooLarge
        There are too many pictures.
    """
    length = _length(header_length, len(body))
    document = _document(bytes(body) if length == len(body) else bytes(body[:length]))
    called = document.get('id')
    if called is not None and not isinstance(called, str):
        raise wrong(f'the id must be a text, not {shown(called)}')
    if called is not None and len(called) > NAME_CHARACTERS:
        # The answer has it, and each entry of several.
        raise wrong(f'the id has {len(called)} characters; {NAME_CHARACTERS} are the most')
    parameters = parameters_of(document, 'the request')
    for name in parameters:
        if name.startswith(_RESERVED):
            raise wrong(f"the parameter {name} begins with '{_RESERVED}', which is Triton's own")
    with memoryview(body) as whole:
        inputs = _Tensors(whole[length:], model, pictures).read(document.get('inputs'))
    return Asked(called, inputs, read_wanted(document.get('outputs'), model, known),
                 flag(parameters, 'binary_data_output') or False)


def _length(said: Optional[str], most: int) -> int:
    if said is None:
        return most
    text = said.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(LENGTH))):
        raise wrong(f'Inference-Header-Content-Length must be a number of bytes, not {shown(said)}')
    if int(text) > most:
        raise wrong(f'Inference-Header-Content-Length is {text}, and the body has {most} bytes')
    return int(text)


def _document(text: bytes) -> Mapping[str, Any]:
    try:
        document = parse_json(text)
    except NotJson as error:
        raise wrong(f'the request is no JSON ({error}); where binary tensors follow, the header '
                    'Inference-Header-Content-Length says how long it is') from None
    except NestedTooDeeply:
        raise wrong('the request is nested too deeply') from None
    except TakesTooMuch:
        raise wrong('the lists and short texts of the request would take too much memory: send '
                    'its tensors as binary data') from None
    if not isinstance(document, dict):
        raise wrong(f'the request must be an object, not {shown(document)}')
    return document


class _Tensors:
    """Reads the inputs, of which some take their data from behind the JSON, in their order."""

    def __init__(self, data: memoryview, model: str, pictures: Collection[str]) -> None:
        self._data = data
        self._model = model
        self._pictures = pictures

    def read(self, inputs: Any) -> list[Tensor]:
        if not isinstance(inputs, list) or not inputs:
            raise wrong('inputs must be a list of tensors')
        if len(inputs) > TENSORS:
            raise wrong(f'the request has {len(inputs)} inputs; {TENSORS} are the most')
        found = [self._tensor(entry) for entry in inputs]
        if self._data:
            raise wrong(f"unexpected additional input data for model '{self._model}': "
                        f'{len(self._data)} bytes')
        return found

    def _tensor(self, entry: Any) -> Tensor:
        name = entry.get('name') if isinstance(entry, dict) else None
        if not isinstance(name, str):
            raise wrong(f'an input must be an object with a name, not {shown(entry)}')
        datatype, shape = entry.get('datatype'), _shape(name, entry.get('shape'))
        if datatype not in DATATYPES:
            raise wrong(f"the datatype of input '{name}' must be one of {', '.join(DATATYPES)}, "
                        f'not {shown(datatype)}')
        if datatype == BYTES and name in self._pictures:
            check_count(prod(shape))
        size = size_in(parameters_of(entry, f"input '{name}'"), _BINARY)
        if (size is None) is (entry.get(_DATA) is None):
            raise wrong(f"input '{name}' must have either data, or {_BINARY} among its parameters")
        if size is None:
            values = from_json(name, datatype, shape, entry[_DATA])
        else:
            values = from_binary(name, datatype, shape, self._take(name, size))
        return Tensor(name, datatype, shape, values)

    def _take(self, name: str, size: int) -> memoryview:
        if size > len(self._data):
            raise wrong(f"unexpected size for input '{name}', expecting {size - len(self._data)} "
                        f"additional bytes for model '{self._model}'")
        taken, self._data = self._data[:size], self._data[size:]
        return taken


def _shape(name: str, shape: Any) -> list[int]:
    if not isinstance(shape, list) or len(shape) > DIMENSIONS or not all(
            type(length) is int and 0 <= length <= LENGTH for length in shape):
        raise wrong(f"the shape of input '{name}' must be a list of {DIMENSIONS} whole numbers at "
                    f'most, 0 or more, not {shown(shape)}')
    if prod(max(1, length) for length in shape) > LENGTH:
        raise wrong(f"the shape of input '{name}' is beyond any memory")
    return shape
