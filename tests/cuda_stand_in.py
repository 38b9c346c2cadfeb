"""Stand-ins for a machine with a card: its driver's library, and a wheel of MXNet for CUDA.

The library is no CUDA. It has the five calls that ask for a card's name, capability and memory,
with their signatures in NVIDIA's documentation of the driver API, and answers as an H200 unless
the environment says otherwise; nothing computes. The wheel is MXNet's for the CPU, told to say that
it has CUDA and two GPUs, for which ``mx.cpu(0)`` and ``mx.cpu(1)`` stand; the call that is to fail
does what was seen of a CUDA wheel. So tests show what is read, compared and said, not how a real
card fails.
"""

import subprocess

from fleet import CC

_DRIVER = '''
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* CUresult: 0 is success, 100 no device, 101 invalid device, 1 invalid value, 999 unknown. */
static int fails(const char *call) {
    const char *which = getenv("STAND_IN_FAILS");
    return which && strcmp(which, call) == 0;
}
static int number(const char *name, int otherwise) {
    const char *text = getenv(name);
    return text ? atoi(text) : otherwise;
}
static int ready;

int cuInit(unsigned flags) {
    if (flags || fails("cuInit")) return flags ? 1 : 100;
    ready = 1;
    return 0;
}
int cuDeviceGet(int *device, int ordinal) {
    if (!ready) return 3;
    if (ordinal < 0 || ordinal >= number("STAND_IN_CARDS", 1)) return 101;
    *device = 40 + ordinal;  /* a handle: no ordinal */
    return fails("cuDeviceGet") ? 999 : 0;
}
int cuDeviceGetName(char *name, int length, int device) {
    if (device < 40 || fails("cuDeviceGetName")) return 101;
    snprintf(name, length, "NVIDIA H200");
    return 0;
}
int cuDeviceGetAttribute(int *value, int attribute, int device) {
    if (device < 40 || fails("cuDeviceGetAttribute")) return 101;
    if (attribute == 75) *value = number("STAND_IN_MAJOR", 9);
    else if (attribute == 76) *value = number("STAND_IN_MINOR", 0);
    else return 1;
    return 0;
}
int cuDeviceTotalMem_v2(size_t *bytes, int device) {
    if (device < 40 || fails("cuDeviceTotalMem")) return 101;
    *bytes = 141ull << 30;
    return 0;
}
'''

_MXNET = '''
import os, sys, time

import mms.mxnet_compat
mms.mxnet_compat.prepare_services()
import mxnet as mx

CALL, WORDS, BAD = {call!r}, {words!r}, {bad!r}


def failing(name, real):
    def call(first, *others, **options):
        result = real(first, *others, **options)
        if name != CALL or first.context.device_id not in BAD:
            return result
        if WORDS == 'zeros':
            return real(first * 0, *others, **options) * 0
        if WORDS == 'hangs':
            time.sleep(600)
        if WORDS == 'aborts':
            print('terminate called', file=sys.stderr, flush=True)
            os.abort()
        raise mx.base.MXNetError(WORDS)
    return call


mx.runtime.Features.is_enabled = lambda features, name: name == 'CUDA'
mx.context.num_gpus = lambda: 2
mx.gpu = mx.cpu
mx.nd.NDArray.__mul__ = failing('multiply', mx.nd.NDArray.__mul__)
mx.nd.FullyConnected = failing('FullyConnected', mx.nd.FullyConnected)
'''


def driver(folder):
    """The library, compiled: ``libcuda.so.1``."""
    source, library = folder / 'cuda.c', folder / 'libcuda.so.1'
    source.write_text(_DRIVER)
    subprocess.run([CC, '-shared', '-fPIC', '-O1', '-Wall', '-Werror', '-o', library, source],
                   check=True)
    return str(library)


def wheel(folder, call='', words='', bad=(0,), cuda='cu117'):
    """Such a wheel in a folder: importing ``cuda_wheel`` from there makes MXNet one.

    Parameters
    ----------
    call
        What fails: ``multiply`` or ``FullyConnected``.
    words
        What MXNet says then; or ``zeros``, ``hangs``, ``aborts``.
    bad
        Numbers of the GPUs where it does; there are two.
    """
    (folder / 'cuda_wheel.py').write_text(_MXNET.format(call=call, words=words, bad=tuple(bad)))
    metadata = folder / f'mxnet_{cuda}-1.9.1.dist-info'
    metadata.mkdir()
    (metadata / 'METADATA').write_text(f'Metadata-Version: 2.1\nName: mxnet-{cuda}\n'
                                       'Version: 1.9.1\n')
    return str(folder)
