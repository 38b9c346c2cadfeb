import json
import os
import socket
import struct
import threading

import pytest

from mms.devices.device import CPU, Device
from mms.ipc.channel import Channel, ChannelClosed
from mms.ipc.context import Context
from mms.ipc.findings import Findings, Fusion
from mms.ipc.messages import (
    JOINT,
    Answered,
    Explore,
    Fork,
    Forked,
    Fuse,
    Fused,
    Import,
    Imported,
    Launch,
    Load,
    Loaded,
    Measure,
    Measured,
    More,
    Ping,
    Pong,
    Ready,
    Reap,
    Reaped,
    Result,
    Unsuited,
    WarmUp,
    Work,
)
from mms.ipc.request import CLASSIC, Entries, Failure, Reply, Request
from mms.ipc.shape import BrokenFrame

MESSAGES = [
    Load('e', 'm', '/dir', {'Model': {'Service': 's.py'}}, '/dir/s.py', None, 10, threads=[1, 2],
         batch_size=8),
    Load('e', 'm', '/dir', {}, '/dir/s.py', Device(CPU, 1), 10, threads=[1],
         optimize=False, strict=True, explored=True, answered=0, later=True,
         fused=(Fusion(2, 'net', 'a'),)),
    Loaded(), WarmUp(),
    Ready({'inputs': [{'data_name': 'data', 'data_shape': [1, 3]}]}, 'Service', 'a thread', 16,
          [1, 2], answered=2, answers_samples=True),
    Ready({}, 'Service', levels=[1, 2], findings=Findings((1, 2), 4, (Fusion(2, 'net', 'a'),)),
          disturbed=True),
    Explore(), Explore(Findings((), 1)), Fuse((Fusion(1, 'net', 'b'),)), Fused(True),
    Import(), Imported(), Imported('a thread'), Launch('e', 20), Unsuited('it uses a GPU'),
    Fork(2), Forked(17), Forked(0, 'no memory'), Reap(17), Reaped(None), Reaped(-9),
    Work([Request(CLASSIC, 'multipart/form-data; boundary=é\udcff', b'\x00\xff')]),
    Work([Request(CLASSIC, '', b'')]),
    Work([Request(CLASSIC, '', b'x' * 20_000)]),
    Work([]),
    Work([Request(CLASSIC, 'a', b'1'), Request('other', '', b''),
          Request(CLASSIC, 'b', b'y' * 30_000)], JOINT, 5),
    More(3),
    Answered([1], [Reply(b'[1,2]', {'inference': 1.5})]),
    Answered([0], [Reply(b'<none/>', {}, 'text/xml; charset=utf-8', 404)]),
    Answered([0], [Reply(b'x', {}, headers={'Content-Encoding': 'gzip'})]),
    Work([Request('inference_v2', '', b'', headers={'Accept-Encoding': 'größe'})]),
    Result([2, 0, 3, 1], [Failure('BadRequest', 'wrong «field»'), Reply(b''),
                          Reply(b'[' + b'1,' * 20_000 + b'1]'), Failure('InferenceError', '')],
           compared=True, refusal='it does not', memory_bytes=12),
    Result([0, 1], [Reply(b'1', {'inference': float('inf'), 'half \udcff': 2.0}),
                    Failure('InferenceError', 'half a character: \udcff')]),
    Answered([0, 1], [Entries('data', [Request('entry', 'image/png', b'1'),
                                       Request('entry', '', b'y' * 30_000)]), Reply(b'2')]),
    Result([0], [Entries('data é', [])]),
    Failure('ServiceError', 'no licence'),
    Measure(4, 0.1), Measured(12.5),
    Ping(),
    Pong('it is ill'),
]


@pytest.fixture
def ends():
    here, there = socket.socketpair()
    with here, there:
        yield Channel(here), Channel(there), here


@pytest.mark.parametrize('message', MESSAGES, ids=lambda message: type(message).__name__)
def test_every_message_arrives_as_it_was_sent(ends, message):
    here, there, _ = ends
    here.send(message)
    assert there.receive() == message


def test_what_is_known_of_a_request_arrives_with_it(ends):
    here, there, _ = ends
    known = Context('7-é', 12.25, 13.5, '00-' + 'a' * 32 + '-' + 'b' * 16 + '-01', '::1')
    here.send(Work([Request(CLASSIC, '', b'', known), Request(CLASSIC, '', b'')]))
    assert [request.context for request in there.receive().requests] == [known, Context()]


def test_requests_that_differ_in_their_context_alone_are_equal():
    one, other = (Request(CLASSIC, 'a', b'1', Context(name)) for name in ('one', 'other'))
    assert one == other
    assert hash(one) == hash(other)
    assert one != Request('other', 'a', b'1', Context('one'))


def test_messages_arrive_in_order(ends):
    here, there, _ = ends
    for message in MESSAGES:
        here.send(message)
    assert [there.receive() for _ in MESSAGES] == MESSAGES


def test_a_body_larger_than_any_socket_buffer_arrives_whole(ends):
    here, there, _ = ends
    body = bytes(range(256)) * 4096 * 8
    sender = threading.Thread(target=here.send, args=(Work([Request(CLASSIC, 'x', body)]),))
    sender.start()
    received = there.receive()
    sender.join()
    assert received.requests[0].body == body


def test_frames_that_come_in_odd_pieces_arrive_whole(ends):
    here, there, _ = ends

    class Collected:
        data = b''

        def send(self, data):
            self.data += data[:10]
            return len(data[:10])

        def sendall(self, data):
            self.data += data

    frames = Collected()
    for message in MESSAGES:
        Channel(frames).send(message)
    for size in (1, 13, 1000, 16_384, 20_001):
        pieces = [frames.data[at:at + size] for at in range(0, len(frames.data), size)]
        sender = threading.Thread(target=lambda pieces=pieces: [
            here._socket.sendall(piece) for piece in pieces])
        sender.start()
        assert [there.receive() for _ in MESSAGES] == MESSAGES
        sender.join()


def test_an_end_in_the_middle_of_a_frame_is_a_closed_channel(ends):
    here, there, raw = ends
    raw.sendall(b'\x02\x00\x00')
    here.close()
    with pytest.raises(ChannelClosed):
        there.receive()


def test_sending_to_an_end_that_is_gone_is_a_closed_channel(ends):
    here, there, _ = ends
    there.close()
    with pytest.raises(ChannelClosed):
        here.send(Result([0], [Reply(b'x' * 10_000_000)]))


def test_an_end_that_takes_no_more_sends_on_and_gets_nothing(ends):
    here, there, _ = ends
    there.take_no_more()
    with pytest.raises(ChannelClosed):
        here.send(Ping())
    there.send(Pong('ill'))
    assert here.receive() == Pong('ill')


def test_nothing_on_the_wire_is_pickled(ends):
    here, _, raw = ends
    _, there, _ = ends
    here.send(Failure('BadRequest', 'no'))
    frame = there._socket.recv(1000)
    assert json.loads(frame[13:]) == {'error': 'BadRequest', 'message': 'no'}


def test_descriptors_follow_the_message_that_announces_them(ends, tmp_path):
    here, there, _ = ends
    files = [(tmp_path / name).open('w') for name in 'abc']
    here.send(Fork(1))
    here.send_descriptors([file.fileno() for file in files])
    here.send(Ping())
    assert there.receive() == Fork(1)
    received = there.receive_descriptors()
    assert there.receive() == Ping()
    for fd, file in zip(received, files):
        assert os.fstat(fd).st_ino == os.fstat(file.fileno()).st_ino
        os.close(fd)
        file.close()
    assert len(received) == 3


def test_descriptors_for_an_end_that_is_gone_are_a_closed_channel(ends):
    here, there, _ = ends
    there.close()
    with pytest.raises(ChannelClosed):
        here.send_descriptors([0])


def test_a_channel_is_quiet_until_a_message_begins_to_come(ends):
    here, there, _ = ends
    assert there.is_quiet(0.01)
    here.send(Ping())
    assert not there.is_quiet(10)
    here.send(Ping())
    there.receive()
    # The second one may have come along with the first.
    assert not there.is_quiet(10)
    there.receive()
    assert there.is_quiet(0)


FORK, FORKED, WORK, RESULT = 3, 4, 7, 10


@pytest.mark.parametrize(('kind', 'header'), [
    (200, {}), (FORK, []), (FORK, None), (FORK, {}), (FORK, {'threads': '1'}),
    (FORK, {'threads': True}), (FORK, {'threads': 1, 'more': 1}), (FORKED, {'pid': None}),
    (WORK, {'requests': None}), (WORK, {'requests': [1]}), (WORK, {'requests': [['a', 'b', 1]]}),
    (WORK, {'requests': [['a', 'b', 2**70, []]]}), (WORK, {'requests': [['a', 'b', -1, []]]}),
    (RESULT, {'places': [0], 'answers': []}), (RESULT, {'places': ['0'], 'answers': [['E', 'm']]}),
    (RESULT, {'places': [-1], 'answers': [['E', 'm']]}),
    (RESULT, {'places': [0], 'answers': [['E']]}), (RESULT, {'places': [0], 'answers': [[-5, {}]]}),
    (RESULT, {'places': [0], 'answers': [[0, {'inference': 'x'}]]}),
    (RESULT, {'places': [0], 'answers': [[0, {}, 'a/b\r\nSet-Cookie: c', 200]]}),
    (RESULT, {'places': [0], 'answers': [[0, {}, 'a/b', '200 OK']]}),
    (RESULT, {'places': [0], 'answers': [[0, {}, 'a/b', 99]]}),
    (RESULT, {'places': [0], 'answers': [[0, {}, 'a/b', 200, {'Set-Cookie': 'x'}]]}),
    (RESULT, {'places': [0], 'answers': [[0, {}, 'a/b', 200, {'Content-Encoding': 'x\r\ny: z'}]]}),
    (RESULT, {'places': [0], 'answers': [[0, {}, 'a/b', 200, [1]]]}),
    (RESULT, {'places': [0], 'answers': [[0, {'inference': 10**400}]]}),
    (RESULT, {'places': [2**63], 'answers': [['E', 'm']]}),
    (RESULT, {'places': [], 'answers': [], 'memory_bytes': 10**400}), (FORKED, {'pid': 2**63}),
])
def test_what_is_no_message_is_a_broken_frame(ends, kind, header):
    here, there, sock = ends
    text = json.dumps(header).encode()
    sock.sendall(struct.pack('!BIQ', kind, len(text), 0) + text)
    here.close()
    with pytest.raises(BrokenFrame):
        there.receive()


@pytest.mark.parametrize('text', [b'', b'{', b'\xff', b'[' * 100_000,
                                  b'{"threads": 1' + b'0' * 5000])
def test_a_header_that_is_no_json_is_a_broken_frame(ends, text):
    here, there, sock = ends
    sock.sendall(struct.pack('!BIQ', FORK, len(text), 0) + text)
    with pytest.raises(BrokenFrame):
        there.receive()
