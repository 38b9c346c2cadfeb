"""Runs a command with the system calls and address families that a unit leaves to its service.

``python deploy_confine.py AF_INET AF_UNIX -- @system-service COMMAND ...``, through the library
with which systemd does it.
"""

import ctypes
import errno
import os
import re
import socket
import subprocess
import sys

LIBRARY = 'libseccomp.so.2'
# <seccomp.h> and <linux/prctl.h>.
_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000
_NO_SUCH_CALL = -1
_EQUAL = 4
_SET_NO_NEW_PRIVILEGES = 38


class Compare(ctypes.Structure):
    """``struct scmp_arg_cmp``: an argument of a system call, and what it has to be."""

    _fields_ = (('argument', ctypes.c_uint), ('how', ctypes.c_int), ('value', ctypes.c_uint64),
                ('other', ctypes.c_uint64))


def calls(group):
    """Names of the system calls in a group, those of the groups in it too."""
    listed = subprocess.run(['systemd-analyze', '--no-pager', 'syscall-filter', group], check=True,
                            capture_output=True, text=True).stdout
    for name in re.findall(r'^    ([@\w][\w-]*)', listed, re.M):
        yield from calls(name) if name.startswith('@') else [name]


def confine(families, group):
    """Take all other calls and sockets from this process, and what it starts: EPERM."""
    library = ctypes.CDLL(LIBRARY)
    library.seccomp_init.restype = ctypes.c_void_p
    rules = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(_ERRNO | errno.EPERM)))
    allowed = ctypes.c_uint32(_ALLOW)
    numbers = {name: library.seccomp_syscall_resolve_name(name.encode())
               for name in sorted(set(calls(group)))}
    for name, number in numbers.items():
        if number != _NO_SUCH_CALL and name != 'socket':
            assert library.seccomp_rule_add(rules, allowed, number, 0) == 0, name
    for family in families:
        kind = Compare(0, _EQUAL, getattr(socket, family), 0)
        assert library.seccomp_rule_add_array(
            rules, allowed, numbers['socket'], 1, ctypes.byref(kind)) == 0
    assert ctypes.CDLL(None).prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0
    assert library.seccomp_load(rules) == 0


def main():
    end = sys.argv.index('--')
    confine(sys.argv[1:end], sys.argv[end + 1])
    os.execv(sys.argv[end + 2], sys.argv[end + 2:])


if __name__ == '__main__':
    main()
