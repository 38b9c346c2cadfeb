"""A model that does what it is asked, and how a server of several front processes is asked."""

import contextlib
import http.client
import os
import re
import struct
from pathlib import Path

import psutil
from prometheus_client.parser import text_string_to_metric_families

# What stands first in the data says what is to be done.
SERVICE = '''
import time
what, *more = data[0][0]
if what == 'sleep':
    time.sleep(more[0])
if what == 'large':
    return 'x' * more[0]
return data[0][0] if what != 'count' else len(str(more))
'''
FORM = {'Content-Type': 'application/x-www-form-urlencoded'}


def fronts(server):
    """The processes that speak HTTP beside the server's own."""
    return [process for process in psutil.Process(server.pid).children()
            if process.name() == 'mms-front' and process.status() != psutil.STATUS_ZOMBIE]


def beginning(server):
    """Those that have been started, and do nothing yet."""
    found = []
    for process in psutil.Process(server.pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.name() != 'mms-front' and any('mms.fronts' in word
                                                     for word in process.cmdline()):
                found.append(process)
    return found


def held_bytes(server):
    """What all processes of the server have counted in the memory that they share."""
    for fd in Path(f'/proc/{server.pid}/fd').iterdir():
        with contextlib.suppress(FileNotFoundError):
            if 'mms-buffers' in os.readlink(fd):
                return sum(cell for cell, in struct.iter_unpack('q', fd.read_bytes()))
    raise AssertionError('nothing is shared')


class Client:
    """One connection that is kept."""

    def __init__(self, server, source='127.0.0.1'):
        self._made = http.client.HTTPConnection('127.0.0.1', server.port, timeout=60,
                                                source_address=(source, 0))

    def send(self, text, path='/m/predict'):
        self._made.request('POST', path, f'data={text}', FORM)

    def answer(self):
        answer = self._made.getresponse()
        return answer.status, answer.read().decode()

    def ask(self, text='[["a"]]', path='/m/predict'):
        self.send(text, path)
        return self.answer()

    def ask_until_closed(self, answers):
        """Ask once, and note the answer; whether the connection stays open."""
        self.send('[["a"]]')
        answer = self._made.getresponse()
        answers.append((answer.status, answer.read().decode()))
        return answer.headers.get('Connection') != 'close'

    def get(self, path):
        self._made.request('GET', path)
        return self.answer()

    def close(self):
        self._made.close()


def samples(server, name):
    """Labels that have a value -> it, of a metric of Prometheus."""
    client = Client(server)
    _, text = client.get('/metrics')
    client.close()
    return {frozenset(sample.labels.items()): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples if sample.name == name and sample.value}


def value(server, name, **labels):
    return samples(server, name).get(frozenset(labels.items()), 0)


def who_answered(server):
    """Process ids in the lines that the answers to predictions have left."""
    return [int(pid) for pid in re.findall(r'PID:(\d+) \S+ POST /m/predict', server.log)]
