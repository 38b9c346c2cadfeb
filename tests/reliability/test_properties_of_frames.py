"""Messages between the processes, and what is left of them when they are cut or changed."""

import json
import struct
import tracemalloc

from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from target_frames import check_frames, received, sent

from mms.devices.device import Device
from mms.ipc import messages
from mms.ipc.channel import ChannelClosed
from mms.ipc.context import Context
from mms.ipc.messages import Answered, Load, Ready, Result, Work
from mms.ipc.request import Failure, Reply, Request
from mms.ipc.shape import BrokenFrame

TEXT = st.text(st.characters(exclude_categories=[]), max_size=12)
LINE = st.text('abc/;= -0', max_size=12)
COUNT = st.integers(0, 2**40)
NUMBER = st.floats(allow_nan=False)
CONTENT = st.binary(max_size=300)
ANY = st.recursive(st.none() | st.booleans() | st.integers() | NUMBER | TEXT,
                   lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
                       TEXT, inner, max_size=3), max_leaves=5)
CONTEXTS = st.builds(Context, TEXT, NUMBER, st.none() | NUMBER, TEXT, TEXT, TEXT)
REQUESTS = st.builds(Request, TEXT, TEXT, CONTENT, CONTEXTS)
ANSWERS = st.builds(Failure, TEXT, TEXT) | st.builds(
    Reply, CONTENT, st.dictionaries(TEXT, NUMBER, max_size=3), LINE, st.integers(100, 599))
PARTS = st.lists(st.tuples(st.integers(0, 2000), ANSWERS), max_size=4)
OBJECTS = st.dictionaries(TEXT, ANY, max_size=3)
OPTIONAL = st.none() | COUNT
MESSAGES = st.one_of(
    st.builds(Load, TEXT, TEXT, TEXT, OBJECTS, TEXT,
              st.none() | st.builds(Device, TEXT, COUNT), COUNT, st.booleans(), st.lists(COUNT),
              st.booleans(), OPTIONAL, st.booleans(), st.booleans(), OPTIONAL, st.booleans()),
    st.builds(Ready, OBJECTS, TEXT, TEXT, COUNT, st.lists(COUNT), st.booleans(), TEXT, OPTIONAL,
              st.booleans(), TEXT),
    st.builds(Work, st.lists(REQUESTS, max_size=3), TEXT, COUNT),
    PARTS.map(lambda parts: Answered(*_apart(parts))),
    st.builds(lambda parts, *more: Result(*_apart(parts), *more), PARTS, st.booleans(), TEXT,
              COUNT),
    st.builds(Failure, TEXT, TEXT),
    *(st.builds(getattr(messages, name), COUNT) for name in ('Fork', 'Reap', 'More')),
    st.builds(messages.Forked, COUNT, TEXT), st.builds(messages.Reaped, st.none() | st.integers()),
    st.builds(messages.Measure, COUNT, NUMBER), st.builds(messages.Measured, NUMBER),
    st.builds(messages.Pong, TEXT),
    *(st.builds(getattr(messages, name)) for name in ('Loaded', 'WarmUp', 'Ping')))


def _apart(parts):
    return [place for place, _ in parts], [answer for _, answer in parts]


@settings(max_examples=examples(100))
@given(st.lists(MESSAGES, max_size=4))
def test_messages_arrive_as_they_were_sent(given_messages):
    found, end = received(sent(given_messages))
    assert found == given_messages
    assert isinstance(end, ChannelClosed)


@settings(max_examples=examples(100))
@given(MESSAGES, st.data())
def test_a_frame_that_is_cut_or_changed_is_an_error(message, data):
    frame = bytearray(sent([message]))
    cut = data.draw(st.integers(0, len(frame) - 1))
    assert received(bytes(frame[:cut]))[0] == []
    for _ in range(data.draw(st.integers(1, 3))):
        frame[data.draw(st.integers(0, len(frame) - 1))] ^= data.draw(st.integers(1, 255))
    check_frames(bytes(frame))


@settings(max_examples=examples(100))
@given(st.integers(0, 255), ANY | st.dictionaries(st.sampled_from(
    ['requests', 'answers', 'places', 'room', 'how', 'pid', 'reason', 'device', 'signature']), ANY))
def test_a_header_that_is_no_message_is_an_error(kind, header):
    text = json.dumps(header).encode()
    found, end = received(struct.pack('!BIQ', kind, len(text), 0) + text)
    assert isinstance(end, (BrokenFrame, ChannelClosed))
    check_frames(sent(found))


@settings(max_examples=examples(20))
@given(st.integers(2**20, 2**64 - 1), st.integers(0, 2**32 - 1))
def test_a_size_that_is_claimed_takes_no_memory(size, header_bytes):
    head = json.dumps({'places': [0], 'answers': [[size, {}]]}).encode()
    tracemalloc.start()
    for frame in (struct.pack('!BIQ', 9, len(head), size) + head + b'x',
                  struct.pack('!BIQ', 9, max(header_bytes, 2**26 + 1), size)):
        found, end = received(frame)
        assert (found, type(end) in (BrokenFrame, ChannelClosed)) == ([], True)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 4 * 2**20
