"""Signals that arrive in a block, each test in a process of its own."""

import signal
import subprocess
import sys

import pytest
from harness import REPO

SCRIPT = '''
import os, signal, sys, time
from mms.runtime.interrupts import first_interrupt_only, no_interrupts, ignore_signals
signal.signal(signal.SIGINT, signal.default_int_handler)

def send(*numbers):
    for number in numbers:
        os.kill(os.getpid(), number)

INT, TERM, HUP = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
'''


def run(body):
    done = subprocess.run([sys.executable, '-c', SCRIPT + body], cwd=REPO, capture_output=True,
                          text=True, timeout=60)
    return done.returncode, done.stdout.split(), done.stderr


def test_the_first_interrupts_and_the_clean_up_is_left_in_peace():
    assert run('''
try:
    with first_interrupt_only():
        try:
            send(INT)
            print('never')
        finally:
            send(INT, INT)
            print('cleared')
except KeyboardInterrupt:
    print('told')
assert signal.getsignal(INT) is signal.default_int_handler
''') == (0, ['cleared', 'told'], '')


@pytest.mark.parametrize('block', [
    'with first_interrupt_only():', 'with first_interrupt_only(), first_interrupt_only():'])
def test_the_first_interrupts_though_what_it_raises_is_lost_in_a_destructor(block):
    assert run(f'''
class Interrupted:
    def __del__(self):
        send(INT)
        time.sleep(5)

try:
    {block}
        try:
            Interrupted()
            time.sleep(30)
            print('never')
        finally:
            send(INT, INT)
            print('cleared')
except KeyboardInterrupt:
    print('told')
''') == (0, ['cleared', 'told'], '')


def test_what_else_a_destructor_raises_is_printed_as_ever():
    status, printed, said = run('''
class Broken:
    def __del__(self):
        raise ValueError('broken')

with first_interrupt_only():
    Broken()
assert sys.unraisablehook is sys.__unraisablehook__
print('on')
''')
    assert (status, printed) == (0, ['on'])
    assert 'ValueError: broken' in said


def test_another_signal_that_came_later_comes_through_at_the_end():
    status, printed, _ = run('''
try:
    with first_interrupt_only():
        try:
            send(INT)
        finally:
            send(TERM, INT)
            print('cleared', flush=True)
finally:
    print('never', flush=True)
''')
    assert (status, printed) == (-signal.SIGTERM, ['cleared'])


def test_a_first_signal_with_the_systems_handler_does_what_it_does():
    assert run('with first_interrupt_only(): send(TERM); print("never")')[0] == -signal.SIGTERM


def test_where_none_may_interrupt_the_first_waits_too():
    assert run('''
try:
    with no_interrupts():
        send(INT, INT)
        print('cleared')
    print('never')
except KeyboardInterrupt:
    print('told')
''') == (0, ['cleared', 'told'], '')


def test_blocks_within_blocks_let_one_through():
    assert run('''
try:
    with first_interrupt_only():
        try:
            with first_interrupt_only():
                send(INT)
        finally:
            with no_interrupts():
                send(INT)
                print('cleared')
            send(INT)
            print('cleared')
except KeyboardInterrupt:
    print('told')
''') == (0, ['cleared', 'cleared', 'told'], '')


@pytest.mark.parametrize('block', ['first_interrupt_only', 'no_interrupts'])
def test_what_is_ignored_or_given_up_inside_stays_so(block):
    assert run(f'''
signal.signal(HUP, signal.SIG_IGN)
with {block}():
    send(HUP)
    ignore_signals()
    send(INT, TERM, HUP)
send(INT, TERM, HUP)
print('alive')
''') == (0, ['alive'], '')


def test_in_another_thread_nothing_happens():
    assert run('''
import threading
def work():
    with first_interrupt_only(), no_interrupts():
        print(signal.getsignal(INT) is signal.default_int_handler)
thread = threading.Thread(target=work)
thread.start(); thread.join()
''') == (0, ['True'], '')
