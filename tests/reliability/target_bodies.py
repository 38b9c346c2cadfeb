"""Bodies of every protocol, read as a worker reads them; of several entries, each of them.

The check takes any bytes, and raises AssertionError where something else comes of them than inputs,
entries that have some, or one refusal.
"""

from types import SimpleNamespace

from target_codecs import depth, same

from mms.errors import RequestError
from mms.ipc.request import (
    CLASSIC,
    CLASSIC_BATCH,
    CLASSIC_ENTRY,
    CLASSIC_SINGLE,
    JSON,
    MOST_ENTRIES,
    OPEN_INFERENCE,
    OPEN_INFERENCE_ENTRY,
    Entries,
    Request,
)
from mms.worker.codecs.codec import Endpoint
from mms.worker.codecs.inference_v2.raw_request import HEADER_LENGTH
from mms.worker.codecs.json_text import parse_json
from mms.worker.codecs.nesting import MAX_NESTING
from mms.worker.codecs.registry import Codecs

# By the first byte.
PROTOCOLS = {ord('b'): CLASSIC_BATCH, ord('s'): CLASSIC_SINGLE, ord('c'): CLASSIC,
             ord('o'): OPEN_INFERENCE}
ENTRY_OF = {OPEN_INFERENCE: OPEN_INFERENCE_ENTRY}
ROW, PICTURE = ({'data_name': name, 'data_shape': [0, 2], 'input_type': kind}
                for name, kind in (('data', JSON), ('picture', 'image/jpeg')))
# By the second one.
INPUTS = {ord('d'): [ROW], ord('p'): [PICTURE], ord('2'): [ROW, PICTURE]}
# What an entry of JSON has beside what was sent, and how much longer a number may become.
MOST_BESIDE, MOST_TIMES = 20, 5


def check_body(data):
    """Whatever a client sends becomes inputs of the right kinds, by itself or entry by entry."""
    how, _, rest = data.partition(b'\n')
    kind, _, body = rest.partition(b'\n')
    protocol = PROTOCOLS.get(how[0] if how else None, CLASSIC)
    inputs = INPUTS.get(how[1] if how[1:] else None, INPUTS[ord('2')])
    service = SimpleNamespace(signature={'inputs': inputs, 'outputs': [], 'output_type': JSON,
                                         'input_type': JSON, 'batch_requests': how[2:] == b'!'})
    codecs = Codecs(Endpoint('m', service, 10**6))
    said = kind.decode('latin-1')
    headers = {HEADER_LENGTH: said} if protocol == OPEN_INFERENCE and said else {}
    found = _decoded(codecs, Request(protocol, said, bytearray(body), headers=headers), inputs)
    if not isinstance(found, Entries):
        return
    assert 0 < len(found.requests) <= MOST_ENTRIES
    for request in found.requests:
        assert request.protocol == ENTRY_OF.get(protocol, CLASSIC_ENTRY)
        assert not isinstance(_decoded(codecs, request, inputs), Entries)
    if found.requests[0].content_type == JSON:
        _check_json(body, found, [each['data_name'] for each in inputs])


def _decoded(codecs, request, inputs):
    """What a request becomes; None where it is refused."""
    try:
        found = codecs.decode(request)
    except RequestError as error:
        assert 400 <= error.status < 500
        assert str(error)
        assert '\n' not in str(error)
        return None
    if isinstance(found, Entries):
        return found
    assert len(found.inputs) == len(inputs)
    for one, described in zip(found.inputs, inputs):
        if described is PICTURE:
            assert isinstance(one, bytes)
        else:
            assert isinstance(one, list)
            assert depth(one) <= MAX_NESTING + 1
    return found


def _check_json(body, found, names):
    """Each entry is what stood in the list, and not much longer."""
    given = parse_json(body)[found.name]
    assert len(given) == len(found.requests)
    sizes = [len(request.content) for request in found.requests]
    assert sum(sizes) <= MOST_TIMES * len(body) + MOST_BESIDE * len(sizes)
    for value, request in zip(given, found.requests):
        expected = value if isinstance(value, dict) else {names[0]: value}
        assert same(parse_json(request.content), expected)
