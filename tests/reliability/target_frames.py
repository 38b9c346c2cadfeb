"""Frames of the channel between processes, as a broken or hostile worker may send them."""

import socket

from mms.ipc.channel import Channel, ChannelClosed
from mms.ipc.shape import BrokenFrame
from mms.pool.channel import FrontChannel
from mms.runtime.byte_budget import ByteBudget

_BUDGET_BYTES = 1024**2
# Read from one end of a socket without waiting for the other.
_MOST_BYTES = 60_000


def received(data):
    """What the front reads of these bytes, up to the end of them or the first that are broken.

    Returns the messages, and the error that ended them.
    """
    here, there = socket.socketpair()
    messages = []
    with here, there:
        there.sendall(data[:_MOST_BYTES])
        there.shutdown(socket.SHUT_WR)
        channel = FrontChannel(here, ByteBudget(_BUDGET_BYTES))
        try:
            while True:
                messages.append(channel.receive())
        except (ChannelClosed, BrokenFrame) as error:
            return messages, error


def sent(messages):
    """The bytes of some messages."""
    here, there = socket.socketpair()
    with here, there:
        there.setblocking(False)
        channel, data = Channel(here), b''
        for message in messages:
            channel.send(message)
            data += there.recv(2**20)
        return data


def check_frames(data):
    """What was read is sent and read again as it was; what is broken is an error, and no hang."""
    messages, _ = received(data)
    for message in messages:
        assert received(sent([message]))[0] == [message]
