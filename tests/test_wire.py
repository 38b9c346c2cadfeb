import json
import socket
import threading

import pytest

from mms.wire import (
    Channel,
    ChannelClosed,
    Failure,
    Load,
    Ping,
    Pong,
    Ready,
    Reply,
    Request,
)

MESSAGES = [
    Load('e', 'm', '/dir', {'Model': {'Service': 's.py'}}, '/dir/s.py', None, 10),
    Ready({'inputs': [{'data_name': 'data', 'data_shape': [1, 3]}]}, 'Service'),
    Request('multipart/form-data; boundary=é\udcff', b'\x00\xff'),
    Request('', b''),
    Request('', b'x' * 20_000),
    Reply(b'[1,2]', {'inference': 1.5}),
    Failure('BadRequest', 'wrong «field»'),
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


def test_messages_arrive_in_order(ends):
    here, there, _ = ends
    for message in MESSAGES:
        here.send(message)
    assert [there.receive() for _ in MESSAGES] == MESSAGES


def test_a_body_larger_than_any_socket_buffer_arrives_whole(ends):
    here, there, _ = ends
    body = bytes(range(256)) * 4096 * 8
    sender = threading.Thread(target=here.send, args=(Request('x', body),))
    sender.start()
    received = there.receive()
    sender.join()
    assert received.body == body


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
        here.send(Reply(b'x' * 10_000_000))


def test_nothing_on_the_wire_is_pickled(ends):
    here, _, raw = ends
    _, there, _ = ends
    here.send(Failure('BadRequest', 'no'))
    frame = there._socket.recv(1000)
    assert json.loads(frame[13:]) == {'error': 'BadRequest', 'message': 'no'}
